"""The one visual language of all dashboards: colours, units, line styles, thresholds, words for nothing.

A colour means the same thing everywhere, and never alone: what is usual and what is a limit has a dash of its own, a
state has a word. Green, orange and red say good, watch and bad and nothing else; what is the complement of another figure
(liked, disliked) is shown as one of the two everywhere, on one scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, Threshold, ValueMap, ValueMappingResult

GOOD, WATCH, BAD, CALM, QUIET = "green", "orange", "red", "blue", "text"
COUNT, EXACT, SHARE, SECONDS = units.Short, units.LocaleFormat, units.PercentUnit, units.Seconds
BYTES, PLAIN = units.BytesIEC, units.Number
"""`COUNT` is for axes and headlines (8.03 K), `EXACT` for tables and bars with names (8,031)."""
POINTS = "suffix:pp"
"""Percentage points: how far two shares are apart, times 100."""
MOMENT = "dateTimeFromNow"
"""A time in milliseconds, shown as "3 days ago"; the SDK has no constant for it."""
DATE = "time:ddd D MMM YYYY"
"""A time in milliseconds, shown as the day that it is in UTC: Thu 19 Nov 2026."""
SHORT_DATE = "time:ddd D MMM"
NEUTRAL = ((None, QUIET),)

ACTIVITIES: Mapping[str, tuple[str, str]] = {
    "user_queries": ("User queries", "blue"),
    "conversations": ("Conversations", "blue"),
    "active_users": ("Active users", "super-light-purple"),
    "sessions": ("Sessions", "purple"),
    "model_responses": ("Answers", "light-blue"),
    "model_responses_with_docs": ("Grounded answers", "dark-blue"),
    "likes": ("Likes", "semi-dark-green"),
    "dislikes": ("Dislikes", "semi-dark-red"),
    "copies": ("Copies", "super-light-blue"),
    "tool_uses": ("Tool uses", "yellow"),
    "document_uses": ("Document uses", "semi-dark-yellow"),
    "messages": ("Messages", "light-blue"),
    "interactions": ("Interactions", "purple"),
    "inbox_transfers": ("Hand-overs", "purple"),
    "answered_share": ("Answered share", "light-blue"),
    "grounded_share": ("Grounded share", "dark-blue"),
    "liked_share": ("Liked share", "semi-dark-green"),
    "accepted_share": ("Accepted share", "semi-dark-green"),
}
"""What activities are called, and their colour; one of another platform is called as its label has it."""
COLOURS: Mapping[str, str] = {
    **dict(ACTIVITIES.values()),
    "Queries": "blue",
    "chat": "blue",
    "agent": "purple",
    "like": "semi-dark-green",
    "liked": "semi-dark-green",
    "dislike": "semi-dark-red",
    "copy": "super-light-blue",
    "Documents": "light-yellow",
    "Accepted": "semi-dark-green",
    "Not accepted": "semi-dark-orange",
}
"""By what a series is called."""
ACTIVITY_WORDS = "${activity:text}"
USUAL = "baseline{{of}}"
"""`of` is a label that shares alone have."""
NAMES_OF: Mapping[str, tuple[str, ...]] = {
    "{{mode}}": ("chat", "agent"),
    "{{feedback}}": ("like", "dislike", "copy"),
    ACTIVITY_WORDS: tuple(words for words, _ in ACTIVITIES.values()),
}
"""What series are called whose name is a label's value."""

NO_FIGURES = "no figures"
NOTHING_YET = "no day yet: Prometheus has days from its first scrape on; backfill sends earlier ones"
NO_REPORT = f"{NOTHING_YET}; or the platform has no such report"
NO_SUCH_COMPANY = "none for this choice"


class Style(Enum):
    """How a series of a time panel is drawn."""

    BARS = "bars"  # a day's figure
    USUAL = "usual"  # what is usual for the weekday
    LOWER = "lower"  # a limit that figures must not be below; its colour is its severity's, as the legend ends with it
    UPPER = "upper"  # a limit that figures must not be above, likewise
    LINE = "line"  # anything else


@dataclass(frozen=True, slots=True)
class Query:
    """One question of a panel; `legend` names its series, `{{label}}` for several."""

    expression: str
    legend: str
    style: Style = Style.LINE
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What every panel says of itself: `text` is what it shows, of which report, and what to do about it.

    `width` is in the 24 columns of a dashboard, `height` in rows of 38 pixels. `nothing` stands there instead of figures.
    """

    title: str
    text: str
    unit: str = COUNT
    width: int = 12
    height: int = 8
    decimals: int | None = None
    nothing: str = NO_FIGURES
    steps: tuple[tuple[float | None, str], ...] = ((None, CALM),)
    most: float | None = None
    least: float | None = 0.0
    mappings: tuple[ValueMap, ...] = field(default=())

    def thresholds(self) -> list[Threshold]:
        """Returns the steps from which on a value has a colour."""
        return [Threshold(value, colour) for value, colour in self.steps]


LIKED = ((None, BAD), (0.6, WATCH), (0.75, GOOD))
"""For the likes of all opinions: below 0.6 ChatUsageDislikeShareHigh fires, where it is on."""
ANSWERED = ((None, BAD), (0.85, WATCH), (0.93, GOOD))
"""For answers per query."""
LOW_IS_BAD = ((None, BAD), (0.5, WATCH), (0.8, GOOD))
"""For shares of what is usual: half of it breaks the default limit."""
AGE_OF_A_DAY = ((None, GOOD), (55 * 3600.0, WATCH), (58 * 3600.0, BAD))
"""A day in good order is at most 55 h old with the default settle and poll times; from 58 h on ChatUsageReportStale fires."""
SHARE_OF_USUAL = (*LOW_IS_BAD, (1.5, CALM))
"""The same for single companies, where much more than usual is worth a look, too."""
ANY_IS_BAD = ((None, GOOD), (1.0, BAD))
ANY_IS_ODD = ((None, GOOD), (1.0, WATCH))


def states(words: Mapping[str, tuple[str, str]]) -> tuple[ValueMap, ...]:
    """Maps values to (word, colour), so that a state is never a colour alone."""
    return (ValueMap({value: ValueMappingResult(text=word, color=colour) for value, (word, colour) in words.items()}),)


SEVERITIES: Mapping[str, str] = {"critical": BAD, "warning": WATCH, "info": CALM}
ACTIVITY_NAMES = states({name: (words, QUIET) for name, (words, _) in ACTIVITIES.items()})
"""Says activities in words, in tables."""
WITH_UNIT = states(
    {name: (f"{words} (%)" if name.endswith("_share") else words, QUIET) for name, (words, _) in ACTIVITIES.items()}
)
"""The same, where shares are shown in per cent."""
YES = states({"1": ("yes", GOOD), "0": ("no", BAD)})


def drawn(style: Style, colour: str = "") -> Sequence[DynamicConfigValue]:
    """Returns the properties of a series of this style."""
    return [DynamicConfigValue(name, value) for name, value in {**_SHAPES[style], **_painted(style, colour)}.items()]


def painted(colour: str) -> DynamicConfigValue:
    """Returns the property that gives a field one colour."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def _painted(style: Style, colour: str) -> Mapping[str, object]:
    fixed = colour or (QUIET if style is Style.USUAL else "")
    return {"color": {"mode": "fixed", "fixedColor": fixed}} if fixed else {}


def _stepped(width: int, dash: Sequence[int]) -> Mapping[str, object]:
    """A line over the whole of each day; its points are there for a day that stands alone."""
    return {
        "custom.drawStyle": "line",
        "custom.lineInterpolation": "stepAfter",
        "custom.lineWidth": width,
        "custom.fillOpacity": 0,
        "custom.lineStyle": {"fill": "dash", "dash": list(dash)},
        "custom.showPoints": "always",
        "custom.pointSize": 4,
        "custom.stacking": {"mode": "none", "group": "A"},
    }


_SHAPES: Mapping[Style, Mapping[str, object]] = {
    Style.BARS: {"custom.drawStyle": "bars", "custom.fillOpacity": 80, "custom.lineWidth": 1},
    Style.USUAL: _stepped(2, (2, 4)),
    Style.LOWER: _stepped(2, (10, 6)),
    Style.UPPER: _stepped(2, (16, 4, 4, 4)),
    Style.LINE: {},
}
