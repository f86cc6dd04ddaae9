"""ChatCaptain's reports: what is asked, what is read of answers in whatever shape, and what is refused how."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.errors import ConfigError, NotJsonError, PlatformError, ReportError, SchemaError
from exporter.domain.model import READ_COMPLETELY, READ_IN_PART, Column, Days, Kind, Reading
from exporter.domain.scope import Scope
from exporter.domain.selectors import Selection
from exporter.platforms.api import (
    Account,
    Component,
    Context,
    Discovery,
    Fields,
    NeedsDiscovery,
    Override,
    Report,
    Request,
)
from exporter.platforms.chatcaptain.component_report import CHANNEL_INFO
from exporter.platforms.chatcaptain.find_component import ReportComponent as Asked
from exporter.platforms.chatcaptain.platform import CHANNEL, INBOX, OVERVIEW, PLATFORM
from exporter.platforms.chatcaptain.read_component import Shape
from exporter.platforms.jmespath_fields import expression
from exporter.platforms.registry import ENTRY_POINTS
from exporter.platforms.testing import complaints, survived

ROOT = Path(__file__).parents[2]
TODAY, YESTERDAY = date(2026, 3, 3), date(2026, 3, 2)
BERLIN = ZoneInfo("Europe/Berlin")
SCOPE = Scope(zone=BERLIN)
CONTEXT = Context("support", TODAY, BERLIN)
ACCOUNT = Account("support", {"chatbot_id": "b/1", "company": "ACME", "channels": Selection(exclude=("debug*",))})
WHERE = "/v1/chatbots/b%2F1/statistics"
DAYS = Days(date(2026, 2, 28), TODAY)
ONE = Days(YESTERDAY, YESTERDAY)
EVERYTHING = ",".join(str(each.number) for each in OVERVIEW.components)
WEB, VOICE = ("w1", "Website", "web"), ("v1", "Hotline", "Voice")
KNOWN = {CHANNEL_INFO: Discovery(TODAY, (WEB, VOICE))}


def mapped(**components: Mapping[str, str]) -> Override:
    """Returns an override as the settings make it."""
    return Override(
        components={
            name: Component(**{key: expression(text) for key, text in where.items()})
            for name, where in components.items()
        }
    )


def report(name: str, override: Override | None = None) -> Report:
    """Returns a report of the chatbot b/1 of ACME."""
    return PLATFORM.configured(name, override, ACCOUNT)


def decode(of: Report, request: Request, answer: object) -> Reading | NeedsDiscovery:
    return of.decode(msgspec.json.encode(answer), request, CONTEXT)


def question(name: str, *names: str, channel: tuple[str, str, str] = VOICE) -> Request:
    """Returns the question for these components of yesterday, or for all of them."""
    (request,) = [
        each
        for each in report(name).plan(ONE, SCOPE, {CHANNEL_INFO: Discovery(TODAY, (channel,))})
        if name != "channel" or each.params["channelId"] == channel[0]
    ]
    return replace(request, items=names or request.items)


def figures(came: Reading | NeedsDiscovery) -> Mapping[tuple[str, tuple[str, ...]], float]:
    """Returns the figures of the one row, without what marks a breakdown as read."""
    assert isinstance(came, Reading)
    (row,) = came.rows
    depths = {m.family: len(m.labels) for each in (OVERVIEW, CHANNEL, INBOX) for m in each.measures}
    short = {column.family: column.family.removeprefix("chatcaptain_") for column in row.figures}
    return {
        (short[column.family], column.label_values): value
        for column, value in row.figures.items()
        if len(column.label_values) == depths[column.family]
    }


# How it is asked


def test_the_platform_is_found_and_keeps_the_rules() -> None:
    """Names, labels and questions are as they have to be; its entry point is in pyproject.toml."""
    assert not complaints(PLATFORM)
    assert not complaints(replace(PLATFORM, reports={name: report(name) for name in PLATFORM.reports}))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry = EntryPoint("chatcaptain", project["entry-points"][ENTRY_POINTS]["chatcaptain"], ENTRY_POINTS)
    assert entry.load() is PLATFORM


@pytest.mark.parametrize("name", PLATFORM.reports)
def test_odd_answers_are_failures_of_ours(name: str) -> None:
    """As of every platform."""
    assert not survived(report(name))


@pytest.mark.parametrize(
    "written",
    [
        "https://api.chatcaptain.com",
        "https://api.chatcaptain.com/",
        "https://api.chatcaptain.com/v1",
        "HTTPS://API.chatcaptain.com/v1/ ",
    ],
)
def test_all_forms_of_a_base_url_mean_one_platform(written: str) -> None:
    """The paths bring `/v1` along."""
    assert PLATFORM.base_url(written) == PLATFORM.default_base_url


def test_the_key_is_no_bearer_token() -> None:
    """It has a header of its own."""
    assert PLATFORM.headers("k") == {"x-chatcaptain-key": "k"}


def test_each_day_is_one_question_the_newest_complete_one_first() -> None:
    """Then today, then the older ones; for all components at once."""
    asked = report("overview").plan(DAYS, SCOPE)

    assert [str(request.days.first) for request in asked] == ["2026-03-02", "2026-03-03", "2026-03-01", "2026-02-28"]
    assert {request.path for request in asked} == {f"{WHERE}/reports/overview"}
    assert asked[0].params == {
        "from": "2026-03-01T23:00:00.000Z",
        "to": "2026-03-02T22:59:59.999Z",
        "interval": "86400",
        "components": EVERYTHING,
    }


def test_a_day_has_the_limits_of_the_zone_of_its_source() -> None:
    """Not of ours; a chatbot may be anywhere."""
    (request,) = report("inbox").plan(ONE, Scope(zone=ZoneInfo("Asia/Kolkata")))

    assert request.params == {"from": "2026-03-01T18:30:00.000Z", "to": "2026-03-02T18:29:59.999Z"}
    assert request.path == f"{WHERE}/inbox"


def test_a_question_has_a_part_for_each_component() -> None:
    """What an operator describes is asked for together: it may be anywhere in the answer."""
    (request,) = report("overview").plan(ONE, SCOPE)
    described = mapped(
        MESSAGE_COUNT={"value": "a"}, CONVERSATION_COUNT_INTERVAL={"series": "b", "time": "t", "value": "n"}
    )
    (other,) = report("overview", described).plan(ONE, SCOPE)

    assert request.items == tuple(request.parts) == tuple(each.name for each in OVERVIEW.components)
    assert [each.params["components"] for each in request.parts.values()] == EVERYTHING.split(",")
    assert other.parts.keys() == {*request.items, "overrides"} - {"MESSAGE_COUNT", "CONVERSATION_COUNT"}
    assert other.parts["overrides"].params["components"] == "2,7"


def test_channels_are_listed_first() -> None:
    """Once a day; what is known of a later day serves the past."""
    (request,) = report("channel").plan(DAYS, SCOPE)

    assert (request.report, request.path, request.discovery) == ("channels", f"{WHERE}/channels", CHANNEL_INFO)
    assert report("channel").plan(DAYS, SCOPE, {CHANNEL_INFO: Discovery(YESTERDAY, (WEB,))}) == (request,)
    assert report("channel").plan(ONE, SCOPE, KNOWN)[0].subject == "w1"


def test_each_channel_is_asked_for_each_day_and_calls_only_where_people_call() -> None:
    """A type may be written in any case."""
    asked = report("channel").plan(Days(YESTERDAY, TODAY), SCOPE, KNOWN)

    assert [(each.days.first, each.subject, each.params["components"]) for each in asked] == [
        (YESTERDAY, "w1", "1,12,9"),
        (YESTERDAY, "v1", "1,12,9,16,19,20,21"),
        (TODAY, "w1", "1,12,9"),
        (TODAY, "v1", "1,12,9,16,19,20,21"),
    ]
    assert {each.params["channelId"] for each in asked} == {"w1", "v1"}
    assert {each.path for each in asked} == {f"{WHERE}/reports/channel"}


def test_what_is_supposed_for_forecasts_is_enough_to_ask() -> None:
    """Web channels that answer everything at once; at worst voice channels and each question alone."""
    overview, channel, inbox = (report(name) for name in ("overview", "channel", "inbox"))

    def asks(of: Report, *, at_worst: bool) -> int:
        plan = of.plan(ONE, SCOPE, of.assumed_discoveries(TODAY, 3, at_worst=at_worst))
        return len(plan) + sum(len(request.parts) for request in plan if at_worst)

    assert all(each.asks_by_day and each.has_days for each in (overview, channel, inbox))
    assert [asks(each, at_worst=False) for each in (overview, channel, inbox)] == [1, 3, 1]
    assert [asks(each, at_worst=True) for each in (overview, channel, inbox)] == [12, 24, 1]


# The list of channels


def test_the_list_of_channels_says_which_are_wanted() -> None:
    """And which there are, so that a selection that matches nothing shows; types are served as they are."""
    (request,) = report("channel").plan(DAYS, SCOPE)
    answer = {
        "channels": [
            {"channelId": "w1", "channelName": "Website", "channelType": "INSTAGRAM"},
            {"channelId": "d1", "channelName": "debug", "channelType": ""},
            {"channelId": 7, "channelName": "Website"},
            {"channelName": "nobody"},
            "x",
        ]
    }

    came = decode(report("channel"), request, answer)

    assert came == NeedsDiscovery(
        {
            CHANNEL_INFO: Discovery(TODAY, (("w1", "Website", "INSTAGRAM"), ("7", "Website", ""))),
            "channels": Discovery(TODAY, (("w1", "Website"), ("d1", "debug"), ("7", "Website"))),
        }
    )


def test_no_channel_is_a_list_too() -> None:
    """Then nothing is asked."""
    (request,) = report("channel").plan(DAYS, SCOPE)
    came = decode(report("channel"), request, {"channels": []})

    assert isinstance(came, NeedsDiscovery)
    assert report("channel").plan(DAYS, SCOPE, came.discoveries) == ()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param({"channels": None}, SchemaError, id="null"),
        pytest.param({}, SchemaError, id="missing"),
        pytest.param([], SchemaError, id="list"),
        pytest.param({"channels": [{"id": "x"}]}, SchemaError, id="without-ids"),
        pytest.param({"channels": [], "error": "down"}, PlatformError, id="error"),
    ],
)
def test_a_list_of_channels_in_another_shape_is_a_failure(answer: object, error: type[ReportError]) -> None:
    """It is documented."""
    (request,) = report("channel").plan(DAYS, SCOPE)
    with pytest.raises(error):
        decode(report("channel"), request, answer)


# The same truth in each shape

FIELDS = ("data", "value", "error", "items", "count", "total", "hits", "values", "result", "report")
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8).filter(
    lambda text: not text.isdecimal() and text.strip() and text.casefold() not in FIELDS
)
COUNTS = st.integers(0, 10**6)
Truth = Mapping[str, object]


def truths(components: tuple[Asked, ...]) -> st.SearchStrategy[Truth]:
    """Returns what may be true of a day, by the component's name."""
    kinds: Mapping[Shape, st.SearchStrategy[object]] = {
        Shape.COUNT: COUNTS,
        Shape.TOTAL: st.floats(0, 10**6, allow_nan=False),
        Shape.MEDIAN: st.none() | st.floats(0, 1000, allow_nan=False),
        Shape.BREAKDOWN: st.dictionaries(NAMES, COUNTS, max_size=4),
    }
    return st.fixed_dictionaries({each.name: kinds[each.figure] for each in components})


def camel(name: str) -> str:
    first, *rest = name.removesuffix("_FOR_CHANNEL_ID").lower().split("_")
    return first + "".join(map(str.capitalize, rest))


def as_list(value: object) -> object:
    """Returns a breakdown as a list of objects."""
    return [{"label": name, "n": n, "share": 0.5} for name, n in value.items()] if isinstance(value, dict) else value


def number_of(name: str) -> int:
    return next(each.number for each in (*OVERVIEW.components, *CHANNEL.components) if each.name == name)


def nested(value: object) -> object:
    return {"data": as_list(value)} if isinstance(value, dict) else {"value": value}


SHAPES: Mapping[str, Callable[[Truth], object]] = {
    "by-name": dict,
    "by-id": lambda truth: {str(number_of(name)): value for name, value in truth.items()},
    "camel-case-in-data": lambda truth: {
        "data": {camel(name): as_list(value) for name, value in truth.items()},
        "error": None,
    },
    "by-id-nested": lambda truth: {"data": {str(number_of(name)): nested(value) for name, value in truth.items()}},
    "list-by-name": lambda truth: [{"component": name, "result": as_list(value)} for name, value in truth.items()],
    "list-by-id": lambda truth: {
        "report": {"components": [{"id": number_of(name), "value": value} for name, value in truth.items()]}
    },
}
SINGLES: Mapping[str, Callable[[str, object], object]] = {
    "bare": lambda _name, value: {"data": value},
    "named": lambda name, value: {"result": {name: value}},
    "wrapped": lambda _name, value: {"data": {"value": as_list(value)}, "error": ""},
}


def expected(truth: Truth, components: tuple[Asked, ...], *before: str) -> Mapping[tuple[str, tuple[str, ...]], float]:
    """Returns the figures that a truth makes."""
    found: dict[tuple[str, tuple[str, ...]], float] = {}
    for each in components:
        family, value = each.measure.family.removeprefix("chatcaptain_"), truth[each.name]
        if isinstance(value, dict):
            found.update({(family, (*before, name)): float(n) for name, n in value.items()})
        elif isinstance(value, int | float):
            found[family, before] = float(value)
    return found


@pytest.mark.parametrize("shape", SHAPES)
@given(st.data())
def test_an_overview_means_the_same_in_each_shape(shape: str, data: st.DataObject) -> None:
    """All at once: the figures are those of the truth, nothing more."""
    truth = data.draw(truths(OVERVIEW.components))

    came = decode(report("overview"), question("overview"), SHAPES[shape](truth))

    assert figures(came) == expected(truth, OVERVIEW.components)


@pytest.mark.parametrize("shape", SHAPES)
@given(st.data())
def test_a_channel_means_the_same_in_each_shape(shape: str, data: st.DataObject) -> None:
    """Under its id."""
    truth = data.draw(truths(CHANNEL.components))

    came = decode(report("channel"), question("channel"), SHAPES[shape](truth))

    assert figures(came) == expected(truth, CHANNEL.components, "v1")


@pytest.mark.parametrize("shape", SINGLES)
@given(st.data())
def test_one_by_one_means_the_same(shape: str, data: st.DataObject) -> None:
    """Each answer is about one component, so no key has to be known."""
    truth = data.draw(truths(OVERVIEW.components))
    together: dict[tuple[str, tuple[str, ...]], float] = {}
    for each in OVERVIEW.components:
        answer = SINGLES[shape](each.name, truth[each.name])
        together.update(figures(decode(report("overview"), question("overview", each.name), answer)))

    assert together == expected(truth, OVERVIEW.components)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("data", "value", "1", "CONVERSATION_COUNT", "languages", "time", "2026-03-02T23:00:00Z", "channels")
            )
            | st.sampled_from(("conversationAcceptedCount", "channelId", "error", "id", "name", "3", "0001-01-01"))
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
MAPPED = mapped(
    MESSAGE_COUNT={"value": "data.value"},
    CONVERSATION_COUNT_INTERVAL={"series": "data", "time": "time", "value": "value"},
    CONVERSATION_LANGUAGES={"items": "data", "label": "name", "value": "value"},
)


@given(JSON, st.sampled_from(("overview", "channel", "inbox", "alone", "mapped", "channels")))
def test_no_answer_whatsoever_is_a_slip_of_ours(answer: object, what: str) -> None:
    """It is read, or is a discovery, or fails with one of our errors."""
    name = "channel" if what == "channels" else "overview" if what in ("alone", "mapped") else what
    of = report(name, MAPPED if what == "mapped" else None)
    request = of.plan(ONE, SCOPE, KNOWN if what != "channels" else {})[0]
    if what == "alone":
        request = question("overview", "CONVERSATION_LANGUAGES")
    try:
        came = decode(of, request, answer)
    except ReportError:
        return
    assert isinstance(came, Reading | NeedsDiscovery)


# What else an answer may be


def test_a_day_that_was_answered_has_a_row_even_if_all_is_zero() -> None:
    """Under the chatbot's id, and the company's name; what a breakdown lacks counts 0 because it was read."""
    truth: Truth = {each.name: {} if each.figure is Shape.BREAKDOWN else 0 for each in OVERVIEW.components}

    came = decode(report("overview"), question("overview"), truth)

    assert isinstance(came, Reading)
    (row,) = came.rows
    assert (row.part, row.day, row.company_id, came.names) == ("all", YESTERDAY, "b/1", {"b/1": "ACME"})
    assert row.figures[Column("chatcaptain_conversations")] == 0.0
    assert row.figures[Column("chatcaptain_conversations_by_language")] == 1.0
    assert all(
        m.needs_read_marker
        for each in (OVERVIEW, CHANNEL)
        for m in each.measures
        if m.labels and m.kind is not Kind.INFO
    )


@pytest.mark.parametrize(
    ("languages", "marker"),
    [
        pytest.param({"de": 5, "en": 1}, READ_COMPLETELY, id="all"),
        pytest.param([{"language": "de", "count": 5}, {"language": None, "count": 1}], READ_IN_PART, id="no-name"),
        pytest.param([{"language": "de", "count": 5}, {"language": "en", "count": -1}], None, id="negative"),
        pytest.param({"de": 5, "en": None}, None, id="null"),
    ],
)
def test_a_breakdown_is_marked_by_how_much_of_it_was_read(languages: object, marker: float | None) -> None:
    """So that a language that could not be read is not taken for one without conversations."""
    truth: Truth = {each.name: {} if each.figure is Shape.BREAKDOWN else 1 for each in OVERVIEW.components}

    came = decode(report("overview"), question("overview"), {**truth, "CONVERSATION_LANGUAGES": languages})

    assert isinstance(came, Reading)
    family = "chatcaptain_conversations_by_language"
    (row,) = came.rows
    assert row.figures[Column(family, ("de",))] == 5.0
    assert row.figures.get(Column(family)) == marker


def test_what_has_no_value_is_no_fault_of_a_day_on_which_nothing_happened() -> None:
    """Nothing was counted: then counts are 0, breakdowns have nothing in them, and there is no median."""
    nothing: Truth = {"CONVERSATION_COUNT": 0, "MESSAGE_COUNT": None, "INTENT_HITS": None, "STEP_EXEC_COUNT": []}

    came = decode(report("overview"), question("overview"), nothing)

    assert isinstance(came, Reading)
    assert (came.unread, came.drift) == ((), {})
    assert set(figures(came).values()) == {0.0}
    assert {name for name, _ in figures(came)} == {"conversations", "messages", "interactions", "steps", "intents"}
    (row,) = came.rows
    assert row.figures[Column("chatcaptain_intent_hits")] == 1.0


def test_what_has_no_value_on_another_day_was_not_read() -> None:
    """A count, a breakdown, or what is left out; null is no median of any day."""
    truth: Truth = {each.name: {} if each.figure is Shape.BREAKDOWN else 1 for each in OVERVIEW.components}
    without = {name: value for name, value in truth.items() if name != "INTENT_SCORE_MEDIAN"}
    odd = {**without, "MESSAGE_COUNT": None, "INTENT_HITS": None, "MESSAGE_LENGTH_MEDIAN": None, "STEP_EXEC_COUNT": "x"}

    came = decode(report("overview"), question("overview"), odd)

    assert isinstance(came, Reading)
    assert {each.name: each.is_absent for each in came.unread} == {
        "MESSAGE_COUNT": True,
        "INTENT_HITS": True,
        "INTENT_SCORE_MEDIAN": True,
        "STEP_EXEC_COUNT": False,
    }
    (row,) = came.rows
    assert {each.family for each in came.unread} & {column.family for column in row.figures} == set()


def test_what_an_answer_calls_otherwise_is_not_left_out() -> None:
    """Of an answer with other keys nothing is known; of an empty one, that nothing is there."""
    other = decode(report("overview"), question("overview"), {"data": {"foo": 1}})
    empty = decode(report("overview"), question("overview"), {"data": {}})

    assert isinstance(other, Reading)
    assert isinstance(empty, Reading)
    assert (other.rows, {each.is_absent for each in other.unread}) == ((), {False})
    assert (empty.rows, {each.is_absent for each in empty.unread}) == ((), {True})


def test_names_that_are_equal_are_added_up() -> None:
    """In a list they may stand twice."""
    hits = [{"name": "Hello", "hits": 2}, {"name": "Hello", "hits": 3}]

    came = decode(report("overview"), question("overview", "INTENT_HITS"), hits)

    assert figures(came) == {("intent_hits", ("Hello",)): 5.0}


def test_negative_numbers_are_withheld_and_counted() -> None:
    """As of every platform."""
    came = decode(report("overview"), question("overview", "MESSAGE_COUNT"), {"value": -5})

    assert isinstance(came, Reading)
    assert (figures(came), came.violations) == ({}, {"negative": 1})


def test_a_day_after_today_is_counted_and_left_out() -> None:
    """A clock is wrong."""
    before = Context("support", date(2026, 3, 1), BERLIN)
    came = report("overview").decode(b"5", question("overview", "MESSAGE_COUNT"), before)

    assert isinstance(came, Reading)
    assert (came.rows, came.violations) == ((), {"future_date": 1})


def test_what_a_single_answer_does_not_yield_is_told_without_its_data() -> None:
    """One line that names source, report, component, keys and remedy; keys that may be names are counted."""
    answer = {"data": {"Refund for Mr. X": {"2024": "x"}, "total": 17}, "Peter": 4711}

    came = decode(report("overview"), question("overview", "INTENT_HITS"), answer)

    assert isinstance(came, Reading)
    assert came.rows == ()
    ((message, outline, name, family, is_absent),) = came.unread
    assert (name, family, is_absent) == ("INTENT_HITS", "chatcaptain_intent_hits", False)
    assert message == (
        "support/overview: INTENT_HITS cannot be read: expected a breakdown, got an object whose values "
        "are not all whole numbers. The answer has the keys data, … 1 not shown (possibly names). Remedy: set "
        "sources.support.overrides.overview.components.INTENT_HITS "
        '(see docs/development/platform-apis.md, "ChatCaptain")'
    )
    assert outline == "{data: {total: integer, … 1 name: {… 1 name: string}}, … 1 name: integer}"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b'{"error": "no such bot", "data": null}', PlatformError, id="error"),
        pytest.param(b'{"data": null}', SchemaError, id="data-null"),
        pytest.param(b"null", SchemaError, id="null"),
        pytest.param(b'"text"', SchemaError, id="text"),
        pytest.param(b"<html>", NotJsonError, id="html"),
    ],
)
@pytest.mark.parametrize("name", ["overview", "channel", "inbox"])
def test_an_answer_that_is_a_failure_is_none_with_zeros(name: str, body: bytes, error: type[ReportError]) -> None:
    """Nor does it lead to further requests."""
    with pytest.raises(error):
        report(name).decode(body, question(name), CONTEXT)


def test_a_component_alone_may_be_null() -> None:
    """Of a day without conversations there is none, and nothing else was asked for; an error is one all the same."""
    request = question("overview", "MESSAGE_LENGTH_MEDIAN")

    came = decode(report("overview"), request, {"data": None})

    assert isinstance(came, Reading)
    assert (figures(came), came.drift) == ({}, {})
    assert not came.unread
    with pytest.raises(PlatformError):
        decode(report("overview"), request, {"data": None, "error": "down"})
    count = decode(report("overview"), question("overview", "MESSAGE_COUNT"), {"data": None})
    assert isinstance(count, Reading)
    assert [each.is_absent for each in count.unread] == [True]


def test_buckets_of_another_zone_are_refused_with_the_zone() -> None:
    """A series that is cut at UTC holds hours of other days."""
    came = decode(report("overview"), question("overview", "MESSAGE_COUNT"), [{"ts": "2026-03-02T00:00:00Z", "n": 5}])

    assert isinstance(came, Reading)
    assert "no bucket starts with the asked day in Europe/Berlin" in came.unread[0].message


# The operator's last word


def test_an_operators_expressions_go_before_what_is_recognised() -> None:
    """A value, a list, a series in place of its component; the others are found as ever."""
    of = report(
        "overview",
        mapped(
            MESSAGE_COUNT={"value": "data.conversations.total"},
            CONVERSATION_LANGUAGES={"items": "data.languages", "label": "lang", "value": "n"},
            CONVERSATION_COUNT_INTERVAL={"series": "data.perDay", "time": "ts", "value": "n"},
        ),
    )
    (request,) = of.plan(ONE, SCOPE)
    assert request.params["components"] == "2,7,14,0,13,3,4,11,6,10,12"
    answer = {
        "MESSAGE_COUNT": 1,
        "data": {
            "conversations": {"total": 5},
            "languages": [{"lang": "de", "n": 3}, {"lang": 5, "n": 2}, {"n": 1}],
            "perDay": [{"ts": "2026-03-01T23:00:00Z", "n": 4}],
        },
        **{
            each.name: {} if each.figure is Shape.BREAKDOWN else 0
            for each in OVERVIEW.components
            if each.name not in ("MESSAGE_COUNT", "CONVERSATION_COUNT", "CONVERSATION_LANGUAGES")
        },
    }

    found = figures(came := decode(of, request, answer))

    assert found["messages", ()] == 5.0
    assert found["conversations", ()] == 4.0
    assert {key: n for key, n in found.items() if key[1]} == {
        ("conversations_by_language", ("de",)): 3.0,
        ("conversations_by_language", ("5",)): 2.0,
    }
    assert isinstance(came, Reading)
    assert came.drift == {"missing": {"CONVERSATION_LANGUAGES[]"}}


FRUITLESS = {
    "value": ({"MESSAGE_COUNT": {"value": "nowhere"}}, 'value ("nowhere") finds nothing'),
    "value-text": ({"MESSAGE_COUNT": {"value": "text"}}, "expected a number, got string"),
    "items": (
        {"INTENT_HITS": {"items": "nowhere", "label": "a", "value": "n"}},
        'items ("nowhere") finds nothing',
    ),
    "items-text": (
        {"INTENT_HITS": {"items": "text", "label": "a", "value": "n"}},
        'items ("text") finds string instead of a list',
    ),
    "label": ({"INTENT_HITS": {"items": "list", "label": "no", "value": "n"}}, 'label ("no") finds no name'),
    "item-value": ({"INTENT_HITS": {"items": "list", "label": "a", "value": "no"}}, 'value ("no") finds nothing'),
    "series": (
        {"MESSAGE_COUNT_INTERVAL": {"series": "nowhere", "time": "t", "value": "n"}},
        'series ("nowhere") finds nothing',
    ),
    "time": (
        {"MESSAGE_COUNT_INTERVAL": {"series": "list", "time": "no", "value": "n"}},
        'time ("no") finds nothing',
    ),
    "time-of-another-zone": (
        {"MESSAGE_COUNT": {"series": "list", "time": "t", "value": "n"}},
        "no bucket starts with the asked day in Europe/Berlin; check the source's timezone",
    ),
}


@pytest.mark.parametrize(("components", "why"), FRUITLESS.values(), ids=FRUITLESS)
def test_an_expression_that_finds_nothing_is_named_and_the_others_are_served(
    components: Mapping[str, Mapping[str, str]], why: str
) -> None:
    """It is not asked for alone: the operator has the last word."""
    of = report("overview", mapped(**components))
    (request,) = of.plan(ONE, SCOPE)
    truth: Truth = {each.name: {} if each.figure is Shape.BREAKDOWN else 1 for each in OVERVIEW.components}
    answer = {**truth, "text": "x", "list": [{"a": "x", "n": 1, "t": "2026-03-02T00:00:00Z"}]}

    came = decode(of, request, answer)

    assert isinstance(came, Reading)
    ((message, *_),) = came.unread
    assert f"{next(iter(components))} cannot be read: {why}. " in message
    assert f"overrides.overview.components.{next(iter(components))} " in message
    assert figures(came)["conversations", ()] == 1.0


def test_nothing_is_no_failure_where_it_may_be_nothing() -> None:
    """Of a day on which nothing happened a series is empty, a list too, and a median is null, which is counted."""
    of = report(
        "overview",
        mapped(
            CONVERSATION_COUNT_INTERVAL={"series": "list", "time": "t", "value": "n"},
            INTENT_HITS={"items": "list", "label": "a", "value": "n"},
            MESSAGE_LENGTH_MEDIAN={"value": "nowhere"},
        ),
    )
    asked = "CONVERSATION_COUNT", "INTENT_HITS", "MESSAGE_LENGTH_MEDIAN"
    request = replace(of.plan(ONE, SCOPE)[0], items=asked)

    came = decode(of, request, {"list": []})

    assert isinstance(came, Reading)
    assert figures(came) == {("conversations", ()): 0.0}
    assert not came.unread
    assert came.drift == {"missing": {"MESSAGE_LENGTH_MEDIAN"}}


X: Mapping[str, str] = {"value": "x"}
SERIES: Mapping[str, str] = {"series": "x", "time": "t", "value": "x"}
REFUSED: Mapping[str, tuple[str, Mapping[str, Mapping[str, str]], str]] = {
    "unknown": (
        "overview",
        {"CONVERSATION_COUN": X},
        'no component CONVERSATION_COUN; did you mean "CONVERSATION_COUNT"?',
    ),
    "lower-case": ("overview", {"intent_hits": X}, 'did you mean "INTENT_HITS"?'),
    "other-report": ("channel", {"CONVERSATION_COUNT": X}, 'did you mean "CONVERSATION_COUNT_FOR_CHANNEL_ID"?'),
    "transfer-target": ("channel", {"CALL_TRANSFER_TARGET": X}, "has no component CALL_TRANSFER_TARGET"),
    "both": ("overview", {"MESSAGE_COUNT": X, "MESSAGE_COUNT_INTERVAL": SERIES}, "keep one of the two"),
    "interval-as-value": ("overview", {"MESSAGE_COUNT_INTERVAL": X}, "is a series; set series, time and value"),
    "breakdown-as-value": ("overview", {"INTENT_HITS": X}, "is a breakdown; set items, label and value"),
    "count-as-items": (
        "overview",
        {"MESSAGE_COUNT": {"items": "x", "label": "l", "value": "x"}},
        "is not a breakdown",
    ),
    "median-as-series": ("overview", {"INTENT_SCORE_MEDIAN": SERIES}, "set only value"),
    "inbox": ("inbox", {"MESSAGE_COUNT": X}, "only path can be set"),
}


@pytest.mark.parametrize(("name", "components", "words"), REFUSED.values(), ids=REFUSED)
def test_expressions_that_fit_no_component_are_refused(
    name: str, components: Mapping[str, Mapping[str, str]], words: str
) -> None:
    """When the configuration is loaded."""
    with pytest.raises(ConfigError, match=words.replace("?", r"\?")):
        report(name, mapped(**components))


@pytest.mark.parametrize("name", PLATFORM.reports)
def test_a_report_may_be_elsewhere_and_has_no_fields(name: str) -> None:
    """The path is taken as it is; the list of channels stays where it is."""
    of = report(name, Override(path="/v2/elsewhere"))
    nothing = expression("x")

    assert {each.path for each in of.plan(ONE, SCOPE, KNOWN)} == {"/v2/elsewhere"}
    with pytest.raises(ConfigError, match="has no fields"):
        report(name, Override(fields=Fields(entries=nothing, value=nothing)))


def test_without_a_company_the_source_names_it() -> None:
    """The id is the chatbot's."""
    (request,) = PLATFORM.configured("inbox", None, Account("support", {"chatbot_id": "b1"})).plan(ONE, SCOPE)
    of = PLATFORM.configured("inbox", None, Account("support", {"chatbot_id": "b1", "company": None}))

    came = decode(of, request, {"data": {"transferredToAgentCount": 1}})

    assert isinstance(came, Reading)
    assert came.names == {"b1": "support"}
    assert PLATFORM.configured("channel", None, Account("support", {"chatbot_id": "b1"})).name == "channel"


# The inbox

SAMPLE: Mapping[str, object] = {
    "transferredToAgentCount": 20,
    "conversationAcceptedCount": 17,
    "conversationNotAcceptedCount": 3,
    "averageJoinTimeSeconds": 42.5,
    "agentPerformance": [
        {"operatorId": "op_1", "operatorName": "A. Example", "acceptedCount": 9, "avgJoinTimeSeconds": 38.0}
    ],
}


def inbox(**changes: object) -> Reading:
    came = decode(report("inbox"), question("inbox"), {"data": {**SAMPLE, **changes}})
    assert isinstance(came, Reading)
    return came


def test_the_inbox_is_read_without_its_operators() -> None:
    """Neither name nor id is anywhere."""
    came = inbox()

    assert figures(came) == {
        ("inbox_transfers", ()): 20.0,
        ("inbox_accepted", ()): 17.0,
        ("inbox_not_accepted", ()): 3.0,
        ("inbox_join_time_average_seconds", ()): 42.5,
    }
    assert (came.drift, came.violations, came.outside_range) == ({}, {}, 0)
    assert "op_1" not in repr(came)
    assert "Example" not in repr(came)


def test_nobody_who_joined_took_no_time() -> None:
    """Of nobody there is no mean, whether the platform says 0 or null."""
    for time in (0, None):
        came = inbox(conversationAcceptedCount=0, averageJoinTimeSeconds=time)
        assert ("inbox_join_time_average_seconds", ()) not in figures(came)
        assert not came.drift


def test_the_counts_of_the_inbox_are_served_as_they_are() -> None:
    """More accepted than transferred breaks no rule: their definitions are unknown."""
    came = inbox(conversationAcceptedCount=100)

    assert (figures(came)["inbox_accepted", ()], came.violations) == (100.0, {})


def test_what_is_odd_in_the_inbox_is_noted() -> None:
    """The other figures count."""
    came = inbox(conversationAcceptedCount="17", averageJoinTimeSeconds=None, agentPerformance=None, waiting=5)

    assert len(figures(came)) == 2
    assert came.drift == {
        "retyped": {"data.conversationAcceptedCount"},
        "missing": {"data.averageJoinTimeSeconds", "data.agentPerformance"},
        "unknown": {"data.waiting"},
    }
    assert inbox(agentPerformance={}).drift == {"retyped": {"data.agentPerformance"}}


@pytest.mark.parametrize("answer", [{}, {"data": []}, [], {"data": {}}, {"data": {"other": 5}}], ids=repr)
def test_an_inbox_in_another_shape_is_a_failure(answer: object) -> None:
    """It is documented."""
    with pytest.raises(SchemaError):
        decode(report("inbox"), question("inbox"), answer)
