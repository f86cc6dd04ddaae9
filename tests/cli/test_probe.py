"""`check --probe` against the simulated platform over real HTTP: the right row, the right exit status, never a key."""

import dataclasses
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console
from rich.progress import MofNCompleteColumn

from exporter.app.process import serving
from exporter.cli.check import conclude, probed
from exporter.cli.main import run
from exporter.cli.tables import progress
from exporter.domain.clock import Clock
from exporter.domain.errors import ConfigError, FailedError
from exporter.domain.model import Days
from exporter.domain.scope import Scope
from exporter.domain.threads import Worker
from exporter.forecast import Size, forecast
from exporter.http import RetryBudget
from exporter.metrics.label_limits import LabelLimits
from exporter.metrics.limits import CompanyLimits, built_in
from exporter.metrics.target import Target
from exporter.platforms.api import Request
from exporter.platforms.paradigm.platform import CHAT_SESSIONS, REPORTS
from exporter.platforms.registry import platforms
from exporter.polling.probe import Content, Finding, LastCodes, probe
from exporter.settings import load
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.reports import REPORTS as SIMULATED
from exporter.simulator.paradigm.world import MODES, World
from exporter.web.server.server import listen, url
from tests import environment
from tests.e2e.programs import free_port
from tests.pipeline.pipeline import RULES, ManualClock, utc
from tests.test_forecast import everybody_everywhere
from tests.threaded_server import serve_in_thread

NOW = utc(2026, 11, 20, 18)
WORLD = World.from_seed(1, 12)
KEYS = (WORLD.keys.admin, WORLD.keys.next_admin, WORLD.keys.company_admin, WORLD.keys.expired)


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    environment.clear(monkeypatch)


def configured(base_url: str, key: str = WORLD.keys.admin, **options: str) -> Mapping[str, str]:
    """Returns the environment of one source and, unless told, one report; options are named as in the environment."""
    values = {"PLATFORM": "paradigm", "BASE_URL": base_url, "API_KEY": key, "REPORTS": "chat-sessions", **options}
    return {f"CHAT_USAGE_SOURCES__PRODUCTION__{name}": value for name, value in values.items()}


def clocks(clock: ManualClock) -> Clock:
    return Clock(clock.now, clock.seconds)


def silent(_words: str, *, done: int, total: int) -> None:
    """Shows no progress."""


async def findings(*scenarios: str, path: str = "", world: World = WORLD, **options: str) -> tuple[Finding, ...]:
    """Probes a simulated platform, served by uvicorn, whose clock stands still."""
    clock = ManualClock(NOW)
    app = create_app(world, clock.now, scenarios=scenarios or ("normal",))
    with listen("127.0.0.1:0", "test") as listening:
        async with serving(app, listening):
            settings = load(None, configured(url(listening) + path, **options), platforms())
            return await probed(settings, clocks(clock), silent, clock.for_fetch())


def printed(found: tuple[Finding, ...]) -> tuple[str, str]:
    """Returns the row of the only finding as plain text and what is said of its failure."""
    [row], _, said = shown(found)
    return row, said


def shown(found: tuple[Finding, ...]) -> tuple[list[str], list[str], str]:
    """Returns the rows of the table, the lines below it, and what is said of failures."""
    out, said = io.StringIO(), ""
    try:
        conclude(found, Console(file=out, width=80))
    except FailedError as error:
        said = str(error)
    assert not any(key in out.getvalue() + said for key in KEYS)
    _, _, *lines = out.getvalue().strip().splitlines()
    rows = [" ".join(line.split()) for line in lines[: len(found)]]
    return rows, lines[len(found) + 1 :], said


def listed_companies(world: World) -> int:
    """Counts the companies with a row in the days of a first poll."""
    days = Days(NOW.date() - timedelta(days=RULES.reread_days), NOW.date())
    rows = {
        company.id
        for company in world.companies
        for day in days
        for mode in MODES
        if world.truth(company.id, day, mode, at=NOW)
    }
    return len(rows)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("include", "said"),
    [
        ("id:1,ID: 999", ""),
        ("id:999,Nobody*", "include and exclude leave none of 11 companies"),
        ("id:999", "none is listed in these days; check the key's permissions"),
    ],
)
async def test_each_selector_has_its_number_of_companies(include: str, said: str) -> None:
    """Those that match nothing are named once more; a source of which nobody would be served has failed."""
    clock = ManualClock(NOW)
    with listen("127.0.0.1:0", "test") as listening:
        async with serving(create_app(WORLD, clock.now), listening):
            environ = configured(url(listening), COMPANIES__INCLUDE=include, REPORTS="chat-sessions,users")
            settings = load(None, environ, platforms())
            found = await probed(settings, clocks(clock), silent, clock.for_fetch())
    out, error = io.StringIO(), ""
    try:
        conclude(found, Console(file=out, width=80), [each.target for each in settings.sources.values()])
    except FailedError as failed:
        error = str(failed)
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "production companies.include id:999 0" in lines
    assert ("production companies.include id:1 1" in lines) is ("id:1" in include.split(","))
    assert [
        line for line in lines if line.startswith("production: companies.include: matches no company in these days: ")
    ]
    assert error == (f"production: no company is served: {said}" if said else "")


OF_WEEKS = ("chat_usage_activity_baseline", "chat_usage_activity_limit")
"""What takes six weeks of days: a probe asks for four days."""


@pytest.mark.anyio
class TestRows:
    """One row per report, as it would go in a first poll."""

    async def test_a_good_key(self) -> None:
        """All is shown, nothing is said."""
        [finding] = await findings()
        assert finding.content is not None

        row, said = printed((finding,))
        figures = f"{listed_companies(WORLD)} {finding.content.series}"
        assert row == f"production chat-sessions 200 ok 4/4 {figures} 0 0 - 0.0s"
        assert said == ""

    async def test_series_are_those_that_plan_foretells(self) -> None:
        """For companies that have everything; plan adds the live families, the answer what it says of its fields."""
        world, tools = everybody_everywhere(12), 6
        companies, plain = len(world.companies), ("chat_usage_polls_total", "chat_usage_api_", *OF_WEEKS)
        limits = LabelLimits({"tools": tools - 1})  # and `other`
        target = Target(
            "production",
            "paradigm",
            tuple(REPORTS.values()),
            Scope(),
            RULES,
            timedelta(hours=1),
            limits=limits,
            company_limits=CompanyLimits((built_in(CHAT_SESSIONS.measures),)),
        )
        [foreseen] = forecast([target], Size(companies), NOW).sources
        found = {each.report: each.content for each in await findings(world=world, REPORTS="auto")}

        assert [report.name for report in foreseen.reports] == list(found)
        for report in foreseen.reports:
            parts = SIMULATED[report.name].parts
            described = {(field, *note.values()) for part in parts for field, note in part.described.items()}
            series = [n for name, n in report.series.items() if not name.startswith(plain)]
            assert (each := found[report.name]) is not None
            waiting = any(activity.usual_limits for m in REPORTS[report.name].measures for activity in m.activities)
            assert each.series == sum(series) + len(described) + waiting  # limits are missing, and that is a series

    async def test_every_report_has_a_row(self) -> None:
        """Days, companies and series of each, in the platform's order; members are of now and have no days."""
        rows, _, said = shown(await findings(REPORTS="auto"))

        for row, report in zip(rows, REPORTS.values(), strict=True):
            days = "4/4" if report.has_days else "-"
            assert re.fullmatch(rf"production {report.name} 200 ok {days} \d+ \d+ 0 0 - 0\.0s", row)
        assert said == ""

    async def test_what_describes_itself_is_said_below(self) -> None:
        """Which field was chosen, why, what it feeds, and what it was chosen from."""
        _, notes, _ = shown(await findings(REPORTS="auto"))

        assert notes == [
            "production: tools: paradigm_tool_uses is fed by tools[].usage_count: the only described number of items; "
            "described are usage_count (integer)",
            "production: user-activities: paradigm_active_users is fed by active_users_count: described as "
            "active_users_count; described are active_users_count (integer), connections_count (integer)",
        ]

    async def test_nothing_can_be_said_of_answers_that_list_nothing(self) -> None:
        """Good, but empty: the field is not told yet."""
        nobody = reduce(World.without, (company.id for company in WORLD.companies), WORLD)
        [row], notes, _ = shown(await findings(world=nobody, REPORTS="tools"))

        assert row.startswith("production tools 200 ok 0/4 0 ")
        assert notes == [
            "production: tools: no row lists anything in these days, so the field for paradigm_tool_uses is not "
            "known yet"
        ]

    async def test_a_renamed_field_is_named(self) -> None:
        """Its old name is missing, its new one unknown; the row counts both."""
        [row], notes, said = shown(await findings("field-renamed"))

        assert re.fullmatch(r"production chat-sessions 200 ok 4/4 \d+ \d+ 1 1 - 0\.0s", row)
        assert notes == [
            "production: chat-sessions: missing: reporting[].dates[].chats.user_queries_count; "
            "unknown: reporting[].dates[].chats.queries_count"
        ]
        assert said == ""

    async def test_a_company_admins_key(self) -> None:
        """It sees its own company and nobody else."""
        row, said = printed(await findings(API_KEY=WORLD.keys.company_admin))

        assert re.fullmatch(r"production chat-sessions 200 ok 4/4 1 \d+ 0 0 - 0\.0s", row)
        assert said == ""

    async def test_a_company_admins_key_with_anothers_filter(self) -> None:
        """The platform refuses the filter, is asked without, and then nobody is left: good, but empty."""
        row, _ = printed(await findings(API_KEY=WORLD.keys.company_admin, COMPANIES__INCLUDE="2"))

        assert re.fullmatch(r"production chat-sessions 200 ok 4/4 0 \d+ 0 0 - 0\.0s", row)

    @pytest.mark.parametrize(
        ("scenario", "status", "outcome", "message"),
        [
            pytest.param(
                "html-200", "200", "not_json", "instead of JSON: a login, proxy or maintenance page", id="html"
            ),
            pytest.param("truncated", "200", "not_json", "the answer is not JSON", id="truncated"),
            pytest.param("schema-change", "200", "schema", 'expected an object with "reporting"', id="schema"),
            pytest.param("outage", "503", "http_error", "answered 503 (attempt 3 of 3)", id="outage"),
            pytest.param("key-rejected", "401", "auth", "the key is wrong, expired or withdrawn", id="key rejected"),
        ],
    )
    async def test_a_failure(self, scenario: str, status: str, outcome: str, message: str) -> None:
        """Status and outcome stand in the row, the one line that says why is below."""
        row, said = printed(await findings(scenario))

        assert row == f"production chat-sessions {status} {outcome} - - - - - - 0.0s"
        assert said.startswith("production: chat-sessions: ")
        assert message in said
        assert "\n" not in said

    async def test_a_rate_limit_that_gives_way(self) -> None:
        """What shows is the status of the last attempt."""
        [finding] = await findings("rate-limited")

        assert (finding.status, finding.outcome) == ("200", "ok")

    async def test_an_expired_key(self) -> None:
        """The remedy is named, the key is not."""
        row, said = printed(await findings(API_KEY=WORLD.keys.expired))

        assert row.startswith("production chat-sessions 401 auth - ")
        assert "put a new one into api_key_file or api_key" in said

    async def test_a_wrong_path(self) -> None:
        """404, and base_url is named."""
        row, said = printed(await findings(path="/nowhere"))

        assert row.startswith("production chat-sessions 404 http_error - ")
        assert "base_url is wrong" in said

    async def test_nobody_listens(self) -> None:
        """No status at all."""
        settings = load(None, configured(f"http://127.0.0.1:{free_port()}"), platforms())
        clock = ManualClock(NOW)
        row, said = printed(await probed(settings, clocks(clock), silent, clock.for_fetch()))

        assert row.startswith("production chat-sessions - connection - ")
        assert "Connect call failed" in said

    async def test_every_source_is_asked_whatever_the_others_do(self) -> None:
        """In the order of the configuration, each announced before it is asked."""
        told: list[tuple[str, int, int]] = []

        def show(words: str, *, done: int, total: int) -> None:
            told.append((words, done, total))

        environ = configured(f"http://127.0.0.1:{free_port()}")
        other = {name.replace("PRODUCTION", "OTHER"): value for name, value in environ.items()}
        settings, clock = load(None, {**environ, **other}, platforms()), ManualClock(NOW)
        found = await probed(settings, clocks(clock), show, clock.for_fetch())

        assert told == [(f"asking {finding.source}: chat-sessions", n, 2) for n, finding in enumerate(found)]
        assert {finding.source for finding in found} == {"production", "other"}
        with pytest.raises(FailedError) as failure:
            conclude(found, Console(file=io.StringIO()))
        assert len(str(failure.value).splitlines()) == 2

    async def test_an_unusable_source_is_found_before_anybody_is_asked(self) -> None:
        """That is a wrong configuration, not a failed report."""
        settings = load(None, configured("http://127.0.0.1:9"), platforms())
        broken = dataclasses.replace(settings.sources["production"], ca_file=Path(__file__))
        told: list[str] = []
        clock = ManualClock(NOW)
        with pytest.raises(ConfigError):
            await probed(replace(settings, sources={"a": broken}), clocks(clock), told.append)
        assert told == []


class Canned:
    """Answers every request the same, or breaks as no client should."""

    def __init__(self, body: bytes | None) -> None:
        self._body = body

    async def get(self, request: Request, retry_budget: RetryBudget) -> bytes:
        if self._body is None:
            raise KeyError("a.secret")
        return self._body


async def asked(body: bytes | None) -> Finding:
    clock, worker = ManualClock(NOW), Worker("test")
    target = Target("production", "paradigm", (CHAT_SESSIONS,), Scope(), RULES, timedelta(hours=1))
    finding = await probe(target, CHAT_SESSIONS, Canned(body), LastCodes(), worker, clocks(clock))
    worker.close()
    return finding


@pytest.mark.anyio
async def test_what_was_left_out_is_counted_in_the_row() -> None:
    """By kind, as the decoder counts; the fields are named below."""
    body = (
        b'{"reporting": [{"company": {"id": "7", "name": "N"}, "dates": [{"date": "2026-11-19", "sessions": '
        b'{"sessions_count": -1, "unique_models_count": 1}}, {"date": "2026-11-30"}]}]}'
    )
    [row], notes, _ = shown((await asked(body),))

    assert re.fullmatch(r"production chat-sessions - ok 1/4 1 \d+ 0 2 future_date=1 negative=1 retyped=1 0\.0s", row)
    assert notes == [
        "production: chat-sessions: missing: reporting[].dates[].chats, "
        "reporting[].dates[].sessions.average_session_length; retyped: reporting[].company.id"
    ]


@pytest.mark.anyio
async def test_many_drifted_fields_are_not_all_named() -> None:
    """A line stays a line."""
    row = {"date": "2026-11-19", "chats": {"user_queries_count": 1, **{f"count_{n:02}": n for n in range(25)}}}
    body = msgspec.json.encode({"reporting": [{"company": {"id": 7, "name": "N"}, "dates": [row]}]})
    [shown_row], [note], _ = shown((await asked(body),))

    assert re.fullmatch(r"production chat-sessions - ok 1/4 1 \d+ 25 2 - 0\.0s", shown_row)
    assert note.endswith("reporting[].dates[].chats.count_19 and 5 more")


@pytest.mark.anyio
async def test_an_error_of_our_own_is_a_row_too() -> None:
    """One line says where it broke, and nothing of what was being read."""
    row, said = printed((await asked(None),))

    assert row.startswith("production chat-sessions - internal - ")
    assert re.fullmatch(
        r"production: chat-sessions: internal error of the exporter \(KeyError in test_probe\.py, line \d+\); "
        r"please report it",
        said,
    )


class TestTerminal:
    """What a person sees."""

    def test_a_table_of_80_columns_cuts_nothing(self) -> None:
        """Long cells are folded."""
        note = "missing: reporting[].dates[].chats.user_queries_count, reporting[].dates[].chats.last_model_response"
        left_out = {"unknown": 17, "missing": 2, "duplicate_row": 3, "future_date": 12}
        found = Content(4, 4, 10_000, 260_021, left_out, (note,))
        good = Finding("production", "chat-sessions", "200", "ok", 1.25, found, "")
        bad = Finding("production", "chat-sessions", "429", "rate_limited", 61.04, None, "why")
        terminal = io.StringIO()
        with pytest.raises(FailedError, match=r"^production: chat-sessions: why$"):
            conclude((good, bad), Console(file=terminal, width=80, force_terminal=True, no_color=True, highlight=False))

        lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
        shown = " ".join(lines)
        assert max(map(len, lines)) <= 80
        assert "…" not in shown
        for cell in ("rate_limited", "10000", "260021", "61.0s", "4/4", "17", *note.split()):
            assert cell in shown

    def test_a_cause_that_reports_share_is_said_once(self) -> None:
        """With all of them, though each has its own URL; another source has a line of its own."""
        found = [
            Finding(source, report, "403", "auth", 0.1, None, f"/{report}/ answered 403")
            for source, report in (("a", "users"), ("a", "tools"), ("b", "users"))
        ]
        with pytest.raises(FailedError, match=r"^a: users, tools: /\*/ answered 403\nb: users: /users/ answered 403$"):
            conclude(found, Console(file=io.StringIO()))

    def test_progress_is_a_bar_that_goes_away(self) -> None:
        """It names what is asked and how many are left."""
        terminal = io.StringIO()
        with progress(Console(file=terminal, width=80, force_terminal=True), MofNCompleteColumn()) as show:
            show("asking production: chat-sessions", done=0, total=2)
            show("asking production: [users]", done=1, total=2)

        rendered = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
        assert "asking production: [users]" in rendered
        assert "1/2" in rendered
        assert rendered.endswith("\x1b[1A\x1b[2K")


@contextmanager
def platform(*scenarios: str) -> Iterator[str]:
    """Serves a simulated platform in a thread, as the command keeps the main one to itself."""
    with serve_in_thread(create_app(WORLD, lambda: datetime.now(UTC), scenarios=scenarios or ("normal",))) as base:
        yield base


@pytest.mark.parametrize(
    ("key", "status", "row"),
    [
        pytest.param(WORLD.keys.admin, 0, "200   ok ", id="good"),
        pytest.param(WORLD.keys.expired, 1, "401   auth ", id="expired"),
    ],
)
def test_the_exit_status_says_whether_all_reports_are_good(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str, status: int, row: str
) -> None:
    """The table is on stdout, progress is on stderr, and so is the one cause of all failures; no key on either."""
    with platform() as base_url:
        for name, value in configured(base_url, key, REPORTS="auto").items():
            monkeypatch.setenv(name, value)
        assert run(["check", "--probe"]) == status

    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert re.findall(rf"^production  (\S+) +{row}", out, re.MULTILINE) == list(REPORTS)
    assert lines[: len(REPORTS)] == [f"asking production: {report}" for report in REPORTS]
    assert [line.partition(": http")[0] for line in lines[len(REPORTS) :]] == [
        f"chat-usage-exporter: production: {', '.join(REPORTS)}"
    ] * status
    assert not any(key in out + err for key in KEYS)


def test_without_probe_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A valid configuration is enough; what is polled is told, and what it stems from."""
    base_url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("PARADIGM_API_KEY", WORLD.keys.admin)
    monkeypatch.setenv("PARADIGM_BASE_URL", base_url)

    assert run(["check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'the source "paradigm" comes from PARADIGM_API_KEY, because no sources are configured',
        f"paradigm: LightOn Paradigm at {base_url}, every 60 min, days of UTC, reports {', '.join(REPORTS)}",
        "The configuration is valid.",
    ]


def test_a_wrong_configuration_is_2_and_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line per mistake, no table."""
    for name, value in configured("http://127.0.0.1:9", POLL__INTERVAL="never").items():
        monkeypatch.setenv(name, value)

    assert run(["check", "--probe"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "CHAT_USAGE_SOURCES__PRODUCTION__POLL__INTERVAL" in err
    assert not any(key in err for key in KEYS)
