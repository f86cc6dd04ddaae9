"""Makes a draft a dashboard that Grafana 10 to 13 takes without a change: places, ids, data source, nothing left over."""

import json
from collections.abc import Iterator
from zlib import crc32

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    GridPos,
    Panel,
    RowPanel,
    TimePickerConfig,
    VariableModel,
)

from grafana_dashboards.src.frame import DATA_SOURCE, PREFIX, TAG, Draft, Row, links

COLUMNS = 24
MENU = "inControlsMenu"
IDS = 900_000
"""Ids are from 1 to this, far from the numbers that Grafana itself gives to panels that it repeats."""


def finished(draft: Draft) -> Dashboard:
    """Returns the whole dashboard.

    Raises:
        ValueError: two panels would have the same id; one needs another title.
    """
    return Dashboard(
        uid=f"{PREFIX}-{draft.name}",
        title=f"Chat usage / {draft.title}",
        description=draft.text,
        tags=[TAG],
        timezone="utc",  # bars begin at midnight UTC (`queries`)
        editable=False,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime(draft.since, "now"),
        timepicker=TimePickerConfig(refresh_intervals=["1m", "5m", "15m", "1h"]),
        refresh=draft.refresh,
        panels=list(_placed(draft)),
        templating=DashboardDashboardTemplating([_without_interval(each) for each in draft.variables]),
        annotations=AnnotationContainer(list(draft.annotations)),
        links=links(),
        version=1,
    )


def written(dashboard: Dashboard) -> str:
    """Returns the JSON of a file, keys sorted, so that a change shows as such.

    The SDK sends every link and note into the menu of the controls, where nobody sees it: that is left out.
    """
    whole = json.loads(JSONEncoder().encode(dashboard), object_hook=_without_placement)
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _without_placement(each: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in each.items() if (key, value) != ("placement", MENU)}


def _placed(draft: Draft) -> Iterator[Panel | RowPanel]:
    seen: dict[int, str] = {}
    y = 0
    for row in draft.rows:
        headline = RowPanel(row.closed, row.title, None, GridPos(1, COLUMNS, 0, y), _id(seen, row.title), [])
        yield headline
        below = _lay_out(row, y + 1)
        for panel in row.panels:
            panel.id_val = _id(seen, f"{row.title} / {panel.title}")
            _ask(panel)
        if row.closed:
            headline.panels, y = list(row.panels), y + 1
        else:
            yield from row.panels
            y = below


def _id(seen: dict[int, str], words: str) -> int:
    """Returns a number that stays when other panels come and go: links to a panel hold it."""
    number = crc32(words.encode()) % IDS + 1
    if number in seen:
        raise ValueError(f"panels {seen[number]!r} and {words!r} have the id {number}: give one another title")
    seen[number] = words
    return number


def _lay_out(row: Row, y: int) -> int:
    """Places the panels below `y`, line by line; returns where the next row begins."""
    x = tallest = 0
    for panel in row.panels:
        place = panel.grid_pos or GridPos()
        if x + place.w > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        panel.grid_pos = GridPos(place.h, place.w, x, y)
        x, tallest = x + place.w, max(tallest, place.h)
    return y + tallest


def _ask(panel: Panel) -> None:
    """Points panel and questions to the data source that is chosen."""
    panel.datasource = DATA_SOURCE
    for target in panel.targets or ():
        target.datasource = DATA_SOURCE  # type: ignore[attr-defined]  # the SDK's class of all questions names no field


def _without_interval(variable: VariableModel) -> VariableModel:
    """Drops what the SDK gives to variables of every kind and only an interval has."""
    variable.auto = variable.auto_min = variable.auto_count = None
    return variable


def importable(text: str) -> str:
    """Returns the JSON of a dashboard as one imports it by hand: it asks once for the data source, and has no list of them.

    Provisioned files must not be so: Grafana leaves the placeholders of `__inputs` unresolved there.
    """
    given = "DS_PROMETHEUS"
    bound = text.replace("&${datasource:queryparam}", "").replace("${datasource}", f"${{{given}}}")
    document = json.loads(bound)
    document["templating"]["list"] = [each for each in document["templating"]["list"] if each["type"] != "datasource"]
    document["__inputs"] = [
        {
            "name": given,
            "label": "Prometheus",
            "type": "datasource",
            "pluginId": "prometheus",
            "pluginName": "Prometheus",
        }
    ]
    document["__requires"] = [
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "10.4.0"},
        {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
    ]
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
