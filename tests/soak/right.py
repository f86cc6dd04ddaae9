"""Whether a page says what the platforms' truth is: of the last day, of the running one, of 7 and of 28 days."""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from tests.samples import samples
from tests.soak.truth import BROKEN_DOWN, Facts, Key

LAST_DAY = "chat_usage_report_day_timestamp_seconds"
WINDOWS = {"_last_day": 1, "_7d": 7, "_28d": 28}
SINGLE = ("_median", "_average", "_average_seconds", "unique_models", "documents_used", "active_users")
"""How families end that do not add up over days."""
MOMENT = "paradigm_last_model_response_timestamp_seconds"
LEVELS = ("paradigm_members_ever", "paradigm_members_active")


class Account(NamedTuple):
    """A source to be judged: its name, the prefix of its families, its companies, and what is true of one's day."""

    source: str
    prefix: str
    company_ids: tuple[str, ...]
    truth: Callable[[str, date], Facts]


class Result(NamedTuple):
    """How many figures were compared, and what is wrong, a line each."""

    compared: int
    wrong: tuple[str, ...]


def compare(page: str, account: Account, today: date) -> Result:
    """Compares every figure of the source, both ways: none is wrong, missing or invented.

    A company without a row counts 0, so a figure that the platform does not tell must be 0.
    """
    served, days = _read(page, account)
    if len(days) != 1:
        return Result(0, (f"{account.source}: its reports are at different days: {sorted(map(str, days))}",))
    expected = _expected(account, days.pop(), today)
    wrong = [
        f"{account.source}: {_told(key)} is {served.get(key)}, should be {expected.get(key)}"
        for key in sorted(served.keys() | expected.keys(), key=str)
        if not _agree(served.get(key), expected.get(key))
    ]
    return Result(len(served.keys() | expected.keys()), tuple(wrong))


def _agree(served: float | None, expected: float | None) -> bool:
    if served is None:
        return False
    return math.isclose(served, expected or 0.0, rel_tol=1e-9)


def _told(key: Key) -> str:
    return f"{key[0]}{{{','.join(f'{name}={value!r}' for name, value in sorted(key[1]))}}}"


def _read(page: str, account: Account) -> tuple[dict[Key, float], set[date]]:
    """Returns the figures of the source that belong to a company, and the newest complete days of its reports."""
    figures: dict[Key, float] = {}
    days = set()
    for sample in samples(page):
        labels = dict(sample.labels)
        if labels.pop("source", None) != account.source:
            continue
        if sample.name == LAST_DAY:
            days.add(datetime.fromtimestamp(sample.value, UTC).date())
        elif sample.name.startswith(account.prefix) and not sample.name.endswith("_info"):
            del labels["company"]
            figures[sample.name, frozenset(labels.items())] = sample.value
    return figures, days


def _expected(account: Account, last: date, today: date) -> dict[Key, float]:
    expected: dict[Key, float] = {}
    for company_id in account.company_ids:
        of_day = [account.truth(company_id, last - timedelta(days=n)) for n in range(max(WINDOWS.values()))]
        for suffix, length in WINDOWS.items():
            expected |= dict(_windowed(of_day[:length], suffix))
        of_today = account.truth(company_id, today)
        expected |= dict(_today(of_today))
        expected |= dict(_newest([of_today, account.truth(company_id, today - timedelta(days=1)), *of_day]))
    return expected


def _is_dated(family: str) -> bool:
    return family != MOMENT and family not in LEVELS


def _windowed(of_day: list[Facts], suffix: str) -> Iterator[tuple[Key, float]]:
    sums: dict[Key, float] = {}
    for (family, labels), value in (item for facts in of_day for item in facts.items()):
        if _is_dated(family) and (suffix == "_last_day" or not family.endswith(SINGLE)):
            key = family + suffix, labels
            sums[key] = sums.get(key, 0.0) + value
    yield from sums.items()


def _today(facts: Facts) -> Iterator[tuple[Key, float]]:
    for (family, labels), value in facts.items():
        if _is_dated(family) and family not in BROKEN_DOWN:
            yield (f"{family}_today", labels), value


def _newest(of_day: list[Facts]) -> Iterator[tuple[Key, float]]:
    """Yields the levels of today, and the newest moment of all days."""
    for key, value in of_day[0].items():
        if key[0] in LEVELS:
            yield key, value
    moments: dict[Key, float] = {}
    for facts in of_day:
        for key, value in facts.items():
            if key[0] == MOMENT:
                moments[key] = max(value, moments.get(key, 0.0))
    yield from moments.items()


def outcomes(page: str) -> Mapping[str, float]:
    """Returns how many polls of all reports together ended how."""
    found: dict[str, float] = {}
    for sample in samples(page):
        if sample.name == "chat_usage_polls_total":
            outcome = sample.labels["outcome"]
            found[outcome] = found.get(outcome, 0.0) + sample.value
    return found
