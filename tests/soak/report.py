"""What a soak came to, as it is kept, judged and printed."""

import platform
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

from msgspec import Struct, json

from tests.soak.flatness import MIB, Verdict, judged
from tests.soak.picture import THEMES, Panel, rendered
from tests.soak.soak import Record

ALLOWED: Mapping[str, float] = {"rss": 4 * MIB, "pss": 4 * MIB, "descriptors": 2.0, "threads": 0.5}
"""How much a curve may grow over the second half of a soak."""
SCALES: Mapping[str, float] = {"rss": MIB, "pss": MIB, "descriptors": 1.0, "threads": 1.0, "scrape": 0.001}
TITLES = {"rss": "resident, MiB", "pss": "proportional, MiB", "descriptors": "descriptors", "threads": "threads"}
NAME = "soak.json"
MOST_LINES = 20


class Scrapes(Struct, frozen=True):
    """How many answers there were, and how long they took, in seconds."""

    count: int
    p50: float
    p99: float
    most: float


class Report(Struct, frozen=True):
    """All that is kept of a soak; `curves` by name, each parallel to `seconds`: bytes, numbers, seconds."""

    made: str
    minutes: float
    interval: float
    companies: int
    seed: int
    seconds: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    scrapes: Scrapes
    troubles: Mapping[str, int]
    reloads: int
    outcomes: Mapping[str, float]
    compared: int
    wrong: Sequence[str]
    tolerance: float = 1.0

    @classmethod
    def of(cls, record: Record, tolerance: float) -> "Report":
        """Keeps what is told of a soak that has just ended; its curves may grow `tolerance` times as much as usual."""
        plan, samples = record.plan, record.samples
        seconds = [round(each.seconds, 1) for each in samples]
        curves: dict[str, Sequence[float]] = {
            name: [getattr(each, name) for each in samples] for name in ("rss", "pss", "descriptors", "threads")
        }
        return cls(
            made=f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}",
            minutes=plan.seconds / 60,
            interval=plan.interval,
            companies=plan.companies,
            seed=plan.seed,
            seconds=seconds,
            curves=curves | {"scrape": _worst(seconds, record.scrapes)},
            scrapes=_scrapes([took for _, took in record.scrapes]),
            troubles=dict(sorted(record.troubles.items())),
            reloads=record.reloads,
            outcomes={outcome: count for outcome, count in record.outcomes.items() if count},
            compared=record.compared,
            wrong=record.wrong,
            tolerance=tolerance,
        )

    def verdicts(self) -> Mapping[str, Verdict]:
        """Judges the curves that are to be flat."""
        return {
            name: judged(self.seconds, self.curves[name], allowed * self.tolerance) for name, allowed in ALLOWED.items()
        }

    @property
    def passed(self) -> bool:
        """Whether everything was flat and nothing wrong."""
        return not self.wrong and all(each.flat for each in self.verdicts().values())

    def save(self, folder: Path) -> None:
        """Writes soak.json and the two pictures."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_bytes(json.format(json.encode(self), indent=0) + b"\n")
        for theme in THEMES:
            (folder / f"soak-{theme.name}.svg").write_text(rendered(self.panels(), theme))

    @classmethod
    def load(cls, folder: Path) -> "Report":
        """Reads soak.json."""
        return json.decode((folder / NAME).read_bytes(), type=cls)

    def panels(self) -> Sequence[Panel]:
        """Returns what the picture shows."""
        minutes = [each / 60 for each in self.seconds]
        curves = {name: [each / scale for each in self.curves[name]] for name, scale in SCALES.items()}
        return (
            Panel("Memory, MiB", minutes, {"resident": curves["rss"], "proportional": curves["pss"]}),
            Panel("File descriptors", minutes, {"": curves["descriptors"]}),
            Panel("Threads", minutes, {"": curves["threads"]}),
            Panel("Slowest answer to a scraper, ms", minutes, {"": curves["scrape"]}, judged=False),
        )

    def table(self) -> str:
        """Returns what is printed: the curves, what happened meanwhile, what was wrong."""
        lines = [f"{self.minutes:g} minutes, {self.companies} companies, a poll every {self.interval:g} s: {self.made}"]
        lines.append(f"{'':<22}{'first':>8}{'middle':>8}{'most':>8}{'grew':>8}{'may grow':>10}")
        for name, each in self.verdicts().items():
            figures = (each.first, each.middle, each.most, each.grew, each.allowed)
            first, middle, most, grew, allowed = (figure / SCALES[name] for figure in figures)
            verdict = "flat" if each.flat else "NOT FLAT"
            lines.append(f"{TITLES[name]:<22}{first:8.1f}{middle:8.1f}{most:8.1f}{grew:8.2f}{allowed:10.1f}  {verdict}")
        times = (self.scrapes.p50, self.scrapes.p99, self.scrapes.most)
        usual, rare, slowest = (f"{each * 1000:.0f} ms" for each in times)
        lines.append(
            f"{self.scrapes.count} answers to 5 scrapers: median {usual}, 99 % within {rare}, slowest {slowest}"
        )
        lines.append(f"polls of reports: {_counted(self.outcomes)}; {self.reloads} reloads")
        lines.append(f"troubles: {_counted(self.troubles)}")
        lines.append(f"figures compared with the platforms' truth: {self.compared}; wrong: {len(self.wrong)}")
        return "\n".join((*lines, *self.wrong[:MOST_LINES]))


def _counted(counts: Mapping[str, float]) -> str:
    return ", ".join(f"{count:g} {name}" for name, count in counts.items())


def _worst(seconds: Sequence[float], scrapes: Sequence[tuple[float, float]]) -> Sequence[float]:
    """Returns the longest answer between each sample and the one before."""
    worst = [0.0] * len(seconds)
    for moment, took in scrapes:
        at = min(bisect_left(seconds, moment), len(seconds) - 1)
        worst[at] = max(worst[at], round(took, 4))
    return worst


def _scrapes(took: Sequence[float]) -> Scrapes:
    parts = quantiles(took, n=100)
    return Scrapes(len(took), round(parts[49], 4), round(parts[98], 4), round(max(took), 4))
