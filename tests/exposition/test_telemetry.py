"""The live metrics: what is counted, from which value on, and how it is written in both formats."""

import platform
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.domain.errors import OUTCOMES, ReportError
from exporter.exposition.telemetry import SECONDS, Telemetry
from exporter.exposition.text import Format
from exporter.http import Observer
from exporter.metrics.report_health import LAST_OUTCOME, REPORT_GAUGES, SETTLE
from tests.pipeline.pipeline import utc

REPORT = {"source": "production", "report": "chat-sessions"}
Parse = Callable[[str], Iterable[Metric]]
FORMATS = pytest.mark.parametrize(
    ("format_", "parse"),
    [
        pytest.param(Format.TEXT, parse_text, id="text"),
        pytest.param(Format.OPENMETRICS, parse_openmetrics, id="openmetrics"),
    ],
)


@pytest.fixture
def telemetry() -> Telemetry:
    """Live metrics that expect one report."""
    telemetry = Telemetry()
    telemetry.expect("production", "chat-sessions")
    return telemetry


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(name, {**REPORT, **labels})


def test_all_outcomes_start_at_zero(telemetry: Telemetry) -> None:
    """The first failure is a rise that `increase()` sees; so are the first request and the first wait."""
    polls = {outcome: value(telemetry, "chat_usage_polls_total", outcome=outcome) for outcome in OUTCOMES}

    assert dict.fromkeys(OUTCOMES, 0.0) == polls
    assert value(telemetry, "chat_usage_api_request_duration_seconds_count") == 0.0
    assert value(telemetry, "chat_usage_api_retry_wait_seconds_total") == 0.0


def test_every_error_of_a_report_has_its_outcome() -> None:
    """An outcome that is not in the list would not start at 0."""
    assert {error.outcome for error in ReportError.__subclasses__()} <= set(OUTCOMES)


def test_polls_are_counted_by_outcome(telemetry: Telemetry) -> None:
    """Each end of a poll is one more of its kind, of its own report."""
    telemetry.expect("production", "tools")
    for outcome in ("ok", "ok", "timeout"):
        telemetry.polled("production", "chat-sessions", outcome)

    assert value(telemetry, "chat_usage_polls_total", outcome="ok") == 2.0
    assert value(telemetry, "chat_usage_polls_total", outcome="timeout") == 1.0
    assert value(telemetry, "chat_usage_polls_total", outcome="ok", report="tools") == 0.0


def test_requests_and_waits_are_counted(telemetry: Telemetry) -> None:
    """By the status of the answer, in buckets up to a minute, with the time spent waiting for another attempt."""
    observer: Observer = telemetry
    for code, seconds in (("200", 0.3), ("200", 0.1), ("error", 61.0)):
        observer.request("production", "chat-sessions", code, seconds)
    for seconds in (1.5, 2.5):
        observer.waited("production", "chat-sessions", seconds)

    took = {
        bound: value(telemetry, "chat_usage_api_request_duration_seconds_bucket", le=bound)
        for bound in ("0.1", "0.25", "0.5", "60.0", "+Inf")
    }
    assert value(telemetry, "chat_usage_api_requests_total", code="200") == 2.0
    assert value(telemetry, "chat_usage_api_requests_total", code="error") == 1.0
    assert took == {"0.1": 1.0, "0.25": 1.0, "0.5": 2.0, "60.0": 2.0, "+Inf": 3.0}
    assert value(telemetry, "chat_usage_api_retry_wait_seconds_total") == 4.0
    assert sorted(SECONDS) == list(SECONDS)


def test_the_build_says_who_runs_on_what(telemetry: Telemetry) -> None:
    """One series of 1, for joins."""
    labels = {"version": __version__, "python_version": platform.python_version()}

    assert telemetry.registry.get_sample_value("chat_usage_exporter_build_info", labels) == 1.0


@FORMATS
def test_both_formats_say_the_same(telemetry: Telemetry, format_: Format, parse: Parse) -> None:
    """Read back, each holds every sample of the registry but the moments of creation."""
    telemetry.request("production", "chat-sessions", "200", 0.3)

    written = families(parse(telemetry.tail(format_).decode()))

    held = families(telemetry.served())
    assert sorted(held) == sorted(written)
    assert all(stable(held[name]) == stable(written[name]) for name in held)


def families(found: Iterable[Metric]) -> Mapping[str, Metric]:
    return {family.name: family for family in found}


def stable(family: Metric) -> tuple[str, str, set[tuple[str, tuple[tuple[str, str], ...]]]]:
    """Returns what does not change between two looks at a process: type, help, names and labels."""
    samples = {(each.name, tuple(sorted(each.labels.items()))) for each in family.samples}
    return family.type, family.documentation, {sample for sample in samples if not sample[0].endswith("_created")}


@FORMATS
def test_no_moment_of_creation_is_written(telemetry: Telemetry, format_: Format, parse: Parse) -> None:
    """In the text format each would be one more family, and a counter's value says all that is needed."""
    tail = telemetry.tail(format_).decode()

    assert "_created" not in tail
    assert not any(sample.name.endswith("_created") for family in parse(tail) for sample in family.samples)


def test_only_openmetrics_ends_the_page(telemetry: Telemetry) -> None:
    """Its parsers demand the mark, the text format knows none."""
    assert telemetry.tail(Format.OPENMETRICS).endswith(b"\n# EOF\n")
    assert b"# EOF" not in telemetry.tail(Format.TEXT)


def test_no_family_is_live_and_rendered(telemetry: Telemetry) -> None:
    """A family on the page twice would make it invalid."""
    rendered = {*REPORT_GAUGES, LAST_OUTCOME.name, SETTLE.name}
    live = {sample.name for family in telemetry.served() for sample in family.samples}

    assert not rendered & live


def test_two_of_them_do_not_meet() -> None:
    """One per process by intent, not by a global registry: tests and plugins may have their own."""
    one, other = Telemetry(), Telemetry()
    one.expect("production", "chat-sessions")
    one.polled("production", "chat-sessions", "ok")

    assert value(one, "chat_usage_polls_total", outcome="ok") == 1.0
    assert value(other, "chat_usage_polls_total", outcome="ok") is None


CHANGES: Mapping[str, Callable[[Telemetry], None]] = {
    "a source is expected": lambda it: it.expect("other", "tools"),
    "a poll ends": lambda it: it.polled("production", "chat-sessions", "ok"),
    "a request ends": lambda it: it.request("production", "chat-sessions", "200", 0.1),
    "a wait ends": lambda it: it.waited("production", "chat-sessions", 1.5),
    "clocks are compared": lambda it: it.dated("production", 2.0),
    "a key expires": lambda it: it.key_expires("production", utc(2027, 3, 1)),
    "a report goes": lambda it: it.forget("production", "chat-sessions"),
    "a source goes": lambda it: it.forget("production"),
    "a configuration is taken": lambda it: it.config_taken(7, utc(2026, 3, 1)),
    "a configuration is refused": lambda it: it.config_refused(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@FORMATS
def test_each_change_shows_at_the_next_scrape(
    telemetry: Telemetry, format_: Format, parse: Parse, change: Callable[[Telemetry], None]
) -> None:
    """What stays between two polls is written once, and anew as soon as it is something else."""
    telemetry.config_taken(1, utc(2026, 2, 1))
    telemetry.dated("production", 1.0)
    telemetry.key_expires("production", utc(2027, 2, 1))
    before = samples(telemetry.tail(format_), parse)
    change(telemetry)

    shown = samples(telemetry.tail(format_), parse)

    assert before != shown
    assert shown == {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in telemetry.served()
        for sample in family.samples
        if sample.name.startswith("chat_usage")
    }


def samples(text: bytes, parse: Parse) -> set[tuple[object, ...]]:
    """Returns the samples of our own families, those that hang on nothing but what was counted."""
    return {
        (sample.name, *sorted(sample.labels.items()), sample.value)
        for family in parse(text.decode())
        for sample in family.samples
        if sample.name.startswith("chat_usage")
    }


class SlowScrape(Collector):
    """Comes last in a scrape; during the first one the worker thread notes a write of the state file."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._notes = iter([partial(telemetry.state.note, True, utc(2026, 3, 1))])

    def collect(self) -> Iterable[Metric]:
        for note in self._notes:
            note()
        return ()


@FORMATS
def test_a_change_during_a_scrape_shows_at_the_next_one(telemetry: Telemetry, format_: Format, parse: Parse) -> None:
    """Whatever was read before the change is not kept after it."""
    telemetry.registry.register(SlowScrape(telemetry))
    during = samples(telemetry.tail(format_), parse)

    after = samples(telemetry.tail(format_), parse)

    name = "chat_usage_state_last_write_successful"
    assert (name, 1.0) not in during
    assert (name, 1.0) in after
