"""The kinds of panels, each with the defaults that make all of them look and read alike.

Panels are made without id, place and data source: the finish gives them (`finish`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from grafana_foundation_sdk.models.dashboard import DashboardFieldConfigSourceOverrides as Override
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
    ThresholdsConfig,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import Dataquery

from grafana_dashboards.src.language import (
    ACTIVITY_WORDS,
    COLOURS,
    COUNT,
    DATE,
    EXACT,
    MOMENT,
    NAMES_OF,
    SEVERITIES,
    SHARE,
    Card,
    Query,
    Style,
    drawn,
    painted,
)

A_DAY = "1d"
MANY = 3
"""Above so many series a legend is a table."""
_LAST: Mapping[str, object] = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_TOOLTIP: Mapping[str, object] = {"mode": "multi", "sort": "desc", "hideZeros": False}
_LIST: Mapping[str, object] = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_TABLE: Mapping[str, object] = {**_LIST, "displayMode": "table", "calcs": ["lastNotNull", "max"]}
_NO_LEGEND: Mapping[str, object] = {**_LIST, "showLegend": False}


def stat(card: Card, *queries: Query, overrides: Sequence[Override] = ()) -> Panel:
    """One figure, or a few with their names, as of the end of the time range."""
    targets = [instant(*asked) for asked in _lettered(queries)]
    options = _stat_options(queries, has_words=card.unit in (MOMENT, DATE) or bool(card.mappings))
    return _described("stat", card, targets, options, FieldConfigSource(_defaults(card), list(overrides)))


def figure_and_line(card: Card, by_day: Query, other: Query, overrides: Sequence[Override]) -> Panel:
    """The figure of the newest day with a line of the days before, and another one beside it."""
    targets = [_ranged(by_day, "A", A_DAY), instant(other, "B")]
    options = {**_stat_options((by_day, other)), "graphMode": "area", "text": {}}  # sizes leave room for the line
    defaults = _defaults(card)
    defaults.field_min_max = True  # the line has a scale of its own
    return _described("stat", card, targets, options, FieldConfigSource(defaults, list(overrides)))


def named_stat(card: Card, query: Query) -> Panel:
    """What the series are called, not their value."""
    options = {**_stat_options([query], has_words=True), "textMode": "name"}
    return _described("stat", card, [instant(query, "A")], options)


def gauges(card: Card, *queries: Query, names: str = "left") -> Panel:
    """A horizontal bar for each series, as of the end of the time range; counts are written in full.

    Names on the left have a third of the width: long ones are on top.
    """
    card = replace(card, unit=EXACT, decimals=0) if card.unit == COUNT else card
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "namePlacement": names,
        "reduceOptions": _LAST,
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "text",
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "minVizWidth": 8,
        "legend": _NO_LEGEND,
        "text": {"titleSize": 13, "valueSize": 16},
    }
    return _described("bargauge", card, [instant(*asked) for asked in _lettered(queries)], options)


def bars(card: Card, *queries: Query, many: bool = False) -> Panel:
    """Days, each from its midnight on, stacked; `many` is for a series per company, tool or the like."""
    stacked = {"mode": "normal", "group": "A"}
    custom = {"drawStyle": "bars", "barAlignment": 1, "barWidthFactor": 0.8, "fillOpacity": 80, "stacking": stacked}
    return _over_time(card, queries, custom, A_DAY, many=many)


def dots(card: Card, *queries: Query, many: bool = False) -> Panel:
    """Days, a dot each with a line between them, for what does not add up."""
    return _over_time(card, queries, {"showPoints": "always", "pointSize": 5}, A_DAY, many=many)


def lines(card: Card, *queries: Query, many: bool = False) -> Panel:
    """Values over time."""
    return _over_time(card, queries, {}, None, many=many)


def timeline(card: Card, *queries: Query) -> Panel:
    """States over time, a line for each series."""
    options = {"showValue": "never", "rowHeight": 0.8, "mergeValues": True, "legend": _LIST, "tooltip": _TOOLTIP}
    custom = {"fillOpacity": 80, "lineWidth": 0, "spanNulls": False}
    fields = FieldConfigSource(_defaults(card, custom=custom), [])
    targets = [_ranged(*asked, None) for asked in _lettered(queries)]
    return _described("state-timeline", card, targets, options, fields)


def squares(card: Card, query: Query) -> Panel:
    """A square for each day and series, coloured by its value."""
    options = {"showValue": "never", "rowHeight": 0.9, "colWidth": 0.9, "legend": _LIST, "tooltip": _TOOLTIP}
    custom = {"fillOpacity": 85, "lineWidth": 0}
    fields = FieldConfigSource(_defaults(card, custom=custom), [])
    return _described("status-history", card, [_ranged(query, "A", A_DAY)], options, fields)


def repeated(panel: Panel, variable: str, per_row: int) -> Panel:
    """Makes it one panel for each value of a variable."""
    panel.repeat, panel.repeat_direction, panel.max_per_row = variable, "h", per_row
    return panel


def instant(query: Query, ref_id: str) -> Dataquery:
    """Asks once, as of the end of the time range."""
    return Dataquery(
        expr=query.expression, legend_format=query.legend, ref_id=ref_id, instant=True, range_val=False, exemplar=False
    )


def _ranged(query: Query, ref_id: str, step: str | None) -> Dataquery:
    return Dataquery(
        expr=query.expression,
        legend_format=query.legend,
        ref_id=ref_id,
        instant=False,
        range_val=True,
        exemplar=False,
        interval=step,
    )


def _lettered(queries: Sequence[Query]) -> Sequence[tuple[Query, str]]:
    """Names questions A, B and so on; styles and tables refer to these names."""
    return [(query, chr(ord("A") + number)) for number, query in enumerate(queries)]


def _over_time(
    card: Card, queries: Sequence[Query], custom: Mapping[str, object], step: str | None, *, many: bool
) -> Panel:
    by_query = [
        Override(matcher=MatcherConfig("byFrameRefID", ref_id), properties=list(drawn(query.style, query.colour)))
        for query, ref_id in _lettered(queries)
        if query.style not in (Style.LINE, Style.BARS) or query.colour
    ]
    by_severity = [
        Override(matcher=MatcherConfig("byRegexp", f"/limit, .*, {severity}$/"), properties=[painted(colour)])
        for severity, colour in SEVERITIES.items()
        if any(query.style in (Style.LOWER, Style.UPPER) for query in queries)
    ]
    of_shares = [
        Override(matcher=MatcherConfig("byRegexp", "/ share/"), properties=[DynamicConfigValue("unit", SHARE)])
        for legend in {query.legend for query in queries}
        if legend == ACTIVITY_WORDS
    ]
    by_name = [
        Override(matcher=MatcherConfig("byName", name), properties=[painted(colour)])
        for name, colour in COLOURS.items()
        if any(name in NAMES_OF.get(query.legend, (query.legend,)) for query in queries)
    ]
    options = {"legend": _TABLE if many or len(queries) > MANY else _LIST, "tooltip": _TOOLTIP}
    usual = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "spanNulls": False, "showPoints": "auto"}
    targets = [_ranged(*asked, step) for asked in _lettered(queries)]
    defaults = _defaults(card, by_thresholds=False, custom={**usual, **custom})
    fields = FieldConfigSource(defaults, [*by_name, *by_query, *by_severity, *of_shares])
    return _described("timeseries", card, targets, options, fields)


def _stat_options(queries: Sequence[Query], *, has_words: bool = False) -> Mapping[str, object]:
    return {
        "colorMode": "value",
        "graphMode": "none",  # a curve would lie behind the figure, and hide that the newest day is late
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": _LAST,
        "showPercentChange": False,
        "textMode": "value_and_name" if len(queries) > 1 else "value",
        "wideLayout": len(queries) == 1,  # else names stand above their figures
        "text": {"titleSize": 13, "valueSize": 22 if has_words or len(queries) > 1 else 32},
    }


def _described(
    kind: str,
    card: Card,
    targets: Sequence[Dataquery],
    options: Mapping[str, object],
    fields: FieldConfigSource | None = None,
) -> Panel:
    return Panel(
        type_val=kind,
        title=card.title,
        description=card.text,
        targets=list(targets),
        options=dict(options),
        field_config=fields or FieldConfigSource(_defaults(card), []),
        grid_pos=GridPos(h=card.height, w=card.width),
    )


def _defaults(
    card: Card, *, by_thresholds: bool = True, custom: Mapping[str, object] = MappingProxyType({})
) -> FieldConfig:
    by_name = FieldColorModeId.PALETTE_CLASSIC_BY_NAME
    return FieldConfig(
        unit=card.unit,
        decimals=card.decimals,
        min_val=card.least,
        max_val=card.most,
        no_value=card.nothing,
        mappings=list(card.mappings),
        thresholds=ThresholdsConfig(ThresholdsMode.ABSOLUTE, card.thresholds()),
        color=FieldColor(FieldColorModeId.THRESHOLDS if by_thresholds else by_name),
        custom=dict(custom),
    )
