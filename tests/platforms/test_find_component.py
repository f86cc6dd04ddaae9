"""Where a component stands in an answer to several, and what an answer that is a failure says."""

import pytest

from exporter.domain.errors import PlatformError, SchemaError
from exporter.platforms.chatcaptain.find_component import NoComponentError, ReportComponent, find
from exporter.platforms.chatcaptain.platform import CHANNEL, OVERVIEW
from exporter.platforms.chatcaptain.read_component import UnreadableError
from exporter.platforms.chatcaptain.statistics_report import envelope

COUNT, MESSAGES = OVERVIEW.components[:2]
LANGUAGES = next(each for each in OVERVIEW.components if each.name == "CONVERSATION_LANGUAGES")
OF_CHANNEL = CHANNEL.components[0]
ASKED = (1, 7, 3)

PLACES = {
    "name": ({"CONVERSATION_COUNT": 5, "MESSAGE_COUNT": 6}, COUNT),
    "id": ({"1": 5, "7": 6}, COUNT),
    "camel-case": ({"conversationCount": 5}, COUNT),
    "other-spelling": ({"conversation-count": 5}, COUNT),
    "in-data": ({"data": {"CONVERSATION_COUNT": 5}}, COUNT),
    "in-report": ({"report": {"1": 5}}, COUNT),
    "in-components": ({"components": {"conversationCount": 5}, "from": "x"}, COUNT),
    "in-result-of-data": ({"data": {"result": {"1": 5}}}, COUNT),
    "without-suffix": ({"CONVERSATION_COUNT": 5}, OF_CHANNEL),
    "with-suffix": ({"CONVERSATION_COUNT_FOR_CHANNEL_ID": 5}, OF_CHANNEL),
    "camel-case-with-suffix": ({"conversationCountForChannelId": 5}, OF_CHANNEL),
    "name-before-id": ({"CONVERSATION_COUNT": 5, "1": 6}, COUNT),
}


@pytest.mark.parametrize(("answer", "component"), PLACES.values(), ids=PLACES)
def test_a_component_is_found_under_its_name_or_id(answer: object, component: ReportComponent) -> None:
    """In any spelling, below any wrapper."""
    assert find(answer, component, ASKED) == 5


LISTS = {
    "name": (
        [{"component": "CONVERSATION_COUNT", "value": 5}, {"component": "MESSAGE_COUNT", "value": 6}],
        {"value": 5},
    ),
    "id": ([{"id": 1, "value": 5}, {"id": 7, "value": 1}], {"value": 5}),
    "id-as-text": ({"components": [{"component": "1", "value": 5}, {"component": "7", "value": 1}]}, {"value": 5}),
    "both": ([{"id": 1, "name": "conversationCount", "value": 5}], {"value": 5}),
    "other-things-too": ([3, {"name": "CONVERSATION_COUNT", "value": 5, "of": "x"}], {"value": 5, "of": "x"}),
}


@pytest.mark.parametrize(("answer", "expected"), LISTS.values(), ids=LISTS)
def test_a_component_is_found_in_a_list(answer: object, expected: object) -> None:
    """What tells whose object it is does not count as a figure."""
    assert find(answer, COUNT, ASKED) == expected


NOWHERE = {
    "empty": {},
    "other-names": {"MESSAGE_COUNT": 5},
    "ids-that-count-places": {"0": 5, "1": 6, "2": 7},
    "list-of-places": [{"id": 0, "value": 5}, {"id": 1, "value": 6}],
    "list-without-ids": [{"value": 5}, {"id": True, "value": 5}],
    "two-ids": [{"id": 1, "key": 7, "value": 5}],
    "no-objects": [1, 2],
    "wrapper-of-a-number": {"data": 5},
    "too-deep": {"data": {"data": {"data": {"data": {"data": {"1": 5}}}}}},
}


@pytest.mark.parametrize("answer", NOWHERE.values(), ids=NOWHERE)
def test_what_does_not_say_whose_it_is_is_not_found(answer: object) -> None:
    """Numbers of places in a list are no ids."""
    with pytest.raises(NoComponentError, match="neither its name nor its id is in the answer"):
        find(answer, COUNT, ASKED)


def test_a_component_in_two_places_is_not_clear() -> None:
    """Neither of them is taken."""
    answer = {"CONVERSATION_COUNT": 5, "conversationCount": 6}

    with pytest.raises(UnreadableError, match="it occurs more than once"):
        find(answer, COUNT, ASKED)


def test_a_number_under_an_id_is_no_breakdown() -> None:
    """It may be that of a step that is called so."""
    with pytest.raises(NoComponentError):
        find({"3": 5}, LANGUAGES, (3, 4))
    assert find({"3": 5}, LANGUAGES, (3,)) == {"3": 5}, "an answer about it alone needs no name"
    assert find({"3": {"de": 5}}, LANGUAGES, (3,)) == {"de": 5}


ERRORS = {
    "text": ({"error": "no such bot", "data": None}, "no such bot"),
    "beside-data": ({"error": "stale", "data": {"1": 5}}, "stale"),
    "nest": ({"statusCode": 400, "error": "Bad Request", "message": "from is wrong"}, "Bad Request: from is wrong"),
    "object": ({"error": {"code": "E1", "message": "down"}}, "down"),
    "code": ({"error": {"code": "E1"}}, "E1"),
    "list": ({"error": ["x"]}, "(no text)"),
    "true": ({"error": True}, "(no text)"),
    "several-lines": ({"error": "a\n\tb\x00c\u202e"}, "a b c"),
    "long": ({"error": "x" * 1000}, "x" * 200 + "…"),
}


@pytest.mark.parametrize(("answer", "text"), ERRORS.values(), ids=ERRORS)
def test_an_error_inside_a_200_is_a_failure_with_its_text(answer: object, text: str) -> None:
    """In one printable line, whatever stands beside it."""
    with pytest.raises(PlatformError) as caught:
        envelope(answer)

    assert str(caught.value) == f"the platform answers with an error: {text}"


@pytest.mark.parametrize("error", [None, "", " ", False, [], {}], ids=repr)
def test_an_empty_error_says_nothing(error: object) -> None:
    """It is taken off, so that what is left is the figure."""
    assert envelope({"error": error, "data": 5}) == {"data": 5}


def test_a_number_of_errors_is_a_figure() -> None:
    """Calls may end for a reason that is called so."""
    assert envelope({"error": 5, "hangup": 6}) == {"error": 5, "hangup": 6}


@pytest.mark.parametrize("answer", [{"data": None}, {"data": None, "error": ""}, None, "x", True], ids=repr)
def test_no_data_is_a_failure(answer: object) -> None:
    """Never zeros."""
    with pytest.raises(SchemaError):
        envelope(answer)


def test_both_reports_count_conversations_under_ids_of_their_own() -> None:
    """3 is languages in one report and a trend in the other: numbers stand only in the two tables."""
    assert {each.name: each.number for each in OVERVIEW.components} == {
        "STEP_EXEC_COUNT": 0,
        "CONVERSATION_COUNT": 1,
        "CONVERSATION_LANGUAGES": 3,
        "CONVERSATION_BY_CHANNEL_TYPE": 4,
        "CONVERSATION_MESSAGE_COUNT_MEDIAN": 6,
        "MESSAGE_COUNT": 7,
        "MESSAGE_LENGTH_MEDIAN": 10,
        "INTENT_HITS": 11,
        "INTENT_SCORE_MEDIAN": 12,
        "INTENT_COUNT": 13,
        "INTERACTION_COUNT": 14,
    }
    assert {each.name: (each.number, each.voice) for each in CHANNEL.components} == {
        "CONVERSATION_COUNT_FOR_CHANNEL_ID": (1, False),
        "INTERACTION_COUNT_FOR_CHANNEL_ID": (9, False),
        "MESSAGE_COUNT_FOR_CHANNEL_ID": (12, False),
        "CALL_DURATION_TOTAL": (16, True),
        "CALL_EXIT_STEP": (19, True),
        "CALL_USER_INPUTS_MEDIAN": (20, True),
        "CALL_END_REASON": (21, True),
    }


def test_intervals_have_names_and_ids_of_their_own() -> None:
    """As the documentation's table has them."""
    found = {each.interval_name: each.interval for each in (*OVERVIEW.components, *CHANNEL.components) if each.interval}

    assert found == {
        "CONVERSATION_COUNT_INTERVAL": 2,
        "MESSAGE_COUNT_INTERVAL": 8,
        "INTERACTION_COUNT_INTERVAL": 15,
        "CONVERSATION_COUNT_INTERVAL_FOR_CHANNEL_ID": 2,
        "INTERACTION_COUNT_INTERVAL_FOR_CHANNEL_ID": 10,
        "MESSAGE_COUNT_INTERVAL_FOR_CHANNEL_ID": 13,
    }
