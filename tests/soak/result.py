"""The result of a soak test: evaluation, soak.json, charts and the printed table."""

import platform
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

from msgspec import Struct, json

from tests.soak.chart import THEMES, Panel, render
from tests.soak.soak import Recording
from tests.soak.trend import MIB, Trend, trend

ALLOWED_GROWTH: Mapping[str, float] = {"rss": 4 * MIB, "pss": 4 * MIB, "descriptors": 2.0, "threads": 0.5}
"""Over the second half of the test."""
SCALES: Mapping[str, float] = {"rss": MIB, "pss": MIB, "descriptors": 1.0, "threads": 1.0, "scrape": 0.001}
TITLES = {"rss": "resident, MiB", "pss": "proportional, MiB", "descriptors": "descriptors", "threads": "threads"}
FILE_NAME = "soak.json"
MAX_ERROR_LINES = 20


class Scrapes(Struct, frozen=True):
    """Number of scrapes, and their duration in seconds."""

    count: int
    p50: float
    p99: float
    maximum: float


class SoakResult(Struct, frozen=True):
    """The content of soak.json. Each curve has one value per element of `seconds`: bytes, a number or seconds."""

    created: str
    minutes: float
    interval: float
    companies: int
    seed: int
    seconds: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    scrapes: Scrapes
    faults: Mapping[str, int]
    reloads: int
    outcomes: Mapping[str, float]
    compared: int
    errors: Sequence[str]
    tolerance: float = 1.0

    @classmethod
    def of(cls, recording: Recording, tolerance: float) -> "SoakResult":
        """Summarises a test that has just ended; `tolerance` multiplies the allowed growth."""
        plan, samples = recording.plan, recording.samples
        seconds = [round(each.seconds, 1) for each in samples]
        curves: dict[str, Sequence[float]] = {
            name: [getattr(each, name) for each in samples] for name in ("rss", "pss", "descriptors", "threads")
        }
        return cls(
            created=f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}",
            minutes=plan.seconds / 60,
            interval=plan.interval,
            companies=plan.companies,
            seed=plan.seed,
            seconds=seconds,
            curves=curves | {"scrape": _slowest(seconds, recording.scrapes)},
            scrapes=_scrapes([duration for _, duration in recording.scrapes]),
            faults=dict(sorted(recording.faults.items())),
            reloads=recording.reloads,
            outcomes={outcome: count for outcome, count in recording.outcomes.items() if count},
            compared=recording.compared,
            errors=recording.errors,
            tolerance=tolerance,
        )

    def trends(self) -> Mapping[str, Trend]:
        """Returns the trends of the curves that must be flat."""
        return {
            name: trend(self.seconds, self.curves[name], allowed * self.tolerance)
            for name, allowed in ALLOWED_GROWTH.items()
        }

    @property
    def passed(self) -> bool:
        """Whether all curves were flat and there was no error."""
        return not self.errors and all(each.is_flat for each in self.trends().values())

    def save(self, folder: Path) -> None:
        """Writes soak.json and both charts."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).write_bytes(json.format(json.encode(self), indent=0) + b"\n")
        for theme in THEMES:
            (folder / f"soak-{theme.name}.svg").write_text(render(self.panels(), theme))

    @classmethod
    def load(cls, folder: Path) -> "SoakResult":
        """Reads soak.json."""
        return json.decode((folder / FILE_NAME).read_bytes(), type=cls)

    def panels(self) -> Sequence[Panel]:
        """Returns the panels of the chart."""
        minutes = [each / 60 for each in self.seconds]
        curves = {name: [each / scale for each in self.curves[name]] for name, scale in SCALES.items()}
        return (
            Panel("Memory, MiB", minutes, {"resident": curves["rss"], "proportional": curves["pss"]}),
            Panel("File descriptors", minutes, {"": curves["descriptors"]}),
            Panel("Threads", minutes, {"": curves["threads"]}),
            Panel("Slowest response to a scrape, ms", minutes, {"": curves["scrape"]}, with_trend=False),
        )

    def table(self) -> str:
        """Returns the table that is printed."""
        lines = [
            f"{self.minutes:g} minutes, {self.companies} companies, a poll every {self.interval:g} s: {self.created}"
        ]
        lines.append(f"{'':<22}{'first':>8}{'middle':>8}{'max':>8}{'growth':>8}{'allowed':>10}")
        for name, each in self.trends().items():
            figures = (each.first, each.middle, each.maximum, each.growth, each.allowed)
            first, middle, maximum, growth, allowed = (figure / SCALES[name] for figure in figures)
            verdict = "flat" if each.is_flat else "NOT FLAT"
            lines.append(
                f"{TITLES[name]:<22}{first:8.1f}{middle:8.1f}{maximum:8.1f}{growth:8.2f}{allowed:10.1f}  {verdict}"
            )
        times = (self.scrapes.p50, self.scrapes.p99, self.scrapes.maximum)
        p50, p99, slowest = (f"{each * 1000:.0f} ms" for each in times)
        lines.append(
            f"{self.scrapes.count} responses to 5 scrapers: median {p50}, 99th percentile {p99}, slowest {slowest}"
        )
        lines.append(f"polls of reports: {_counted(self.outcomes)}; {self.reloads} reloads")
        lines.append(f"faults: {_counted(self.faults)}")
        lines.append(f"figures compared with the platforms' data: {self.compared}; errors: {len(self.errors)}")
        return "\n".join((*lines, *self.errors[:MAX_ERROR_LINES]))


def _counted(counts: Mapping[str, float]) -> str:
    return ", ".join(f"{count:g} {name}" for name, count in counts.items())


def _slowest(seconds: Sequence[float], scrapes: Sequence[tuple[float, float]]) -> Sequence[float]:
    """Returns the slowest scrape between each sample and the one before."""
    slowest = [0.0] * len(seconds)
    for moment, duration in scrapes:
        index = min(bisect_left(seconds, moment), len(seconds) - 1)
        slowest[index] = max(slowest[index], round(duration, 4))
    return slowest


def _scrapes(durations: Sequence[float]) -> Scrapes:
    percentiles = quantiles(durations, n=100)
    return Scrapes(len(durations), round(percentiles[49], 4), round(percentiles[98], 4), round(max(durations), 4))
