"""What a reload changes, keeps and requests."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from exporter.exposition import board
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Format, Page
from exporter.polling import poller, transitions
from exporter.polling.poll_log import SelectorLog
from exporter.polling.schedule import Schedule
from exporter.polling.state_file import StateFile
from exporter.polling.state_format import decoded
from exporter.web.status.problems import FailedReload
from tests.app import fleet as fleets
from tests.app.fleet import KEY, WORLDS, fleet

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
ALL = {str(company.id) for company in WORLDS["one.example"].companies}


def sums_of(source: str, page: Page) -> set[str]:
    """Returns the lines of a source's sums, without its name."""
    lines = page[Format.TEXT].plain.decode().splitlines()
    found = (line for line in lines if line.startswith(("paradigm_sessions_7d{", "paradigm_sessions_28d{")))
    return {line.replace(f'source="{source}"', "") for line in found if f'source="{source}"' in line}


PROXIED = "proxy_url: 'http://proxy.example:3128'"


async def test_an_equal_source_runs_on_untouched(tmp_path: Path) -> None:
    """In any layout, and while another source changes; no request is sent for it."""
    async with fleet(tmp_path, a="settle: 6h", b="") as made:
        before, figures = made.running()["a"], made.page(source="a")
        made.platforms.asked.clear()

        assert not await made.reload(b="settle: 8h", a="settle: 360m")

        assert made.running()["a"] is before
        assert made.page(source="a") == figures
        assert made.platforms.asked == []
        assert [client.closed for client in made.clients] == [False, True, False]


@pytest.mark.parametrize(
    "option",
    [
        pytest.param("settle: 8h", id="settle"),
        pytest.param("max_staleness: 1d", id="staleness"),
        pytest.param("reread_days: 5", id="reread"),
        pytest.param("history_days: 50", id="less-history"),
        pytest.param("history_days: 70", id="more-history"),
        pytest.param("poll: {interval: 30m, timeout: 20s, max_body: 1MiB, requests_per_minute: 5}", id="poll"),
        pytest.param("api_key: other", id="key"),
        pytest.param(PROXIED, id="proxy"),
        pytest.param("calendar: off", id="calendar"),
        pytest.param("families: {exclude: ['paradigm_unique_*']}", id="families"),
        pytest.param("companies: {expected: [99]}", id="expected"),
    ],
)
async def test_other_settings_keep_the_held_days_and_ask_nobody(tmp_path: Path, option: str) -> None:
    """Figures stay, and the next poll is due as it was before."""
    calendars = "calendars: {off: {holidays: [2026-01-01]}}"
    async with fleet(tmp_path, a="", _=calendars) as made:
        figures = made.page("paradigm_user_queries")
        made.platforms.asked.clear()

        assert not await made.reload(a=option, _=calendars)
        await asyncio.sleep(0.05)  # nothing is expected to happen

        assert figures == made.page("paradigm_user_queries")
        assert made.platforms.asked == []
        assert [client.closed for client in made.clients] == [True, False]


async def test_a_setting_shows_on_the_page_at_once(tmp_path: Path) -> None:
    async with fleet(tmp_path, a="") as made:
        await made.reload(
            a="settle: 7h, poll: {interval: 2h}, families: {exclude: ['*_7d']}, api_key_expires: 2027-03-01"
        )

        assert set(made.page("chat_usage_settle_seconds").values()) == {7 * 3600}
        assert set(made.page("chat_usage_poll_interval_seconds").values()) == {7200}
        assert not made.page("paradigm_sessions_7d")
        assert set(made.page("chat_usage_api_key_expiry").values()) == {
            datetime(2027, 3, 1, tzinfo=made.zone).timestamp()
        }

        await made.reload(a="")

        assert made.page("paradigm_sessions_7d")
        assert not made.page("chat_usage_api_key_expiry")


@pytest.mark.parametrize("limit", ["max_series: 1", "max_size: 1"])
async def test_a_limit_of_all_sources_holds_at_once(tmp_path: Path, limit: str) -> None:
    async with fleet(tmp_path, a="") as made:
        await made.reload(a="", _=f"limits: {{{limit}}}")

        assert not made.page("paradigm_sessions_7d")
        assert made.page("paradigm_sessions_last_day")


@pytest.mark.parametrize(
    ("passed", "polls"),
    [pytest.param(5, 1, id="not-due-yet"), pytest.param(31, 2, id="overdue-by-the-new-interval")],
)
async def test_a_shorter_interval_counts_from_the_last_poll(tmp_path: Path, passed: int, polls: int) -> None:
    async with fleet(tmp_path, timedelta(minutes=passed), a="") as made:
        await made.reload(a="poll: {interval: 30m}")

        await made.until_polled("a", polls=polls)


@pytest.mark.parametrize(
    "option",
    [
        pytest.param("base_url: 'https://two.example'", id="base-url"),
        pytest.param("timezone: Europe/Paris", id="zone"),
    ],
)
async def test_another_platform_or_other_days_start_from_nothing(tmp_path: Path, option: str) -> None:
    """Held figures are dropped in that step, counters start at 0, and it is polled at once."""
    async with fleet(tmp_path, a="", b="") as made:
        others = made.page("paradigm_", source="b")
        made.platforms.gate = asyncio.Event()
        await made.reload(a=f"{option}, api_key: {WORLDS['two.example'].keys.admin if 'url' in option else KEY}", b="")

        assert not made.companies("a")
        assert set(made.page("chat_usage_polls", source="a").values()) == {0}
        assert not made.page("chat_usage_api_clock_skew", source="a")
        assert made.page("paradigm_", source="b") == others
        await made.until(
            lambda: made.platforms.asked[-1].url.host == ("two.example" if "url" in option else "one.example")
        )
        made.platforms.gate.set()
        await made.until_polled("a")


async def test_limits_and_calendars_take_effect_without_a_question(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Limits and calendars come from the configuration, not from the platform."""
    async with fleet(tmp_path, a="") as made:
        of_two = {"company_id": "2", "activity": "user_queries"}
        before = made.page("chat_usage_activity_limit", **of_two)
        made.platforms.asked.clear()
        entries = (
            "thresholds:\n"
            "  - {company: 'id:2', activity: user_queries, below: 7, severity: critical}\n"
            "  - {company: nobody, activity: sessions, above: 1}\n"
            "calendars: {odd: {weekend: [mon, tue, wed, thu, fri, sat]}}\n"
            "company_calendars: [{company: 'id:2', calendar: odd}]"
        )
        made.write(a="", _=entries)
        assert await made.reloader.reload() == ""

        after = made.page("chat_usage_activity_limit", **of_two)
        [fixed] = made.page("chat_usage_activity_limit", basis="fixed").items()
        assert (dict(fixed[0][1])["severity"], fixed[1]) == ("critical", 7.0)
        assert len(after) >= len(before)
        idle = made.page("chat_usage_config_unmatched_selectors", option="thresholds")
        assert list(idle.values()) == [1.0]
        assert [vars(each)["selectors"] for each in caplog.records if each.msg == "selectors match nothing"] == [
            "nobody"
        ]
        assert made.platforms.asked == []


async def test_a_file_of_limits_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """Once per change: a wrong file is reported and changes nothing, and the next good one is used."""
    file, head = tmp_path / "limits.csv", "company,activity,below,team\n"
    file.write_text(head)
    async with fleet(tmp_path, a="", _="thresholds_file: limits.csv") as made:
        assert await made.reloader.reload() == ""
        looks = []
        for content in (None, f"{head}id:2,user_queries,7,sales\n", None, f"{head}id:2,likes,x,\n", None):
            if content is not None:
                file.write_text(content)
            looks.append(await made.reloader.file_changed() and await made.reloader.reload())

        fixed = made.page("chat_usage_activity_limit", basis="fixed")
        assert [(dict(labels)["team"], value) for (_, labels), value in fixed.items()] == [("sales", 7.0)]
        assert looks[:3] == [False, "", False]
        assert "limits.csv:2: thresholds.1.below" in str(looks[3])
        assert looks[4] is False
        made.write(a="")
        assert (await made.reloader.reload(), await made.reloader.file_changed()) == ("", False)


async def test_an_entry_for_several_sources_counts_when_it_matches_in_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, under the selector of the sources; one that matches in another source is not reported."""
    two = f"base_url: 'https://two.example', api_key: {WORLDS['two.example'].keys.admin}"
    entries = (
        "thresholds:\n"
        "  - {company: 'id:3', activity: user_queries, below: 7}\n"
        "  - {company: 'ID: 99', activity: sessions, above: 1}\n"
        "  - {source: '[ab]', company: 'Nobody*', activity: sessions, above: 1}\n"
    )
    async with fleet(tmp_path, a="companies: {include: [1]}", b=two, _=entries) as made:
        await made.reloader.reload()  # both have been polled by now
        counts, named = (made.page(f"chat_usage_config_unmatched_selector{end}") for end in ("s", "_info"))
    assert {dict(labels)["source"] for (_, labels), value in counts.items() if value} == {"*", "[ab]"}
    found = {tuple(value for _, value in sorted(labels)) for _, labels in named}
    assert found == {("thresholds", "id:99", "*"), ("thresholds", "Nobody*", "[ab]")}
    logged = [(vars(each)["source"], vars(each)["selectors"]) for each in caplog.records if "selectors" in vars(each)]
    assert {*logged} == {("*", "id:99"), ("[ab]", "Nobody*")}
    assert len(logged) == 2 * 2  # at the start and at the reload


async def test_companies_that_are_not_wanted_any_more_go_at_once(tmp_path: Path) -> None:
    async with fleet(tmp_path, a="") as made:
        before = made.page("paradigm_")
        made.platforms.asked.clear()
        await made.reload(a="companies: {include: ['*'], exclude: [2]}")

        assert made.page("paradigm_") == {
            key: value for key, value in before.items() if ("company_id", "2") not in key[1]
        }
        assert made.platforms.asked == []


async def test_companies_that_are_wanted_now_come_with_all_their_past(tmp_path: Path) -> None:
    """As if they had always been included; sums are absent until all days are read again."""
    async with fleet(tmp_path, a="companies: {include: [1, 2]}", whole="") as made:
        shown = len(made.board.pages)
        await made.reload(a="", whole="")
        await made.until_polled("a", polls=2)
        sums = [sums_of("a", page) for page in made.board.pages[shown:]]

        assert set().union(*sums) == sums_of("whole", made.board.pages[-1])
        assert set() in sums
        assert made.companies() == made.companies("whole") == ALL
        assert list(made.page("paradigm_", source="a").values()) == list(
            made.page("paradigm_", source="whole").values()
        )


async def test_a_new_source_is_polled_at_once_and_a_removed_one_leaves_no_series(tmp_path: Path) -> None:
    """A renamed source is removed and added: its key, timers and counters go."""
    async with fleet(tmp_path, a="api_key_expires: 2027-03-01", b="") as made:
        assert {name for name, _ in made.page(source="a")} >= {"chat_usage_api_key_expiry_timestamp_seconds"}
        await made.reload(new="", b="")

        assert not made.page(source="a")
        assert made.page("chat_usage_polls", source="new")
        assert list(made.sources.names) == ["b", "new"]
        await made.until_polled("new")
        made.jump()
        await made.until_polled("new", "b", polls=2)
        assert not made.page(source="a")
        assert [client.closed for client in made.clients] == [True, False, False]


async def test_a_report_that_is_left_out_goes_and_a_new_one_is_polled_at_once(tmp_path: Path) -> None:
    async with fleet(tmp_path, a="") as made:
        await made.reload(a="reports: [more]")

        assert not made.page(report="chat-sessions")
        await made.until(lambda: 1 in made.page("chat_usage_polls", report="more", outcome="ok").values())


async def test_a_whole_change_is_one_page(tmp_path: Path) -> None:
    """One source is removed, one is added, two change: a scrape sees either none of it or all of it."""
    async with fleet(tmp_path, a="", b="", c="") as made:
        made.platforms.gate = asyncio.Event()
        shown = len(made.board.pages)
        await made.reload(a="settle: 7h", b="companies: {include: [1]}", d="")

        assert len(made.board.pages) == shown + 1
        text = made.board.pages[-1][Format.TEXT].plain.decode()
        assert 'chat_usage_settle_seconds{source="a"} 25200' in text
        assert 'source="c"' not in text
        assert 'chat_usage_settle_seconds{source="d"}' in text
        assert made.companies("b") == {"1"}
        made.platforms.gate.set()


async def test_a_poll_that_runs_is_cut_off_and_made_anew(tmp_path: Path) -> None:
    """By the new client; the old one is closed when it is no longer used, and no failure is logged."""
    async with fleet(tmp_path, a="") as made:
        made.platforms.gate = asyncio.Event()
        made.jump()  # polls at once
        asked = len(made.platforms.asked)
        await made.until(lambda: len(made.platforms.asked) > asked)

        assert not await made.reload(a="settle: 7h")
        assert [client.closed for client in made.clients] == [True, False]
        made.platforms.gate.set()
        await made.until_polled("a", polls=2)
        assert set(made.page("chat_usage_polls", outcome="skipped").values()) == {0}


WRONG = {
    "not-yaml": "sources: [",
    "an-unknown-option": "sources: {a: {platform: paradigm, api_key: k, settel: 6h}}",
    "two-mistakes": "sources: {a: {platform: paradigm, api_key: k, settle: 6, poll: {interval: 1}}}",
    "no-key": "sources: {a: {platform: paradigm, api_key_file: ./gone}}",
    "no-sources": "sources: {}",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
async def test_a_file_that_cannot_be_used_changes_nothing(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line and one gauge say so until a good one is loaded."""
    async with fleet(tmp_path, a="") as made:
        made.telemetry.config.took(1, made.clock.now())
        before = made.page("paradigm_"), made.running(), made.page("chat_usage_config_hash")
        made.clock.moment += HOUR
        made.file.write_text(text)
        caplog.clear()
        reason = await made.reloader.reload()

        assert reason
        assert "\n" not in reason
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert vars(caplog.records[0])["reason"] == reason
        assert before == (made.page("paradigm_"), made.running(), made.page("chat_usage_config_hash"))
        assert set(made.page("chat_usage_config_last_reload_successful").values()) == {0}
        assert set(made.page("chat_usage_config_last_reload_success_t").values()) == {
            made.clock.now().timestamp() - 3600
        }
        told = [made.reloader.failed_reload]

        assert not await made.reload(a="")
        assert [*told, made.reloader.failed_reload] == [FailedReload(made.clock.now(), reason), None]
        assert set(made.page("chat_usage_config_last_reload_successful").values()) == {1}
        assert set(made.page("chat_usage_config_last_reload_success_t").values()) == {made.clock.now().timestamp()}


async def test_a_client_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    """Clients that were made before it are closed; no source was stopped."""
    async with fleet(tmp_path, a="") as made:
        before, page = made.running(), made.page("paradigm_")
        made.unusable = "a"
        reason = await made.reload(b="", a="settle: 7h")

        assert reason == "a: its proxy is none"
        assert (before, page) == (made.running(), made.page("paradigm_"))
        assert [client.closed for client in made.clients] == [False, True]


async def test_a_ca_file_that_takes_its_time_holds_up_nobody(tmp_path: Path) -> None:
    """Health checks and scrapes are answered while a client is made."""
    answered, waits = Event(), list[bool]()
    async with fleet(tmp_path, a="") as made:
        made.before_client = lambda: waits.append(answered.wait(fleets.PATIENCE_S))
        reload = asyncio.create_task(made.reload(a="settle: 7h"))
        await made.until(made.reloader._turn.locked)
        asyncio.get_running_loop().call_later(0.05, answered.set)

        assert await reload == ""
        assert waits == [True]


async def test_an_error_of_our_own_is_no_end_of_anything(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, for a bug report."""

    def broken() -> None:
        raise ZeroDivisionError

    async with fleet(tmp_path, a="") as made:
        reloader = made.reloader
        reloader.read = broken  # type: ignore[assignment]  # wrong on purpose

        assert "please report it" in await reloader.reload()
    assert "ZeroDivisionError" in caplog.text


STEPS: Sequence[tuple[object, str, int]] = (
    (fleets, "load", 1),
    (fleets.Client, "__init__", 1),
    (fleets.Client, "__init__", 2),
    (Schedule, "remove", 1),
    (Schedule, "remove", 2),
    (transitions, "taken_over", 1),
    (Telemetry, "expect", 1),
    (Telemetry, "expect", 2),
    (Telemetry, "key_expires", 2),
    (Schedule, "add", 1),
    (Schedule, "add", 2),
    (poller, "rendered", 1),
    (poller, "rendered", 2),
    (board, "write", 20),
    (board, "join", 1),
    (Telemetry, "forget", 1),
    (Telemetry, "forget", 2),
    (SelectorLog, "reloaded", 1),
)
"""What a reload takes: the function, and which of its calls."""


async def until_attempted(made: fleets.Fleet, sources: Iterable[str], moment: datetime) -> None:
    expected = dict.fromkeys(sources, moment.timestamp())
    await made.until(lambda: expected == last_attempts(made))


async def test_a_slip_at_any_step_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is polled and served as before, and the same reload works when it is tried again."""
    new = {"a": "settle: 7h", "b": "base_url: 'https://two.example'", "fresh": "", "_": "limits: {max_series: 5000}"}
    new["b"] += f", api_key: {WORLDS['two.example'].keys.admin}"
    async with fleet(tmp_path, a="", b="api_key_expires: 2027-03-01", gone="") as made:
        before, page = made.running(), made.page("paradigm_")
        for owner, name, call in STEPS:
            plant(monkeypatch, owner, name, call)
            assert "please report it" in await made.reload(**new), (name, call)
            monkeypatch.undo()
            assert (before, page) == (made.running(), made.page("paradigm_")), (name, call)
            assert not made.page(source="fresh"), (name, call)
            made.clock.moment += timedelta(milliseconds=1)  # timers are real: it may not be ahead of the machine's
            made.jump()  # polls at once
            await until_attempted(made, before, made.clock.moment)
        assert not await made.reload(**new)
        await made.until(lambda: made.companies("fresh") and made.companies("b"))
        assert set(made.sources.names) == {"a", "b", "fresh"}
        assert not made.page(source="gone")
        assert set(made.page("chat_usage_settle_seconds", source="a").values()) == {7 * 3600}
        assert [client.closed for client in made.clients].count(False) == 3


async def test_a_slip_of_the_state_file_does_not_hide_that_the_sources_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next reload that works stores it."""
    state = f"state_file: {tmp_path / 'state'}"
    async with fleet(tmp_path, a="") as made:
        plant(monkeypatch, StateFile, "use", 1)
        assert await made.reload(a="settle: 7h", _=state) == ""
        assert set(made.page("chat_usage_settle_seconds", source="a").values()) == {7 * 3600}
        assert "the state file still with the old one" in caplog.text

        assert await made.reload(a="settle: 7h", _=state) == ""
        assert decoded((tmp_path / "state").read_bytes()).keys() == {"a"}


async def test_a_pause_that_the_platform_asks_for_outlives_a_reload(tmp_path: Path) -> None:
    """If the platform stays the same; another platform did not ask for a pause."""
    async with fleet(tmp_path, a="", b="") as made:
        made.platforms.too_many = True
        made.jump()
        await made.until(lambda: all(made.page("chat_usage_polls", outcome="rate_limited", source=s) for s in "ab"))
        await made.until(lambda: set(made.page("chat_usage_polls", outcome="rate_limited").values()) == {1.0})
        made.platforms.too_many = False
        made.platforms.asked.clear()

        two = f"base_url: 'https://two.example', api_key: {WORLDS['two.example'].keys.admin}"
        await made.reload(a="settle: 7h", b=two)
        made.clock.moment += HOUR
        made.jump()
        await made.until_polled("b")
        assert {each.url.host for each in made.platforms.asked} == {"two.example"}


def plant(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int) -> None:
    """Makes one call of a function fail."""
    real, calls = getattr(owner, name), count(1)

    def planted(*args: object, **kwargs: object) -> object:
        if next(calls) == call:
            raise ZeroDivisionError
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, planted)


def last_attempts(made: fleets.Fleet) -> Mapping[str, float]:
    found = made.page("chat_usage_poll_last_attempt_timestamp_seconds")
    return {dict(labels)["source"]: moment for (_, labels), moment in found.items()}


async def test_a_good_reload_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It names added, changed and removed sources only."""
    caplog.set_level(logging.INFO, "exporter")
    async with fleet(tmp_path, a="", b="", same="") as made:
        await made.reload(a="settle: 7h", new="", same="")
        await made.reload(a="settle: 7h", new="", same="")

    told = [
        {name: value for name, value in vars(record).items() if name in ("added", "changed", "removed")}
        for record in caplog.records
        if record.message == "configuration reloaded"
    ]
    assert told == [{"added": "new", "changed": "a", "removed": "b"}, {}]


async def test_reloads_come_one_after_the_other(tmp_path: Path) -> None:
    """However many are requested at once, the last file takes effect and no source runs twice."""
    async with fleet(tmp_path, a="") as made:
        made.write(a="", b="")
        await asyncio.gather(*(made.reloader.reload() for _ in range(5)))

        assert list(made.sources.names) == ["a", "b"]
        await made.until_polled("a", "b")
        assert [client.closed for client in made.clients] == [False, False]


async def test_a_reload_moves_the_state_and_forgets_who_went(tmp_path: Path) -> None:
    """The new file has everything that is held at once; the previous one stays as it was."""
    first, second = tmp_path / "first", tmp_path / "second"
    async with fleet(tmp_path, a="", b="") as made:
        assert made.page("chat_usage_state_") == {}
        assert await made.reload(a="", b="", _=f"state_file: {first}") == ""
        assert decoded(first.read_bytes()).keys() == {"a", "b"}
        assert list(made.page("chat_usage_state_last_write_successful").values()) == [1]
        before = first.read_bytes()
        assert await made.reload(a="", _=f"state_file: {second}") == ""
        assert decoded(second.read_bytes()).keys() == {"a"}
        assert decoded(second.read_bytes())["a"].reports["chat-sessions"].ledger.blocks
        assert first.read_bytes() == before
