"""A platform takes one file, a report of a built-in one a line of its table: the manual for plugins, as it stands."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import anyio
import httpx
import pytest
from msgspec import structs

from exporter.domain.errors import ReportError
from exporter.domain.model import Activity, Column, Days, Kind, Measure, Reading, Row
from exporter.domain.scope import Scope
from exporter.forecast import Size, report_series
from exporter.metrics.label_limits import LabelLimits
from exporter.platforms.api import (
    INVARIANTS,
    NO_DISCOVERIES,
    Context,
    Discoveries,
    LabelLimit,
    Platform,
    Report,
    Request,
)
from exporter.platforms.json_values import count
from exporter.platforms.paradigm import platform as paradigm
from exporter.platforms.paradigm.documented_array import Array, Field
from exporter.platforms.paradigm.report import DocumentedReport
from exporter.platforms.testing import TODAY, complaints, read, survived
from tests.pipeline.pipeline import ManualClock, Pipeline, series, target_with, utc

PAGE = Path(__file__).parents[2] / "docs" / "development" / "plugins.md"
NOON = utc(2026, 3, 3, 12)


def block(start: str) -> str:
    """Returns the code block of the page that begins so."""
    [found] = re.findall(rf"^```\w+\n({re.escape(start)}.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


def answered(content: object) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(json.dumps(content).encode()))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the page's command installs: the module, and the entry point that names it."""
    project, folder = tmp_path_factory.mktemp("acme"), tmp_path_factory.mktemp("installed")
    for name, start in (("pyproject.toml", "[build-system]"), ("acme_chat.py", "# acme_chat.py")):
        (project / name).write_text(block(start))
    (project / "test_acme_chat.py").write_text(block("# test_acme_chat.py"))
    from_here_alone = ("--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(folder))
    command = [sys.executable, "-m", *block("pip install").split(), *from_here_alone]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def acme(installed: Path) -> Iterator[ModuleType]:
    """The page's module."""
    spec = importlib.util.spec_from_file_location("acme_chat", installed / "acme_chat.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018 - one thing: the file is a module
    module = importlib.util.module_from_spec(spec)
    sys.modules["acme_chat"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["acme_chat"]


def test_the_page_s_platform_keeps_the_rules(acme: ModuleType) -> None:
    """By the checks that the page recommends, and those of its own test file."""
    assert (complaints(acme.PLATFORM), survived(acme.REPORT)) == ((), ())
    tests: dict[str, object] = {}
    exec(compile(block("# test_acme_chat.py"), "test_acme_chat.py", "exec"), tests)  # noqa: S102 - it is our page
    for name, test in tests.items():
        if name.startswith("test_") and callable(test):
            test()


def test_the_page_s_platform_reads_an_answer(acme: ModuleType) -> None:
    entry = {"team": "7", "team_name": "Helpdesk", "conversations": 3}
    body = json.dumps([entry | {"day": TODAY.isoformat()}, entry | {"day": "2030-01-01"}]).encode()
    reading = read(acme.REPORT, body)

    assert isinstance(reading, Reading)
    assert [(row.day, row.company_id, dict(row.figures)) for row in reading.rows] == [
        (TODAY, "7", {Column("acme_conversations"): 3.0})
    ]
    with pytest.raises(ReportError, match="source/conversations: Expected `array`"):
        read(acme.REPORT, b"{}")


def test_the_page_s_platform_is_served(acme: ModuleType) -> None:
    """Windows, days and zeros come from the exporter; its own label limit and its own invariant hold."""

    def answer(request: httpx.Request) -> httpx.Response:
        since, until = request.url.params["since"], request.url.params["until"]
        assert request.headers["x-acme-key"] == "a-key"
        days = [day for day in ("2026-03-01", "2026-03-02") if since <= day <= until]
        return answered([entry | {"day": day} for day in days])

    entry = {"team": "7", "team_name": "Helpdesk", "conversations": 4, "projects": {"a": 3, "b": 2, "c": 1}}

    async def travel() -> Pipeline:
        target = structs.replace(
            target_with(), platform="acme", reports=(acme.REPORT,), limits=LabelLimits({"projects": 2})
        )
        async with Pipeline(
            httpx.MockTransport(answer), ManualClock(NOON), "a-key", target, platform=acme.PLATFORM
        ) as pipeline:
            await pipeline.poller.poll()
        return pipeline

    pipeline = anyio.run(travel)
    labels = {"company_id": "7", "company": "Helpdesk"}
    families = {name: pipeline.page(f"acme_conversations_{name}") for name in ("last_day", "today", "7d", "28d")}
    assert families == {"today": {}} | {  # nobody has a row of today
        name: {series(f"acme_conversations_{name}", **labels): value}
        for name, value in {"last_day": 4.0, "7d": 8.0, "28d": 8.0}.items()
    }
    projects = {"a": 6.0, "b": 4.0, "other": 2.0}
    assert pipeline.page("acme_conversations_by_project_7d") == {
        series("acme_conversations_by_project_7d", **labels, project=name): value for name, value in projects.items()
    }
    broken = {
        dict(each.labels)["invariant"]: value
        for each, value in pipeline.page("chat_usage_invariant_violations").items()
    }
    assert broken == {
        **dict.fromkeys(("projects_gt_conversations", *INVARIANTS), 0.0),
        "projects_gt_conversations": 2.0,
    }


def test_an_installed_plugin_is_a_word_of_the_configuration(installed: Path, tmp_path: Path) -> None:
    """`check`, `plan` and `metrics` know it without a line in the exporter."""
    config = tmp_path / "exporter.yml"
    (tmp_path / "key").write_text("a-key")
    config.write_text(block("sources:").replace("/run/secrets/acme", str(tmp_path / "key")))

    def run(*arguments: str) -> str:
        path = os.pathsep.join((str(installed), str(PAGE.parents[2])))
        done = subprocess.run(
            [sys.executable, "-m", "exporter.cli", *arguments],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "ACME Chat at https://api.acme.example" in run("check", f"--config.file={config}")
    assert "acme_conversations_28d" in run("plan", f"--config.file={config}")
    assert "acme_conversations_last_day" in {entry["name"] for entry in json.loads(run("metrics", "--format=json"))}


CREDITS = Measure("paradigm_credits", "Credits spent", Kind.SUM)
MORE = DocumentedReport(
    name="credits",
    path="/api/v2/reporting/credits/",
    day_bytes=80,
    measures=(CREDITS,),
    arrays=(Array("reporting", "all", {"spent": (Field("credits_count", Column(CREDITS.family), count),)}),),
)


def test_a_report_more_is_a_line_in_the_platform_s_table() -> None:
    """Whatever names reports reads that table: settings, forecast, page."""
    platform: Platform = replace(paradigm.PLATFORM, reports={**paradigm.PLATFORM.reports, MORE.name: MORE})
    report: Report = platform.configured(MORE.name)
    target = target_with(reports=(report,))

    def answer(request: httpx.Request) -> httpx.Response:
        dates = [{"date": request.url.params["end_date"], "spent": {"credits_count": 5}}]
        described = {"credits_count": {"description": "Credits", "unit": "credits"}}
        entry = {"company": {"id": 17, "name": "Northwind"}, "dates": dates}
        return answered({"metadata": described, "reporting": [entry]})

    async def travel() -> Pipeline:
        async with Pipeline(httpx.MockTransport(answer), ManualClock(NOON), "a-key", target) as pipeline:
            await pipeline.poller.poll()
        return pipeline

    assert not complaints(platform)
    assert "paradigm_credits_28d" in report_series(target, report, Size(1), NOON + timedelta(days=1))
    today = series("paradigm_credits_today", company_id="17", company="Northwind")
    assert anyio.run(travel).page("paradigm_credits_today") == {today: 5.0}


@pytest.mark.parametrize(
    ("measure", "complaint"),
    [
        pytest.param(Measure("other_visits", "Visits", Kind.SUM), "its name must be acme_ and words", id="prefix"),
        pytest.param(
            Measure("acme_visits_total", "Visits", Kind.SUM), "suffix that is reserved for windows", id="suffix"
        ),
        pytest.param(Measure("acme_visits", "Visits.", Kind.SUM), "without a full stop", id="help"),
        pytest.param(Measure("acme_visits", "Visits", Kind.SUM, ("a", "b", "c")), "more than 2 labels", id="labels"),
        pytest.param(Measure("acme_visits", "Visits", Kind.SUM, ("company",)), "cannot have a label", id="taken"),
        pytest.param(
            Measure("acme_visits", "Visits", Kind.SUM, ("a", "b"), limits=("projects",)), "parallel", id="limits"
        ),
        pytest.param(
            Measure("acme_visits", "Visits", Kind.SUM, activities=(Activity("met", share_of=(("acme_visits", ""),)),)),
            "the name of a share ends in _share",
            id="share",
        ),
        pytest.param(
            Measure("acme_visits", "Visits", Kind.SUM, activities=(Activity("met_share", share_of=(("a_b", ""),)),)),
            "what this report does not count as sums",
            id="share of nothing",
        ),
        pytest.param(
            Measure("acme_visits", "Visits", Kind.SUM, ("a",), limits=("tools",)), "no label limit tools", id="limit"
        ),
    ],
)
def test_what_breaks_the_rules_of_names_is_said(acme: ModuleType, measure: Measure, complaint: str) -> None:
    class Odd(type(acme.REPORT)):  # type: ignore[misc]  # the page's class is not known to mypy
        measures = (measure,)
        parts = {"all": ()}  # noqa: RUF012 - as an author would write it

    platform = replace(acme.PLATFORM, reports={"conversations": Odd()})
    [line] = complaints(platform)
    assert complaint in line


def test_what_breaks_the_rules_of_questions_is_said(acme: ModuleType) -> None:
    """A gap, a host, several days in one question, a column that nobody declared, another name than the table's."""

    class Odd(type(acme.REPORT)):  # type: ignore[misc]  # the page's class is not known to mypy
        asks_by_day = True
        parts = {"all": (Column("acme_conversations", ("surplus",)),)}  # noqa: RUF012 - as above

        def plan(self, days, scope, discoveries=None):  # type: ignore[no-untyped-def]  # as an author may write it
            [request] = super().plan(days, scope)
            return (replace(request, path="https://evil.example/?a", days=replace(days, last=days.first)), request)[:1]

    platform = replace(acme.PLATFORM, name="ACME", reports={"talks": Odd()})
    found = "\n".join(complaints(platform))
    for words in (
        "is not a metric prefix",
        "is called conversations",
        "do not cover",
        "not a path below",
        "no measure has",
    ):
        assert words in found


def test_what_breaks_the_rules_of_invariants_and_limits_is_said(acme: ModuleType) -> None:
    """An invariant that every report has, and a limit whose name is an option already."""

    class Odd(type(acme.REPORT)):  # type: ignore[misc]  # the page's class is not known to mypy
        invariants = ("negative",)

    limits = (*acme.PLATFORM.label_limits, LabelLimit("value_length", 9, "The same."))
    first, second = complaints(replace(acme.PLATFORM, reports={"conversations": Odd()}, label_limits=limits))
    assert first == "label limit value_length: is not a valid name"
    assert second == "conversations: cannot have an invariant negative of its own"


def test_a_crash_of_a_decoder_is_said(acme: ModuleType) -> None:
    class Odd(type(acme.REPORT)):  # type: ignore[misc]  # the page's class is not known to mypy
        def decode(self, body, request, context):  # type: ignore[no-untyped-def]  # as an author may write it
            raise KeyError(body)

    [first, *_] = survived(Odd())
    assert "raises KeyError" in first


RUNS = Measure("acme_runs", "Runs", Kind.SUM, ("project",), limits=("projects",))


class Runs(Report):
    """A report with a label limit and an invariant that no built-in one has."""

    name = "runs"
    day_bytes = 80
    measures = (RUNS,)
    parts: Mapping[str, tuple[Column, ...]] = {"all": ()}
    invariants = ("runs_gt_seats",)

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        return (Request(self.name, "/runs", {}, days),)

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        uses = {Column(RUNS.family, (project,)): float(number) for project, number in json.loads(body).items()}
        rows = tuple(Row("all", day, "7", uses) for day in request.days)
        return Reading({"7": "Helpdesk"}, frozenset(self.parts), rows, violations={"runs_gt_seats": 2})


def test_a_label_limit_and_an_invariant_of_a_plugin_s_own_reach_the_page() -> None:
    """The limit has a default, and the rest is added up as other."""
    runs = Runs()
    limits = (LabelLimit("projects", 50, "How many projects are served."),)
    platform = replace(paradigm.PLATFORM, name="acme", reports={"runs": runs}, label_limits=limits)
    target = structs.replace(target_with(), platform="acme", reports=(runs,))

    def answer(request: httpx.Request) -> httpx.Response:
        return answered({f"project {number:02}": 100 - number for number in range(60)})

    async def travel() -> Pipeline:
        async with Pipeline(httpx.MockTransport(answer), ManualClock(NOON), "a-key", target) as pipeline:
            await pipeline.poller.poll()
        return pipeline

    assert not complaints(platform)
    pipeline = anyio.run(travel)
    assert pipeline.outcomes() == {"ok": 1.0}
    labels = {"company_id": "7", "company": "Helpdesk"}
    shown = pipeline.page("acme_runs_last_day")
    assert len(shown) == 51
    assert shown[series("acme_runs_last_day", project="project 49", **labels)] == 51.0
    assert shown[series("acme_runs_last_day", project="other", **labels)] == sum(
        100 - number for number in range(50, 60)
    )
    violated = series("chat_usage_invariant_violations", report="runs", invariant="runs_gt_seats")
    assert pipeline.page("chat_usage_invariant_violations")[violated] == 2.0
