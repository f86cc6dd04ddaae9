"""The live metrics about keys, clocks and the configuration, and how a source leaves them."""

import math
from collections.abc import Mapping

from exporter.exposition.telemetry import Telemetry
from tests.pipeline.pipeline import utc

MARCH = utc(2027, 3, 1)


def samples(telemetry: Telemetry, **labels: str) -> set[str]:
    """Returns the names of the samples that have these labels."""
    return {
        sample.name
        for family in telemetry.served()
        for sample in family.samples
        if labels.items() <= sample.labels.items()
    }


def value(telemetry: Telemetry, name: str, labels: Mapping[str, str] | None = None) -> float:
    found = telemetry.registry.get_sample_value(name, dict(labels or {}))
    return math.nan if found is None else found


def seen(*reports: tuple[str, str]) -> Telemetry:
    """Makes telemetry in which each (source, report) has every series that it may have."""
    telemetry = Telemetry()
    for source, report in reports:
        telemetry.expect(source, report)
        telemetry.key_expires(source, MARCH)
        telemetry.request(source, report, "200", 0.1)
        telemetry.dated(source, -2.0)
        telemetry.paused(source, MARCH)
    return telemetry


def test_nothing_is_told_before_it_is_known() -> None:
    """Neither of a key whose end nobody configured nor of a clock that nobody has seen."""
    telemetry = Telemetry()
    telemetry.expect("a", "r")
    telemetry.key_expires("a", None)

    assert not {name for name in samples(telemetry, source="a") if "expiry" in name or "skew" in name}


def test_the_newest_is_told() -> None:
    """Of two answers the later one's date; of two configurations the later one's expiry, which may be none."""
    telemetry = seen(("a", "r"))
    telemetry.dated("a", 5.0)
    assert value(telemetry, "chat_usage_api_clock_skew_seconds", {"source": "a"}) == 5
    assert value(telemetry, "chat_usage_api_key_expiry_timestamp_seconds", {"source": "a"}) == MARCH.timestamp()

    telemetry.key_expires("a", None)
    assert "chat_usage_api_key_expiry_timestamp_seconds" not in samples(telemetry, source="a")


def test_a_forgotten_source_has_no_series_and_others_keep_theirs() -> None:
    telemetry = seen(("a", "r"), ("b", "r"))
    before = samples(telemetry, source="b")
    telemetry.forget("a")

    assert samples(telemetry, source="a") == set()
    assert samples(telemetry, source="b") == before


def test_a_forgotten_report_takes_nothing_of_its_source_along() -> None:
    telemetry = seen(("a", "r"), ("a", "s"))
    telemetry.forget("a", "r")

    assert samples(telemetry, source="a", report="r") == set()
    assert "chat_usage_polls_total" in samples(telemetry, source="a", report="s")
    assert "chat_usage_api_clock_skew_seconds" in samples(telemetry, source="a")


def test_a_refused_configuration_leaves_the_number_and_the_moment_of_the_one_in_effect() -> None:
    telemetry = Telemetry()
    telemetry.config_taken(2**48 - 1, MARCH)
    telemetry.config_refused()

    assert value(telemetry, "chat_usage_config_last_reload_successful") == 0
    assert value(telemetry, "chat_usage_config_last_reload_success_timestamp_seconds") == MARCH.timestamp()
    assert value(telemetry, "chat_usage_config_hash") == 2**48 - 1
