"""Selectors that match nothing: all are counted, a bounded number of them has a series."""

from exporter.metrics.report_health import MOST_SELECTORS, unmatched_families


def test_so_many_selectors_have_a_series_and_all_are_counted() -> None:
    """The options in their order, so that it is always the same ones."""
    gone = {
        "thresholds": tuple(f"id:{n}" for n in range(90)),
        "companies.exclude": tuple(f"name:{n}" for n in range(60)),
    }

    (_, counts), (_, named) = unmatched_families({"production": gone})

    assert {each.label_values[1]: each.value for each in counts.samples} == {"thresholds": 90, "companies.exclude": 60}
    assert len(named.samples) == MOST_SELECTORS == 100
    assert [each.label_values[1] for each in named.samples].count("companies.exclude") == 60
