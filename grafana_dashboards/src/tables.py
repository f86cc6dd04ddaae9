"""Tables: a row for each set of labels, a column for each question, all asked at once and merged by their labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from grafana_foundation_sdk.models.dashboard import DashboardFieldConfigSourceOverrides as Override
from grafana_foundation_sdk.models.dashboard import (
    DashboardLink,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
)
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat

from grafana_dashboards.src.language import ACTIVITY_NAMES, CALM, EXACT, Card, Query, painted
from grafana_dashboards.src.panels import A_DAY, figure_and_line, stat

Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A question (its legend is the column's title) and how its cells look.

    `leads` puts it behind the first label, `stays` is for the one that has values where no other has (else the first), `bar` draws a bar up to `most`, `trend` a small curve of days (the question asks for days), `steps` colour the text.
    """

    query: Query
    unit: str = EXACT
    decimals: int | None = None
    width: int | None = None
    leads: bool = False
    stays: bool = False
    bar: bool = False
    trend: bool = False
    steps: Steps = ()
    mappings: tuple[ValueMap, ...] = ()
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The labels that name a row: `shown` with their titles, in order, `hidden` ones; `links` by the label shown.

    `activities` are what activities are called.
    """

    shown: Mapping[str, str]
    hidden: tuple[str, ...] = ("Time",)
    links: Mapping[str, DashboardLink] = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)
    activities: tuple[ValueMap, ...] = ACTIVITY_NAMES


def table(card: Card, keys: Keys, columns: Sequence[Column], *sort: str, ascending: bool = False) -> Panel:
    """A table; `sort` are the titles of the columns that decide the order, the largest first unless `ascending`."""
    targets = [_target(column, chr(ord("A") + number)) for number, column in enumerate(columns)]
    return Panel(
        type_val="table",
        title=card.title,
        description=card.text,
        targets=list(targets),
        transformations=_merged(keys, columns, targets),
        options={
            "cellHeight": "sm",
            "showHeader": True,
            "sortBy": [{"displayName": title, "desc": not ascending} for title in sort],
        },
        field_config=FieldConfigSource(_defaults(card), [*_of_keys(keys), *(_of(column) for column in columns)]),
        grid_pos=GridPos(h=card.height, w=card.width),
    )


def _target(column: Column, ref_id: str) -> Dataquery:
    question = Dataquery(expr=column.query.expression, ref_id=ref_id, exemplar=False, legend_format=column.query.legend)
    if column.trend:
        question.range_val, question.instant, question.interval = True, False, A_DAY
    else:
        question.range_val, question.instant, question.format_val = False, True, PromQueryFormat.TABLE
    return question


def _merged(keys: Keys, columns: Sequence[Column], targets: Sequence[Dataquery]) -> list[DataTransformerConfig]:
    """Returns the steps from answers to one table: curves, one row per set of labels, names and order of columns."""
    alone = sum(not column.trend for column in columns) == 1  # then Grafana calls its column Value
    names = {
        f"Trend #{target.ref_id}" if column.trend else "Value" if alone else f"Value #{target.ref_id}": column
        for column, target in zip(columns, targets, strict=True)
    }
    place = count()
    first, *others = keys.shown
    leading = [name for name, column in names.items() if column.leads]
    order = {name: next(place) for name in dict.fromkeys((first, *leading, *others, *names))}
    staying = next((each for each in columns if each.stays), columns[0])
    titles = {**keys.shown, "Value": staying.query.legend}  # so Grafana calls the only column that has values
    titles |= {name: column.query.legend for name, column in names.items()}
    hidden = dict.fromkeys(("Time", *keys.hidden), True)
    curves = [DataTransformerConfig("timeSeriesTable", options={})] if any(each.trend for each in columns) else []
    return [
        *curves,
        DataTransformerConfig("merge", options={}),
        DataTransformerConfig(
            "organize", options={"excludeByName": hidden, "indexByName": order, "renameByName": titles}
        ),
    ]


def _defaults(card: Card) -> FieldConfig:
    return FieldConfig(
        unit=card.unit,
        decimals=card.decimals,
        no_value=card.nothing,
        field_min_max=True,  # a bar is as long as its own column has it
        min_val=card.least,
        thresholds=ThresholdsConfig(ThresholdsMode.ABSOLUTE, card.thresholds()),
        mappings=list(card.mappings),
        color=FieldColor(FieldColorModeId.THRESHOLDS),
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False},
    )


def _of_keys(keys: Keys) -> list[Override]:
    found = []
    for label, title in keys.shown.items():
        properties = [DynamicConfigValue("unit", "string"), DynamicConfigValue("noValue", "–")]
        if label in keys.links:
            properties.append(DynamicConfigValue("links", [keys.links[label]]))
        if label == "activity":
            properties.append(DynamicConfigValue("mappings", list(keys.activities)))
        if label in keys.widths:
            properties.append(DynamicConfigValue("custom.width", keys.widths[label]))
        found.append(Override(matcher=MatcherConfig("byName", title), properties=properties))
    return found


def _of(column: Column) -> Override:
    properties = {
        "custom.width": column.width,
        "max": column.most,
        "custom.cellOptions": _cell(column),
        "custom.filterable": False,  # the button would hide the title of a narrow column
        "color": painted(CALM).value if column.trend else None,
    }
    return _override(column, properties)


def band(card: Card, *parts: Column) -> Panel:
    """Figures of several kinds in one line, each with its name, as of the end of the time range."""
    return stat(card, *(part.query for part in parts), overrides=[_override(part, {}) for part in parts])


def compared(card: Card, by_day: Query, other: Column) -> Panel:
    """The figure of the newest day with a line of the days before, and what it is compared with."""
    return figure_and_line(card, by_day, other.query, [_override(other, {})])


def _override(column: Column, more: Mapping[str, object | None]) -> Override:
    properties: dict[str, object | None] = {
        "unit": column.unit,
        "decimals": column.decimals,
        "mappings": list(column.mappings) or None,
        **more,
    }
    if column.steps:
        steps = [Threshold(value, colour) for value, colour in column.steps]
        properties["thresholds"] = ThresholdsConfig(ThresholdsMode.ABSOLUTE, steps)
    return Override(
        matcher=MatcherConfig("byName", column.query.legend),
        properties=[DynamicConfigValue(name, value) for name, value in properties.items() if value is not None],
    )


def _cell(column: Column) -> Mapping[str, object]:
    if column.trend:
        return {"type": "sparkline", "hideValue": True, "drawStyle": "bars", "fillOpacity": 70, "lineWidth": 1}
    if column.bar:
        return {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    return {"type": "color-text" if column.steps or column.mappings else "auto"}
