"""The definitions in config/platforms read answers in the shapes that the APIs' public pages document."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.domain.model import Days, Reading
from exporter.domain.scope import Scope
from exporter.platforms.api import Account, Context
from exporter.platforms.testing import complaints, survived
from exporter.settings import load
from exporter.settings.definitions import read

FOLDER = Path(__file__).parents[2] / "config" / "platforms"
DAYS = Days(date(2026, 3, 1), date(2026, 3, 2))
FIRST, SECOND = DAYS
CONTEXT = Context("s", date(2026, 3, 3), ZoneInfo("UTC"))


@dataclass(frozen=True)
class Recorded:
    """What is asked for DAYS, the pages of an answer, and what is read from them by day and company."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    pages: Sequence[object]
    links: Sequence[str]
    figures: Mapping[tuple[date, str], Mapping[str, float]]


def result(project: str | None, requests: int) -> Mapping[str, object]:
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 100 * requests,
        "output_tokens": 10 * requests,
        "input_cached_tokens": 0,
        "num_model_requests": requests,
        "project_id": project,
        "user_id": None,
        "api_key_id": None,
        "model": None,
        "batch": None,
    }


def bucket(start: int, *results: object) -> Mapping[str, object]:
    return {"object": "bucket", "start_time": start, "end_time": start + 86400, "results": results}


def usage(requests: int) -> Mapping[str, float]:
    return {
        "openai_requests": requests,
        "openai_input_tokens": 100 * requests,
        "openai_output_tokens": 10 * requests,
    }


OPENAI = Recorded(
    "/v1/organization/usage/completions",
    {
        "bucket_width": "1d",
        "group_by": "project_id",
        "limit": "31",
        "start_time": "1772323200",
        "end_time": "1772496000",
    },
    {"Authorization": "Bearer pk:sk"},
    [
        {
            "object": "page",
            "data": [bucket(1772323200, result("proj_a", 5), result(None, 2))],
            "has_more": True,
            "next_page": "AAAAAGdGxdEiJdKOAAAAAGcqsYA=",
        },
        {
            "object": "page",
            "data": [bucket(1772409600, result("proj_a", 6))],
            "has_more": False,
            "next_page": None,
        },
    ],
    [
        "?bucket_width=1d&group_by=project_id&limit=31&start_time=1772323200&end_time=1772496000"
        "&page=AAAAAGdGxdEiJdKOAAAAAGcqsYA%3D"
    ],
    {(FIRST, "proj_a"): usage(5), (FIRST, "none"): usage(2), (SECOND, "proj_a"): usage(6)},
)


def model(name: str | None, units: int) -> Mapping[str, object]:
    return {
        "model": name,
        "inputUsage": units - 1,
        "outputUsage": 1,
        "totalUsage": units,
        "countTraces": 3,
        "countObservations": 4,
        "totalCost": 0.5,
    }


LANGFUSE = Recorded(
    "/api/public/metrics/daily",
    {"limit": "100", "fromTimestamp": "2026-03-01T00:00:00Z", "toTimestamp": "2026-03-03T00:00:00Z"},
    {"Authorization": "Basic cGs6c2s="},
    [
        {
            "data": [
                {
                    "date": "2026-03-02",
                    "countTraces": 15,
                    "countObservations": 30,
                    "totalCost": 102.19,
                    "usage": [model("small", 2500), model(None, 7)],
                }
            ],
            "meta": {"page": 1, "limit": 100, "totalItems": 1, "totalPages": 1},
        },
    ],
    [],
    {
        (SECOND, "s"): {
            "langfuse_traces": 15,
            "langfuse_observations": 30,
            "langfuse_cost_usd": 102.19,
            "langfuse_model_usage small": 2500,
            "langfuse_model_usage none": 7,
        }
    },
)


def chats(number: int) -> Mapping[str, object]:
    return {
        "name": "default",
        "is_custom_model": False,
        "custom_model_training_date": None,
        "total_engaged_users": 12,
        "total_chats": number,
        "total_chat_insertion_events": 1,
        "total_chat_copy_events": 2,
    }


def editor(name: str, *models: object) -> Mapping[str, object]:
    return {"name": name, "total_engaged_users": 13, "models": models}


COPILOT = Recorded(
    "/orgs/a%2Fb/copilot/metrics",
    {"per_page": "100", "since": "2026-03-01T00:00:00Z", "until": "2026-03-03T00:00:00Z"},
    {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "Authorization": "Bearer pk:sk",
    },
    [
        [
            {
                "date": "2026-03-01",
                "total_active_users": 24,
                "total_engaged_users": 20,
                "copilot_ide_code_completions": {"total_engaged_users": 20, "languages": [], "editors": []},
                "copilot_ide_chat": {
                    "total_engaged_users": 13,
                    "editors": [editor("vscode", chats(45)), editor("jetbrains", chats(5))],
                },
                "copilot_dotcom_chat": {"total_engaged_users": 14, "models": [chats(38)]},
                "copilot_dotcom_pull_requests": None,
            },
            {"date": "2026-03-02", "total_active_users": 2, "total_engaged_users": 0, "copilot_ide_chat": None},
            {"date": "2026-03-03", "total_active_users": 9, "total_engaged_users": 9},
        ]
    ],
    [],
    {
        (FIRST, "s"): {
            "copilot_active_users": 24,
            "copilot_engaged_users": 20,
            "copilot_ide_chats": 50,
            "copilot_site_chats": 38,
            "copilot_chats_by_model default": 50,
        },
        (SECOND, "s"): {
            "copilot_active_users": 2,
            "copilot_engaged_users": 0,
            "copilot_ide_chats": 0,
            "copilot_site_chats": 0,
        },
    },
)
RECORDED = {"openai": OPENAI, "langfuse": LANGFUSE, "github-copilot": COPILOT}


@pytest.mark.parametrize(("name", "recorded"), RECORDED.items(), ids=RECORDED)
def test_a_shipped_definition_reads_the_documented_shape(name: str, recorded: Recorded) -> None:
    """It asks as documented, reads page after page, and files each figure under its day, company and label."""
    platform = read(FOLDER / f"{name}.yml")
    [report_name] = platform.reports
    report = platform.configured(report_name, account=Account("s", {"organization": "a/b"}))
    [request] = report.plan(DAYS, Scope())
    assert (request.path, request.params) == (recorded.path, recorded.params)
    assert platform.headers("pk:sk") == recorded.headers

    found: dict[tuple[date, str], Mapping[str, float]] = {}
    links = [*recorded.links, ""]
    for page, answer in enumerate(recorded.pages):
        asked = request if page == 0 else replace(request, link=links[page - 1])
        reading = report.decode(json.dumps(answer).encode(), asked, CONTEXT)
        assert isinstance(reading, Reading)
        assert (reading.next_page, reading.drift, reading.violations, reading.unread) == (links[page], {}, {}, ())
        labels = {measure.family: len(measure.labels) for measure in report.measures}
        found |= {
            (row.day, row.company_id): {
                " ".join((column.family, *column.label_values)): value
                for column, value in row.figures.items()
                if len(column.label_values) == labels[column.family]
            }
            for row in reading.rows
        }
    assert found == recorded.figures
    assert complaints(platform) == ()
    assert survived(report) == ()


@pytest.mark.parametrize("name", RECORDED)
def test_the_source_that_a_definition_shows_can_be_configured(name: str, tmp_path: Path) -> None:
    """As it stands, but for the folder and the key's file."""
    (tmp_path / "key").write_text("pk:sk")
    (tmp_path / "platforms").symlink_to(FOLDER)
    shown = [line.removeprefix("#") for line in (FOLDER / f"{name}.yml").read_text(encoding="utf-8").splitlines()]
    lines = shown[shown.index("   sources:") : shown.index("   sources:") + 2]
    text = re.sub(r"/run/secrets/\w+", str(tmp_path / "key"), "\n".join(lines))
    (tmp_path / "exporter.yml").write_text(text, encoding="utf-8")
    [source] = load(tmp_path / "exporter.yml", {}, {}).sources.values()

    assert source.platform == read(FOLDER / f"{name}.yml")


def test_every_shipped_definition_is_recorded() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(RECORDED)
