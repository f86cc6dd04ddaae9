"""What a reload changes, keeps and requests."""

import asyncio
import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from exporter.exposition import board
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Exposition, Format
from exporter.polling import poller, transitions
from exporter.polling.outputs import SelectorLog
from exporter.polling.schedule import Schedule
from exporter.polling.state_file import StateFile
from exporter.polling.state_format import decoded
from exporter.web.status.problems import FailedReload
from tests.app import running_exporter
from tests.app.running_exporter import KEY, WORLDS, RunningExporter, start_exporter
from tests.certificates import one_authority

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
ALL = {str(company.id) for company in WORLDS["one.example"].companies}


def sums_of(source: str, page: Exposition) -> set[str]:
    """Returns the lines of a source's sums, without its name."""
    lines = page[Format.TEXT].plain.decode().splitlines()
    found = (line for line in lines if line.startswith(("paradigm_sessions_7d{", "paradigm_sessions_28d{")))
    return {line.replace(f'source="{source}"', "") for line in found if f'source="{source}"' in line}


PROXIED = "proxy_url: 'http://proxy.example:3128'"


async def test_an_unchanged_source_keeps_running(tmp_path: Path) -> None:
    """However its options are written, and while another source changes; no request is sent for it."""
    async with start_exporter(tmp_path, a="settle: 6h", b="") as exporter:
        before, figures = exporter.running()["a"], exporter.page(source="a")
        exporter.platforms.requests.clear()

        assert not await exporter.reload(b="settle: 8h", a="settle: 360m")

        assert exporter.running()["a"] is before
        assert exporter.page(source="a") == figures
        assert exporter.platforms.requests == []
        assert [client.closed for client in exporter.clients] == [False, True, False]


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
async def test_other_settings_keep_the_held_days_and_send_no_request(tmp_path: Path, option: str) -> None:
    """Figures and the time of the next poll stay the same."""
    calendars = "calendars: {off: {holidays: [2026-01-01]}}"
    async with start_exporter(tmp_path, a="", _=calendars) as exporter:
        figures = exporter.page("paradigm_user_queries")
        exporter.platforms.requests.clear()

        assert not await exporter.reload(a=option, _=calendars)
        await asyncio.sleep(0.05)  # nothing is expected to happen

        assert figures == exporter.page("paradigm_user_queries")
        assert exporter.platforms.requests == []
        assert [client.closed for client in exporter.clients] == [True, False]


async def test_a_setting_shows_in_the_exposition_at_once(tmp_path: Path) -> None:
    async with start_exporter(tmp_path, a="") as exporter:
        await exporter.reload(
            a="settle: 7h, poll: {interval: 2h}, families: {exclude: ['*_7d']}, api_key_expires: 2027-03-01"
        )

        assert set(exporter.page("chat_usage_settle_seconds").values()) == {7 * 3600}
        assert set(exporter.page("chat_usage_poll_interval_seconds").values()) == {7200}
        assert not exporter.page("paradigm_sessions_7d")
        assert set(exporter.page("chat_usage_api_key_expiry").values()) == {
            datetime(2027, 3, 1, tzinfo=exporter.zone).timestamp()
        }

        await exporter.reload(a="")

        assert exporter.page("paradigm_sessions_7d")
        assert not exporter.page("chat_usage_api_key_expiry")


@pytest.mark.parametrize("limit", ["max_series: 1", "max_size: 1"])
async def test_a_series_limit_applies_at_once(tmp_path: Path, limit: str) -> None:
    async with start_exporter(tmp_path, a="") as exporter:
        await exporter.reload(a="", _=f"limits: {{{limit}}}")

        assert not exporter.page("paradigm_sessions_7d")
        assert exporter.page("paradigm_sessions_last_day")


@pytest.mark.parametrize(
    ("passed", "polls"),
    [pytest.param(5, 1, id="not-due-yet"), pytest.param(31, 2, id="overdue-by-the-new-interval")],
)
async def test_a_shorter_interval_counts_from_the_last_poll(tmp_path: Path, passed: int, polls: int) -> None:
    async with start_exporter(tmp_path, timedelta(minutes=passed), a="") as exporter:
        await exporter.reload(a="poll: {interval: 30m}")

        await exporter.until_polled("a", polls=polls)


@pytest.mark.parametrize(
    "option",
    [
        pytest.param("base_url: 'https://two.example'", id="base-url"),
        pytest.param("timezone: Europe/Paris", id="zone"),
    ],
)
async def test_another_platform_or_time_zone_discards_the_held_days(tmp_path: Path, option: str) -> None:
    """Counters start at 0, and the source is polled at once."""
    async with start_exporter(tmp_path, a="", b="") as exporter:
        others = exporter.page("paradigm_", source="b")
        exporter.platforms.gate = asyncio.Event()
        await exporter.reload(
            a=f"{option}, api_key: {WORLDS['two.example'].keys.admin if 'url' in option else KEY}", b=""
        )

        assert not exporter.companies("a")
        assert set(exporter.page("chat_usage_polls", source="a").values()) == {0}
        assert not exporter.page("chat_usage_api_clock_skew", source="a")
        assert exporter.page("paradigm_", source="b") == others
        await exporter.until(
            lambda: exporter.platforms.requests[-1].url.host == ("two.example" if "url" in option else "one.example")
        )
        exporter.platforms.gate.set()
        await exporter.until_polled("a")


async def test_limits_and_calendars_take_effect_without_a_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Limits and calendars come from the configuration, not from the platform."""
    async with start_exporter(tmp_path, a="") as exporter:
        of_two = {"company_id": "2", "activity": "user_queries"}
        before = exporter.page("chat_usage_activity_limit", **of_two)
        exporter.platforms.requests.clear()
        entries = (
            "thresholds:\n"
            "  - {company: 'id:2', activity: user_queries, below: 7, severity: critical}\n"
            "  - {company: nobody, activity: sessions, above: 1}\n"
            "calendars: {odd: {weekend: [mon, tue, wed, thu, fri, sat]}}\n"
            "company_calendars: [{company: 'id:2', calendar: odd}]"
        )
        exporter.write(a="", _=entries)
        assert await exporter.reloader.reload() == ""

        after = exporter.page("chat_usage_activity_limit", **of_two)
        [fixed] = exporter.page("chat_usage_activity_limit", basis="fixed").items()
        assert (dict(fixed[0][1])["severity"], fixed[1]) == ("critical", 7.0)
        assert len(after) >= len(before)
        idle = exporter.page("chat_usage_config_unmatched_selectors", option="thresholds")
        assert list(idle.values()) == [1.0]
        assert [vars(each)["selectors"] for each in caplog.records if each.msg == "selectors match nothing"] == [
            "nobody"
        ]
        assert exporter.platforms.requests == []


async def test_a_thresholds_file_is_reloaded_when_it_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong file is reported once and changes nothing, and the next good one is used."""
    file, head = tmp_path / "limits.csv", "company,activity,below,team\n"
    file.write_text(head)
    async with start_exporter(tmp_path, a="", _="thresholds_file: limits.csv") as exporter:
        assert await exporter.reloader.reload() == ""
        looks = []
        for content in (None, f"{head}id:2,user_queries,7,sales\n", None, f"{head}id:2,likes,x,\n", None):
            if content is not None:
                file.write_text(content)
            looks.append(await exporter.reloader.file_changed() and await exporter.reloader.reload())

        fixed = exporter.page("chat_usage_activity_limit", basis="fixed")
        assert [(dict(labels)["team"], value) for (_, labels), value in fixed.items()] == [("sales", 7.0)]
        assert looks[:3] == [False, "", False]
        assert "limits.csv:2: thresholds.1.below" in str(looks[3])
        assert looks[4] == looks[3]
        assert caplog.text.count("configuration not reloaded") == 1
        exporter.write(a="")
        assert (await exporter.reloader.reload(), await exporter.reloader.file_changed()) == ("", False)


async def test_a_refused_change_of_a_thresholds_file_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its cause may be another file that comes meanwhile. A reload that somebody asks for says so each time."""
    file, key, head = tmp_path / "limits.csv", tmp_path / "key", "company,activity,below\n"
    file.write_text(head)
    key.write_text(KEY)
    async with start_exporter(tmp_path, a="") as exporter:
        exporter.write(a="", _="thresholds_file: limits.csv")
        exporter.file.write_text(exporter.file.read_text().replace(f"api_key: {KEY}", f"api_key_file: {key}"))
        assert await exporter.reloader.reload() == ""

        async def look() -> str | bool:
            return await exporter.reloader.file_changed() and await exporter.reloader.reload()

        key.unlink()
        file.write_text(f"{head}id:2,user_queries,7\n")
        assert [str(await look()).count("api_key_file: cannot read") for _ in range(3)] == [1, 1, 1]
        assert caplog.text.count("configuration not reloaded") == 1
        assert await exporter.reloader.reload() != ""
        assert caplog.text.count("configuration not reloaded") == 2
        key.write_text(KEY)
        assert [await look() for _ in range(2)] == ["", False]
        assert list(exporter.page("chat_usage_activity_limit", basis="fixed").values()) == [7.0]


async def test_a_refused_reload_waits_for_the_next_request(tmp_path: Path) -> None:
    """A configuration that is edited on is not used before somebody asks for it."""
    (tmp_path / "limits.csv").write_text("company,activity,below\n")
    async with start_exporter(tmp_path, a="", _="thresholds_file: limits.csv") as exporter:
        exporter.write(a="settle: nonsense", _="thresholds_file: limits.csv")
        assert await exporter.reloader.reload() != ""
        exporter.write(a="settle: 8h", _="thresholds_file: limits.csv")
        assert not await exporter.reloader.file_changed()


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
    async with start_exporter(tmp_path, a="companies: {include: [1]}", b=two, _=entries) as exporter:
        await exporter.reloader.reload()  # both have been polled by now
        counts, named = (exporter.page(f"chat_usage_config_unmatched_selector{end}") for end in ("s", "_info"))
    assert {dict(labels)["source"] for (_, labels), value in counts.items() if value} == {"*", "[ab]"}
    found = {tuple(value for _, value in sorted(labels)) for _, labels in named}
    assert found == {("thresholds", "id:99", "*"), ("thresholds", "Nobody*", "[ab]")}
    logged = [(vars(each)["source"], vars(each)["selectors"]) for each in caplog.records if "selectors" in vars(each)]
    assert {*logged} == {("*", "id:99"), ("[ab]", "Nobody*")}
    assert len(logged) == 2 * 2  # at the start and at the reload


async def test_excluded_companies_are_removed_at_once(tmp_path: Path) -> None:
    async with start_exporter(tmp_path, a="") as exporter:
        before = exporter.page("paradigm_")
        exporter.platforms.requests.clear()
        await exporter.reload(a="companies: {include: ['*'], exclude: [2]}")

        assert exporter.page("paradigm_") == {
            key: value for key, value in before.items() if ("company_id", "2") not in key[1]
        }
        assert exporter.platforms.requests == []


async def test_newly_included_companies_come_with_their_past_days(tmp_path: Path) -> None:
    """As if they had always been included; sums are absent until all days are read again."""
    async with start_exporter(tmp_path, a="companies: {include: [1, 2]}", whole="") as exporter:
        shown = len(exporter.board.pages)
        await exporter.reload(a="", whole="")
        await exporter.until_polled("a", polls=2)
        sums = [sums_of("a", page) for page in exporter.board.pages[shown:]]

        assert set().union(*sums) == sums_of("whole", exporter.board.pages[-1])
        assert set() in sums
        assert exporter.companies() == exporter.companies("whole") == ALL
        assert list(exporter.page("paradigm_", source="a").values()) == list(
            exporter.page("paradigm_", source="whole").values()
        )


async def test_a_new_source_is_polled_at_once_and_a_removed_one_leaves_no_series(tmp_path: Path) -> None:
    """A renamed source is removed and added: its key, timers and counters go."""
    async with start_exporter(tmp_path, a="api_key_expires: 2027-03-01", b="") as exporter:
        assert {name for name, _ in exporter.page(source="a")} >= {"chat_usage_api_key_expiry_timestamp_seconds"}
        await exporter.reload(new="", b="")

        assert not exporter.page(source="a")
        assert exporter.page("chat_usage_polls", source="new")
        assert list(exporter.sources.running) == ["b", "new"]
        await exporter.until_polled("new")
        exporter.jump()
        await exporter.until_polled("new", "b", polls=2)
        assert not exporter.page(source="a")
        assert [client.closed for client in exporter.clients] == [True, False, False]


async def test_a_removed_report_has_no_series_and_a_new_one_is_polled_at_once(tmp_path: Path) -> None:
    async with start_exporter(tmp_path, a="") as exporter:
        await exporter.reload(a="reports: [more]")

        assert not exporter.page(report="chat-sessions")
        await exporter.until(lambda: 1 in exporter.page("chat_usage_polls", report="more", outcome="ok").values())


async def test_a_reload_changes_the_exposition_once(tmp_path: Path) -> None:
    """One source is removed, one is added, two change: a scrape sees either none of it or all of it."""
    async with start_exporter(tmp_path, a="", b="", c="") as exporter:
        exporter.platforms.gate = asyncio.Event()
        shown = len(exporter.board.pages)
        await exporter.reload(a="settle: 7h", b="companies: {include: [1]}", d="")

        assert len(exporter.board.pages) == shown + 1
        text = exporter.board.pages[-1][Format.TEXT].plain.decode()
        assert 'chat_usage_settle_seconds{source="a"} 25200' in text
        assert 'source="c"' not in text
        assert 'chat_usage_settle_seconds{source="d"}' in text
        assert exporter.companies("b") == {"1"}
        exporter.platforms.gate.set()


async def test_a_running_poll_is_cancelled_and_repeated(tmp_path: Path) -> None:
    """By the new client. The old one is closed when it is no longer used, and no failure is logged."""
    async with start_exporter(tmp_path, a="") as exporter:
        exporter.platforms.gate = asyncio.Event()
        exporter.jump()  # polls at once
        asked = len(exporter.platforms.requests)
        await exporter.until(lambda: len(exporter.platforms.requests) > asked)

        assert not await exporter.reload(a="settle: 7h")
        assert [client.closed for client in exporter.clients] == [True, False]
        exporter.platforms.gate.set()
        await exporter.until_polled("a", polls=2)
        assert set(exporter.page("chat_usage_polls", outcome="skipped").values()) == {0}


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
    async with start_exporter(tmp_path, a="") as exporter:
        exporter.telemetry.config_taken(1, exporter.clock.now())
        before = exporter.page("paradigm_"), exporter.running(), exporter.page("chat_usage_config_hash")
        exporter.clock.moment += HOUR
        exporter.file.write_text(text)
        caplog.clear()
        reason = await exporter.reloader.reload()

        assert reason
        assert "\n" not in reason
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert vars(caplog.records[0])["reason"] == reason
        assert before == (exporter.page("paradigm_"), exporter.running(), exporter.page("chat_usage_config_hash"))
        assert set(exporter.page("chat_usage_config_last_reload_successful").values()) == {0}
        assert set(exporter.page("chat_usage_config_last_reload_success_t").values()) == {
            exporter.clock.now().timestamp() - 3600
        }
        told = [exporter.reloader.failed_reload]

        assert not await exporter.reload(a="")
        assert [*told, exporter.reloader.failed_reload] == [FailedReload(exporter.clock.now(), reason), None]
        assert set(exporter.page("chat_usage_config_last_reload_successful").values()) == {1}
        assert set(exporter.page("chat_usage_config_last_reload_success_t").values()) == {
            exporter.clock.now().timestamp()
        }


async def test_a_client_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    """Clients made before it are closed; no source was stopped."""
    async with start_exporter(tmp_path, a="") as exporter:
        before, page = exporter.running(), exporter.page("paradigm_")
        exporter.unusable = "a"
        reason = await exporter.reload(b="", a="settle: 7h")

        assert reason == "a: its proxy is none"
        assert (before, page) == (exporter.running(), exporter.page("paradigm_"))
        assert [client.closed for client in exporter.clients] == [False, True]


async def test_a_reload_trusts_a_renewed_ca_file(tmp_path: Path) -> None:
    """Also if it has the name of before; until it is renewed, its source keeps running."""
    ca_file = tmp_path / "ca.pem"
    shutil.copy(one_authority(), ca_file)
    async with start_exporter(tmp_path, a="ca_file: ca.pem", b="") as exporter:
        figures = exporter.page("paradigm_", source="a")
        assert await exporter.reloader.reload() == ""
        assert [client.closed for client in exporter.clients] == [False, False]

        ca_file.write_bytes(ca_file.read_bytes() * 2)
        assert await exporter.reloader.reload() == ""

        assert [client.closed for client in exporter.clients] == [True, False, False]
        assert exporter.page("paradigm_", source="a") == figures


async def test_a_slow_ca_file_does_not_block_the_event_loop(tmp_path: Path) -> None:
    """Health checks and scrapes are answered while a client is made."""
    answered, waits = Event(), list[bool]()
    async with start_exporter(tmp_path, a="") as exporter:
        exporter.before_client = lambda: waits.append(answered.wait(running_exporter.TIMEOUT_S))
        reload = asyncio.create_task(exporter.reload(a="settle: 7h"))
        await exporter.until(exporter.reloader._turn.locked)
        asyncio.get_running_loop().call_later(0.05, answered.set)

        assert await reload == ""
        assert waits == [True]


async def test_an_internal_error_does_not_stop_the_exporter(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, for a bug report."""

    def broken() -> None:
        raise ZeroDivisionError

    async with start_exporter(tmp_path, a="") as exporter:
        reloader = exporter.reloader
        reloader.read = broken  # type: ignore[assignment]  # wrong on purpose

        assert "please report it" in await reloader.reload()
    assert "ZeroDivisionError" in caplog.text


STEPS: Sequence[tuple[object, str, int]] = (
    (running_exporter, "load", 1),
    (running_exporter.RecordingClient, "__init__", 1),
    (running_exporter.RecordingClient, "__init__", 2),
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
    (SelectorLog, "note", 1),
)
"""What a reload takes: the function, and which of its calls."""


async def until_attempted(exporter: RunningExporter, sources: Iterable[str], moment: datetime) -> None:
    expected = dict.fromkeys(sources, moment.timestamp())
    await exporter.until(lambda: expected == last_attempts(exporter))


async def test_an_internal_error_at_any_step_undoes_the_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is polled and served as before, and the same reload works when it is tried again."""
    new = {"a": "settle: 7h", "b": "base_url: 'https://two.example'", "fresh": "", "_": "limits: {max_series: 5000}"}
    new["b"] += f", api_key: {WORLDS['two.example'].keys.admin}"
    async with start_exporter(tmp_path, a="", b="api_key_expires: 2027-03-01", gone="") as exporter:
        before, page = exporter.running(), exporter.page("paradigm_")
        for owner, name, call in STEPS:
            plant(monkeypatch, owner, name, call)
            assert "please report it" in await exporter.reload(**new), (name, call)
            monkeypatch.undo()
            assert (before, page) == (exporter.running(), exporter.page("paradigm_")), (name, call)
            assert not exporter.page(source="fresh"), (name, call)
            exporter.clock.moment += timedelta(milliseconds=1)  # timers are real: it may not be ahead of the machine's
            exporter.jump()  # polls at once
            await until_attempted(exporter, before, exporter.clock.moment)
        assert not await exporter.reload(**new)
        await exporter.until(lambda: exporter.companies("fresh") and exporter.companies("b"))
        assert set(exporter.sources.running) == {"a", "b", "fresh"}
        assert not exporter.page(source="gone")
        assert set(exporter.page("chat_usage_settle_seconds", source="a").values()) == {7 * 3600}
        assert [client.closed for client in exporter.clients].count(False) == 3


async def test_a_failed_state_file_does_not_undo_the_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next reload that works stores it."""
    state = f"state_file: {tmp_path / 'state'}"
    async with start_exporter(tmp_path, a="") as exporter:
        plant(monkeypatch, StateFile, "use", 1)
        assert await exporter.reload(a="settle: 7h", _=state) == ""
        assert set(exporter.page("chat_usage_settle_seconds", source="a").values()) == {7 * 3600}
        assert "the state file still with the old one" in caplog.text

        assert await exporter.reload(a="settle: 7h", _=state) == ""
        assert decoded((tmp_path / "state").read_bytes()).keys() == {"a"}


async def test_retry_after_survives_a_reload(tmp_path: Path) -> None:
    """If the platform stays the same; another platform did not ask for a pause."""
    async with start_exporter(tmp_path, a="", b="") as exporter:
        exporter.platforms.too_many = True
        exporter.jump()
        await exporter.until(
            lambda: all(exporter.page("chat_usage_polls", outcome="rate_limited", source=s) for s in "ab")
        )
        await exporter.until(lambda: set(exporter.page("chat_usage_polls", outcome="rate_limited").values()) == {1.0})
        exporter.platforms.too_many = False
        exporter.platforms.requests.clear()

        two = f"base_url: 'https://two.example', api_key: {WORLDS['two.example'].keys.admin}"
        await exporter.reload(a="settle: 7h", b=two)
        exporter.clock.moment += HOUR
        exporter.jump()
        await exporter.until_polled("b")
        assert {each.url.host for each in exporter.platforms.requests} == {"two.example"}


def plant(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int) -> None:
    """Makes one call of a function fail."""
    real, calls = getattr(owner, name), count(1)

    def planted(*args: object, **kwargs: object) -> object:
        if next(calls) == call:
            raise ZeroDivisionError
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, planted)


def last_attempts(exporter: RunningExporter) -> Mapping[str, float]:
    found = exporter.page("chat_usage_poll_last_attempt_timestamp_seconds")
    return {dict(labels)["source"]: moment for (_, labels), moment in found.items()}


async def test_a_good_reload_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It names added, changed and removed sources only."""
    caplog.set_level(logging.INFO, "exporter")
    async with start_exporter(tmp_path, a="", b="", same="") as exporter:
        await exporter.reload(a="settle: 7h", new="", same="")
        await exporter.reload(a="settle: 7h", new="", same="")

    told = [
        {name: value for name, value in vars(record).items() if name in ("added", "changed", "removed")}
        for record in caplog.records
        if record.message == "configuration reloaded"
    ]
    assert told == [{"added": "new", "changed": "a", "removed": "b"}, {}]


async def test_reloads_run_one_after_another(tmp_path: Path) -> None:
    """However many are requested at once, the last file takes effect and no source runs twice."""
    async with start_exporter(tmp_path, a="") as exporter:
        exporter.write(a="", b="")
        await asyncio.gather(*(exporter.reloader.reload() for _ in range(5)))

        assert list(exporter.sources.running) == ["a", "b"]
        await exporter.until_polled("a", "b")
        assert [client.closed for client in exporter.clients] == [False, False]


async def test_a_reload_moves_the_state_and_drops_removed_sources(tmp_path: Path) -> None:
    """The new file has everything that is held at once; the previous one stays as it was."""
    first, second = tmp_path / "first", tmp_path / "second"
    async with start_exporter(tmp_path, a="", b="") as exporter:
        assert exporter.page("chat_usage_state_") == {}
        assert await exporter.reload(a="", b="", _=f"state_file: {first}") == ""
        assert decoded(first.read_bytes()).keys() == {"a", "b"}
        assert list(exporter.page("chat_usage_state_last_write_successful").values()) == [1]
        before = first.read_bytes()
        assert await exporter.reload(a="", _=f"state_file: {second}") == ""
        assert decoded(second.read_bytes()).keys() == {"a"}
        assert decoded(second.read_bytes())["a"].reports["chat-sessions"].ledger.blocks
        assert first.read_bytes() == before
