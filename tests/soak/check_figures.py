"""Compares an exposition with the platforms' data: last day, today, and sums over 7 and 28 days."""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from tests.samples import samples
from tests.soak.platform_figures import BREAKDOWNS, Facts, Key

LAST_DAY_METRIC = "chat_usage_report_day_timestamp_seconds"
WINDOWS = {"_last_day": 1, "_7d": 7, "_28d": 28}
HELD_DAYS = timedelta(days=60)
"""The default of the option."""
NOT_SUMMED = ("_median", "_average", "_average_seconds", "unique_models", "documents_used", "active_users")
"""Suffixes of families without sums over days."""
TIMESTAMP = "paradigm_last_model_response_timestamp_seconds"
LEVELS = ("paradigm_members_ever", "paradigm_members_active")


class CheckedSource(NamedTuple):
    """A source, the prefix of its metrics, its companies, and a function that returns a company's figures of a day."""

    name: str
    prefix: str
    company_ids: tuple[str, ...]
    figures: Callable[[str, date], Facts]


class Result(NamedTuple):
    """Number of compared figures, and a line for each wrong one."""

    compared: int
    errors: tuple[str, ...]


def check(exposition: str, source: CheckedSource, today: date) -> Result:
    """Checks that no figure of the source is wrong, missing or unexpected.

    A figure that the platform does not report must be 0.
    """
    served, last_days = _read(exposition, source)
    if len(last_days) != 1:
        return Result(0, (f"{source.name}: its reports have different last days: {sorted(map(str, last_days))}",))
    expected = _expected(source, last_days.pop(), today)
    errors = [
        f"{source.name}: {_series(key)} is {served.get(key)}, should be {expected.get(key)}"
        for key in sorted(served.keys() | expected.keys(), key=str)
        if not _agree(served.get(key), expected.get(key))
    ]
    return Result(len(served.keys() | expected.keys()), tuple(errors))


def _agree(served: float | None, expected: float | None) -> bool:
    if served is None:
        return False
    return math.isclose(served, expected or 0.0, rel_tol=1e-9)


def _series(key: Key) -> str:
    return f"{key[0]}{{{','.join(f'{name}={value!r}' for name, value in sorted(key[1]))}}}"


def _read(exposition: str, source: CheckedSource) -> tuple[dict[Key, float], set[date]]:
    """Returns the company figures of the source, and the last days of its reports."""
    figures: dict[Key, float] = {}
    last_days = set()
    for sample in samples(exposition):
        labels = dict(sample.labels)
        if labels.pop("source", None) != source.name:
            continue
        if sample.name == LAST_DAY_METRIC:
            last_days.add(datetime.fromtimestamp(sample.value, UTC).date())
        elif sample.name.startswith(source.prefix) and not sample.name.endswith("_info"):
            del labels["company"]
            figures[sample.name, frozenset(labels.items())] = sample.value
    return figures, last_days


def _expected(source: CheckedSource, last: date, today: date) -> dict[Key, float]:
    expected: dict[Key, float] = {}
    held = (last - (today - HELD_DAYS)).days + 1
    for company_id in source.company_ids:
        days = [source.figures(company_id, last - timedelta(days=n)) for n in range(held)]
        for suffix, length in WINDOWS.items():
            expected |= dict(_windowed(days[:length], suffix))
        of_today = source.figures(company_id, today)
        expected |= dict(_today(of_today))
        expected |= dict(_newest([of_today, source.figures(company_id, today - timedelta(days=1)), *days]))
    return expected


def _is_daily(family: str) -> bool:
    return family != TIMESTAMP and family not in LEVELS


def _windowed(days: list[Facts], suffix: str) -> Iterator[tuple[Key, float]]:
    sums: dict[Key, float] = {}
    for (family, labels), value in (item for facts in days for item in facts.items()):
        if _is_daily(family) and (suffix == "_last_day" or not family.endswith(NOT_SUMMED)):
            key = family + suffix, labels
            sums[key] = sums.get(key, 0.0) + value
    yield from sums.items()


def _today(facts: Facts) -> Iterator[tuple[Key, float]]:
    for (family, labels), value in facts.items():
        if _is_daily(family) and family not in BREAKDOWNS:
            yield (f"{family}_today", labels), value


def _newest(days: list[Facts]) -> Iterator[tuple[Key, float]]:
    """Yields today's levels and the newest timestamp."""
    for key, value in days[0].items():
        if key[0] in LEVELS:
            yield key, value
    timestamps: dict[Key, float] = {}
    for facts in days:
        for key, value in facts.items():
            if key[0] == TIMESTAMP:
                timestamps[key] = max(value, timestamps.get(key, 0.0))
    yield from timestamps.items()


def outcomes(exposition: str) -> Mapping[str, float]:
    """Returns the number of polls of all reports by outcome."""
    found: dict[str, float] = {}
    for sample in samples(exposition):
        if sample.name == "chat_usage_polls_total":
            outcome = sample.labels["outcome"]
            found[outcome] = found.get(outcome, 0.0) + sample.value
    return found
