"""A platform that a definition describes: the page's own example as it stands, and how answers and days are read."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import anyio
import httpx
import pytest

from exporter.cli.main import run
from exporter.domain.errors import ConfigError, ReportError, SchemaError
from exporter.domain.model import READ_IN_PART, Column, Days, Reading
from exporter.domain.scope import Scope
from exporter.platforms import json_values
from exporter.platforms.api import END_DATE, Context, Discovery, Platform, Request
from exporter.platforms.declared import Authentication, Period
from exporter.platforms.jmespath_fields import MOST_ITEMS, MOST_STEPS, Search, expression
from exporter.platforms.paradigm.platform import PLATFORM as PARADIGM
from exporter.platforms.testing import complaints, survived
from exporter.polling.ask import MOST_PAGES
from exporter.settings import Settings, load
from exporter.settings.definitions import read
from tests import environment
from tests.pipeline.pipeline import ManualClock, Pipeline, series, utc

PAGE = (Path(__file__).parents[2] / "docs" / "declared-platforms.md").read_text(encoding="utf-8")
NOON = utc(2026, 3, 3, 12)
DAYS = Days(date(2026, 3, 1), date(2026, 3, 3))
PARIS, UTC = ZoneInfo("Europe/Paris"), ZoneInfo("UTC")


def block(start: str) -> str:
    """Returns the code block of the page that begins so."""
    [found] = re.findall(rf"^```\w+\n({re.escape(start)}.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def declared(folder: Path, text: str) -> Platform:
    """Reads a definition."""
    (folder / "acme.yml").write_text(text, encoding="utf-8")
    return read(folder / "acme.yml")


def configured(folder: Path, text: str, options: str = "") -> Settings:
    """Reads a configuration with one source of that definition, as the page writes it."""
    (folder / "acme.yml").write_text(text, encoding="utf-8")
    (folder / "key").write_text("a-user:a-key")
    source = block("# exporter.yml").replace("/run/secrets/acme", str(folder / "key")) + options
    (folder / "exporter.yml").write_text(source, encoding="utf-8")
    return load(folder / "exporter.yml", {}, {"paradigm": PARADIGM})


def served(settings: Settings, answer: object, *, polls: int = 1) -> Pipeline:
    """Polls the one source against a transport and returns what it serves."""

    async def travel() -> Pipeline:
        source = settings.sources["helpdesk"]
        transport = httpx.MockTransport(answer)  # type: ignore[arg-type]  # a function of the request
        async with Pipeline(
            transport, ManualClock(NOON), source.key(), source.target, platform=source.platform
        ) as pipeline:
            for _ in range(polls):
                await pipeline.poller.poll()
        return pipeline

    return anyio.run(travel)


def answered(content: object) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(json.dumps(content).encode()))


def test_the_page_s_example_is_served(tmp_path: Path) -> None:
    """Page by page, with days, windows, label limits and zeros as any platform; it keeps the rules for platforms."""
    asked: list[Mapping[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["x-acme-key"] == "a-user:a-key"
        query = dict(request.url.params)
        asked.append(query)
        days = [day for day in ("2026-03-01", "2026-03-02") if query["from"] <= day <= query["to"]]
        content = json.loads(block('{"data"'))
        [entry] = content["data"]
        [row] = entry["days"]
        entry["days"] = [row | {"day": day} for day in days]
        if "cursor" in query:
            entry["team"] = {"id": 8, "name": "Sales"}
        return answered(content | {"next_cursor": None if "cursor" in query else "a b&c"})

    settings = configured(tmp_path, block("# acme.yml"))
    pipeline = served(settings, answer)

    teams = ({"company_id": "7", "company": "Helpdesk"}, {"company_id": "8", "company": "Sales"})
    assert pipeline.page("acme_conversations_last_day") == {
        series("acme_conversations_last_day", **t): 12.0 for t in teams
    }
    assert pipeline.page("acme_conversations_7d") == {series("acme_conversations_7d", **team): 24.0 for team in teams}
    assert pipeline.page("acme_tokens_by_model_28d") == {
        series("acme_tokens_by_model_28d", **team, model="small"): 1800.0 for team in teams
    }
    assert {dict(each.labels)["activity"] for each in pipeline.page("chat_usage_activity_last_day")} == {
        "conversations"
    }
    assert {query.get("cursor") for query in asked} == {None, "a b&c"}
    platform = settings.sources["helpdesk"].platform
    assert complaints(platform) == ()
    assert [odd for report in platform.reports.values() for odd in survived(report)] == []


def test_a_probe_shows_keys_and_types_and_no_value(tmp_path: Path) -> None:
    report = declared(tmp_path, block("# acme.yml")).reports["usage"]
    [request] = report.plan(DAYS, Scope())
    lines = report.explain(block('{"data"').encode(), request, Context("s", DAYS.last, UTC))

    assert lines is not None
    assert lines[0] == 'entries ("data") finds [{team: {id: integer, name: string}, days: […]}]'
    assert lines[-1] == 'measures.tokens_by_model.value ("tokens") finds integer'
    assert len(lines) == 9
    assert not [value for value in ("Helpdesk", "small", "900", "12") if value in "".join(lines)]


def test_commands_know_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` names it, and `plan` counts its calls and series."""
    environment.clear(monkeypatch)
    configured(tmp_path, block("# acme.yml"))
    assert [run([name, f"--config.file={tmp_path / 'exporter.yml'}"]) for name in ("check", "plan")] == [0, 0]
    said = capsys.readouterr().out

    assert "helpdesk: ACME Chat at https://api.acme.example, every 60 min, days of UTC, reports usage" in said
    assert re.search(r"acme_tokens_by_model_28d +5100", said), "100 companies, 50 models and the others"
    assert re.search(r"chat_usage_activity_baseline +100", said)


FLAT = """
prefix: acme
title: ACME
base_url: https://acme.example
reports:
  usage:
    path: /usage
    {}
    measures:
      chats: {{help: Chats, value: n}}
"""
ROW = {"id": 7, "name": "Helpdesk", "on": "2026-03-02", "n": 12}
SHAPES: Mapping[str, tuple[str, object]] = {
    "rows": ("company_id: id\n    company: name\n    date: on\n    period: {first: a, last: b}", [ROW]),
    "companies with days": (
        "entries: all\n    days: d\n    company_id: id\n    company: name\n    date: on\n    period: {first: a}",
        {"all": [{"id": 7, "name": "Helpdesk", "d": [{"on": "2026-03-02", "n": 12}]}]},
    ),
    "days with companies": (
        "companies: c\n    company_id: id\n    company: name\n    date: on\n    period: {first: a, last: b}",
        [{"on": "2026-03-02", "c": [{"id": 7, "name": "Helpdesk", "n": 12}]}],
    ),
    "moments": (
        "company_id: id\n    company: name\n    date: on\n    period: {first: a, last: b}",
        [ROW | {"on": "2026-03-02T00:00:00.000Z"}],
    ),
    "one day": ("company_id: id\n    company: name\n    period: {day: d}", [{"id": 7, "name": "Helpdesk", "n": 12}]),
}


@pytest.mark.parametrize(("where", "answer"), SHAPES.values(), ids=SHAPES)
def test_one_figure_is_found_in_whatever_shape(tmp_path: Path, where: str, answer: object) -> None:
    report = declared(tmp_path, FLAT.format(where)).reports["usage"]
    requests = report.plan(Days(DAYS.first, date(2026, 3, 2)), Scope())
    reading = report.decode(json.dumps(answer).encode(), requests[0], Context("s", DAYS.last, UTC))

    assert isinstance(reading, Reading)
    [row] = reading.rows
    assert (row.company_id, row.day, [*row.figures.values()]) == ("7", date(2026, 3, 2), [12.0])
    assert reading.names == {"7": "Helpdesk"}
    assert (reading.drift, reading.violations, reading.outside_range) == ({}, {}, 0)


@pytest.mark.parametrize(("option", "name"), [("", "helpdesk"), ("    company: ACME Ltd\n", "ACME Ltd")])
def test_without_a_company_all_belongs_to_the_source(tmp_path: Path, option: str, name: str) -> None:
    text = FLAT.format("period: {first: a, last: b}\n    date: on")
    pipeline = served(configured(tmp_path, text, option), lambda _: answered([ROW]))

    assert pipeline.page("acme_chats_last_day") == {
        series("acme_chats_last_day", company_id="helpdesk", company=name): 12.0
    }


def test_options_of_a_source_are_in_its_paths_and_parameters(tmp_path: Path) -> None:
    """Each source has to set them; a slash in one leads nowhere else."""
    text = FLAT.format("period: {first: a, last: b}\n    date: on\n    parameters: {team: 'x-{team}'}")
    text = text.replace("/usage\n", "/orgs/{org}/usage\n") + "options: {org: Name of it, team: Name of it}\n"
    with pytest.raises(ConfigError, match=r"sources\.helpdesk\.org: is missing"):
        configured(tmp_path, text, "    team: a\n")
    settings = configured(tmp_path, text, "    team: a b\n    org: a/../b\n")
    [request] = settings.sources["helpdesk"].target.reports[0].plan(DAYS, Scope())

    assert request.path == "/orgs/a%2F..%2Fb/usage"
    assert request.params == {"team": "x-a b", "a": "2026-03-01", "b": "2026-03-03"}


DAY = 86400
BOUNDS = {
    "dates": (Period("f", "l"), UTC, {"f": "2026-03-01", "l": "2026-03-03"}),
    "exclusive dates": (Period("f", "l", end="exclusive"), UTC, {"f": "2026-03-01", "l": "2026-03-04"}),
    "moments": (
        Period("f", "l", format="moment"),
        PARIS,
        {"f": "2026-02-28T23:00:00Z", "l": "2026-03-03T22:59:59.999Z"},
    ),
    "exclusive moments": (
        Period("f", "l", format="moment", end="exclusive"),
        PARIS,
        {"f": "2026-02-28T23:00:00Z", "l": "2026-03-03T23:00:00Z"},
    ),
    "seconds": (Period("f", "l", format="seconds"), UTC, {"f": "1772323200", "l": "1772582399"}),
    "exclusive seconds": (
        Period("f", "l", format="seconds", end="exclusive"),
        UTC,
        {"f": "1772323200", "l": "1772582400"},
    ),
    "milliseconds": (Period("f", "l", format="milliseconds"), UTC, {"f": "1772323200000", "l": "1772582399999"}),
    "an open end": (Period("f"), UTC, {"f": "2026-03-01"}),
}


@pytest.mark.parametrize(("period", "zone", "params"), BOUNDS.values(), ids=BOUNDS)
def test_days_are_asked_for_as_the_api_writes_them(period: Period, zone: ZoneInfo, params: Mapping[str, str]) -> None:
    assert period.params(DAYS, zone) == params


@pytest.mark.parametrize("end", ["inclusive", "exclusive"])
def test_one_day_more_is_asked_for_where_the_last_is_never_there(tmp_path: Path, end: str) -> None:
    report = declared(tmp_path, FLAT.format(f"date: on\n    period: {{first: f, last: l, end: {end}}}")).reports[
        "usage"
    ]
    lasts = [
        date.fromisoformat(report.plan(DAYS, Scope(), known)[0].params["l"])
        for known in ({}, {END_DATE: Discovery(DAYS.last, ())})
    ]
    assert lasts[1] - lasts[0] == timedelta(days=1)


@pytest.mark.parametrize("at_most", [1, 2, 3, 7])
def test_no_question_is_about_more_days_than_allowed(tmp_path: Path, at_most: int) -> None:
    """Together they cover all days, each once, the newest first."""
    flat = FLAT.format(f"date: on\n    period: {{first: f, last: l, at_most: {at_most}}}")
    pieces = [request.days for request in declared(tmp_path, flat).reports["usage"].plan(DAYS, Scope())]

    assert max(map(len, pieces)) <= at_most
    assert sorted(day for piece in pieces for day in piece) == list(DAYS)
    assert pieces == sorted(pieces, key=lambda piece: piece.first, reverse=True)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-02", date(2026, 3, 2)),
        ("2026-03-02T00:00:00+01:00", date(2026, 3, 2)),
        ("2026-03-01T23:00:00Z", date(2026, 3, 2)),
        ("2026-03-02T00:00:00", date(2026, 3, 2)),
        (1772406000, date(2026, 3, 2)),
        (1772406000000, date(2026, 3, 2)),
        ("2026-03-02T00:00:00Z", None),  # one in the morning there: these days are cut in another zone
        ("2026-03-02T13:00:00", None),
        ("2026-02-30", None),
        ("yesterday", None),
        (20260302, None),
        (True, None),
        (None, None),
        (1e300, None),
    ],
)
def test_a_day_is_a_date_or_the_moment_at_which_it_begins(written: object, day: date | None) -> None:
    assert json_values.day_in(written, PARIS) == day


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [
        ("bearer", "Authorization", "Bearer user:pass"),
        ("basic", "Authorization", "Basic dXNlcjpwYXNz"),
        ("X-Api-Key", "X-Api-Key", "user:pass"),
    ],
)
def test_a_key_is_sent_as_the_api_wants_it(kind: str, header: str, value: str) -> None:
    assert Authentication(kind, (("Accept", "a/b"),))("user:pass") == {"Accept": "a/b", header: value}


PAGED = "date: on\n    entries: rows\n    period: {first: a, last: b}\n    paging: "
Said = Callable[[int], dict[str, object]]
"""What an answer says of the next page, by the number of its own."""
PAGES: Mapping[str, tuple[str, Said]] = {
    "link": ("{link: links.next}", lambda n: {"links": {"next": f"/usage?page={n + 1}" if n < 3 else None}}),
    "cursor": ("{cursor: more, parameter: page}", lambda n: {"more": n + 1 if n < 3 else None}),
}


@pytest.mark.parametrize(("paging", "said"), PAGES.values(), ids=PAGES)
def test_an_answer_is_read_to_its_last_page(tmp_path: Path, paging: str, said: Said) -> None:
    """All pages are one answer; each is asked for once."""
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        asked.append(number)
        row = {"on": f"2026-03-0{number}", "n": number}
        return answered({"rows": [row] if number < 3 else [], **said(number)})

    pipeline = served(configured(tmp_path, FLAT.format(PAGED + paging)), answer)

    assert asked == [1, 2, 3] * (len(asked) // 3)
    assert only_value(pipeline, "acme_chats_7d") == 3.0


WITHOUT_END: Mapping[str, Said] = {
    "for ever": lambda n: {"more": n + 1},
    "round in circles": lambda n: {"more": 2},
    "to another host": lambda n: {"next": "https://elsewhere.example/usage"},
    "to nothing that could be asked": lambda n: {"more": {"a": 1}},
    "and does not say where": lambda n: {"has_more": True},
}


@pytest.mark.parametrize("said", WITHOUT_END.values(), ids=WITHOUT_END)
def test_half_of_an_answer_is_none(tmp_path: Path, said: Said) -> None:
    """A report whose answer goes on without an end, or off the platform, fails; nothing of it is served."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        number = int(request.url.params.get("page", "1"))
        return answered({"rows": [{"on": "2026-03-02", "n": 1}], **said(number)})

    content = said(1)
    way = "{link: next}" if "next" in content else "{cursor: more, parameter: page}"
    where = PAGED + way if "has_more" not in content else PAGED.removesuffix("paging: ").rstrip()
    pipeline = served(configured(tmp_path, FLAT.format(where)), answer)

    assert pipeline.page("acme_chats") == {}
    assert pipeline.outcomes() == {"schema": 1.0}
    assert set(asked) == {"paradigm.example"}
    assert len(asked) <= MOST_PAGES + 2


MORE_PAGES: Mapping[str, object] = {
    "a cursor": {"next_cursor": "abc"},
    "in an object": {"paging": {"next": "b2Zm"}},
    "in camel case": {"pageInfo": {"hasNextPage": True, "endCursor": "abc"}},
    "a flag": {"meta": {"has-more": True}},
    "a number of pages": {"meta": {"page": 1, "totalPages": 3}},
    "pages beside a page": {"page": {"number": 0, "total_pages": 4}},
    "an object of another name": {"response_metadata": {"next_cursor": "dGVh"}},
    "a list of links": {"links": [{"rel": "self"}, {"rel": "next", "href": "cursor-7"}]},
    "a link and a flag": {"hasMore": True, "pagination": {"next_token": "t"}},
}
WRONG_PAGING = {"none": "", "another key": "\n    paging: {cursor: cursors.after, parameter: page}"}


@pytest.mark.parametrize("paging", WRONG_PAGING.values(), ids=WRONG_PAGING)
@pytest.mark.parametrize("said", MORE_PAGES.values(), ids=MORE_PAGES)
def test_a_page_that_is_not_followed_is_not_taken_for_all(
    tmp_path: Path, said: Mapping[str, object], paging: str
) -> None:
    """Missing or wrong `paging` costs no company silently; the message names the line to correct."""
    text = FLAT.format(f"date: on\n    entries: rows\n    period: {{first: a, last: b}}{paging}")
    report = declared(tmp_path, text).reports["usage"]
    body = json.dumps({"rows": [{"on": "2026-03-02", "n": 1}], **said}).encode()
    with pytest.raises(SchemaError, match=re.escape("correct acme.yml: reports.usage.paging")):
        report.decode(body, Request("usage", "/", {}, DAYS), Context("s", DAYS.last, UTC))


@pytest.mark.parametrize(
    "said",
    [
        {"paging": {"next": None}},
        {"has_more": False},
        {"meta": {"page": 1, "pages": 1}},
        {"meta": {"page": 7}},
        {"page_count": 12},
    ],
)
def test_the_last_page_is_read(tmp_path: Path, said: Mapping[str, object]) -> None:
    report = declared(tmp_path, FLAT.format("date: on\n    entries: rows\n    period: {first: a}")).reports["usage"]
    body = json.dumps({"rows": [{"on": "2026-03-02", "n": 1}], **said}).encode()
    reading = report.decode(body, Request("usage", "/", {}, DAYS), Context("s", DAYS.last, UTC))
    assert isinstance(reading, Reading)
    assert (len(list(reading.rows)), reading.next_page) == (1, "")


def only_value(pipeline: Pipeline, family: str) -> float:
    [value] = pipeline.page(family).values()
    return value


TWO = FLAT.replace("n}}\n", "n}}\n      bots: {{help: Bots, items: bots, labels: {{bot: name}}, value: n}}\n")


def test_a_measure_that_is_not_found_costs_itself_alone(tmp_path: Path) -> None:
    """Its breakdown is not a breakdown without anything in it; the message says which line to mend."""
    text = TWO.format("period: {first: a, last: b}\n    date: on")
    pipeline = served(configured(tmp_path, text), lambda _: answered([ROW]))

    assert only_value(pipeline, "acme_chats_last_day") == 12.0
    assert pipeline.page("acme_bots") == {}
    assert {dict(each.labels)["item"] for each in pipeline.page("chat_usage_report_unread")} == {"bots"}
    report = declared(tmp_path, text).reports["usage"]
    [request] = report.plan(DAYS, Scope())
    reading = report.decode(json.dumps([ROW]).encode(), request, Context("s", DAYS.last, UTC))
    assert isinstance(reading, Reading)
    [unread] = reading.unread
    assert unread.message == (
        's/usage: measures.bots.items ("bots") finds nothing. The answer is […]. '
        "Remedy: correct acme.yml: reports.usage.measures.bots.items, see docs/declared-platforms.md"
    )


WRONG_TYPES = {
    "value": ({"n": 12, "bots": [{"name": "x", "n": "2"}]}, 'measures.bots.value ("n") finds string, not a number'),
    "items": ({"n": 12, "bots": {"x": 2}}, 'measures.bots.items ("bots") finds {x: integer}, not a list'),
}


@pytest.mark.parametrize(("figures", "words"), WRONG_TYPES.values(), ids=WRONG_TYPES)
def test_an_expression_that_finds_another_type_is_named_like_one_that_finds_nothing(
    tmp_path: Path, figures: Mapping[str, object], words: str
) -> None:
    """Unless it finds a number in some row: then the row is odd, not the expression."""
    report = declared(tmp_path, TWO.format("period: {first: a, last: b}\n    date: on")).reports["usage"]
    rows = [{"on": "2026-03-02", **figures}, {"on": "2026-03-01", "n": 1, "bots": []}]

    def read(*rows: object) -> Reading:
        request, context = Request("usage", "/", {}, DAYS), Context("s", DAYS.last, UTC)
        reading = report.decode(json.dumps(rows).encode(), request, context)
        assert isinstance(reading, Reading)
        return reading

    [unread] = read(rows[0]).unread
    assert words in unread.message
    assert "correct acme.yml: reports.usage.measures.bots." in unread.message
    assert read(*rows, {**rows[1], "on": "2026-03-03", "bots": [{"name": "x", "n": 2}]}).unread == ()


def test_a_breakdown_by_two_labels_has_one_marker(tmp_path: Path) -> None:
    """One marker speaks for the whole breakdown; an item without a name is left out, and then it is read in part."""
    text = TWO.replace("labels: {{bot: name}}", "labels: {{bot: name, part: of}}")
    report = declared(tmp_path, text.format("period: {first: a, last: b}\n    date: on")).reports["usage"]
    bots = [{"name": "x", "of": 1, "n": 2}, {"name": "x", "of": "b", "n": 3}, {"name": " ", "of": "b", "n": 4}]
    [request] = report.plan(DAYS, Scope())
    body = json.dumps([ROW | {"bots": bots}, ROW | {"on": "2026-03-01", "bots": "many"}]).encode()
    reading = report.decode(body, request, Context("s", DAYS.last, UTC))

    assert isinstance(reading, Reading)
    first, second = reading.rows
    figures = {column.label_values: n for column, n in first.figures.items() if column.family == "acme_bots"}
    assert figures == {("x", "1"): 2.0, ("x", "b"): 3.0, (): READ_IN_PART}
    assert reading.drift == {"retyped": {"measures.bots.labels.bot", "measures.bots.items"}}
    assert [*second.figures] == [Column("acme_chats")]


def test_an_average_that_is_gone_is_not_0(tmp_path: Path) -> None:
    """It has no read marker, so what was served of it stays, as of every figure that a row lacks."""
    text = TWO.replace("help: Bots,", "help: Bots, kind: average,").format("period: {first: a, last: b}\n    date: on")
    bots = [[{"name": "x", "n": 2.5}], []]

    def answer(_: httpx.Request) -> httpx.Response:
        return answered([ROW | {"bots": bots[0] if len(bots) == 1 else bots.pop(0)}])

    pipeline = served(configured(tmp_path, text), answer, polls=2)

    assert bots == [[]]
    assert only_value(pipeline, "acme_bots_last_day") == 2.5


NOT_THERE = {
    "entries": ({"all": []}, 'entries ("rows") finds nothing'),
    "date": ({"rows": [{"n": 1}]}, 'date ("on") finds nothing'),
    "value": ({"rows": [{"on": "2026-03-02"}]}, 'measures.chats.value ("n") finds nothing'),
    "another zone": ({"rows": [{"on": "2026-03-01T23:00:00Z", "n": 1}]}, "in UTC: correct the source's timezone"),
    "a text": ({"rows": [{"on": "2026-03-02", "n": "1"}]}, 'measures.chats.value ("n") finds string, not a number'),
    "another date": ({"rows": [{"on": "02/03/2026", "n": 1}]}, "none of 1 listed rows could be read: retyped date"),
}


@pytest.mark.parametrize(("answer", "words"), NOT_THERE.values(), ids=NOT_THERE)
def test_what_is_not_found_is_named_and_nothing_is_invented(tmp_path: Path, answer: object, words: str) -> None:
    report = declared(tmp_path, FLAT.format("date: on\n    entries: rows\n    period: {first: a}")).reports["usage"]
    with pytest.raises(SchemaError, match=re.escape(words)):
        report.decode(json.dumps(answer).encode(), Request("usage", "/", {}, DAYS), Context("s", DAYS.last, UTC))


@pytest.mark.parametrize("text", ["a" * 1001, "|".join(["[@, @][]"] * 3), "[{a: [b, c]}]", "(" * 600 + "a" + ")" * 300])
def test_an_expression_that_could_explode_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"longer than|more than 2 places|goes wrong|too deeply"):
        expression(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[][]", [[0] * 1000] * 1001),
        ("[*].[a, b] | [*].[@, @] | [] | [] | map(&length(@), @)", [{"a": [0] * 10, "b": 1}] * (MOST_ITEMS // 2)),
    ],
)
def test_an_expression_that_takes_too_much_fails_its_report_alone(text: str, value: object) -> None:
    with pytest.raises(ReportError, match=r"simplify them|simplify it"):
        Search().find(expression(text), value)


def test_all_expressions_of_an_answer_share_one_bound() -> None:
    search, plain = Search(), expression("a.b")
    search._left = 2
    assert [search.find(plain, {"a": {"b": 1}}) for _ in range(2)] == [1, 1]
    with pytest.raises(SchemaError, match=f"more than {MOST_STEPS:,} steps"):
        search.find(plain, {})
