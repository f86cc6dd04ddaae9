"""The files are generated, and can be imported by Grafana as they are."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana_dashboards.src.__main__ import files
from grafana_dashboards.src.finish import written
from tests.dashboards.shipped import (
    FILES,
    FOLDER,
    Object,
    an_object,
    annotations,
    objects,
    panels,
    read,
    strings,
    variables,
)
from tests.dashboards.shipped import targets as targets_of

LARGEST = 250_000
"""Bytes; Kubernetes refuses an annotation of 262,144, into which kubectl copies a whole ConfigMap."""
NAMES = ("alert-tuning", "bots", "company", "exporter", "overview", "quality")
RELEASE = ("cluster", "namespace", "job")
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
BEYOND_THE_SDK = {"dateTimeFromNow", "time:ddd D MMM", "time:ddd D MMM YYYY", "suffix:pp"}
"""Grafana units that the SDK names differently; Grafana accepts any date after `time:` and any word after `suffix:`."""
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("__")}

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_each_file_is_what_make_dashboards_writes() -> None:
    """And there are no other files."""
    assert files() == {
        str(path.relative_to(FOLDER)): path.read_text("utf-8")
        for path in (*FOLDER.glob("*.json"), *FOLDER.glob("import/*.json"))
    }


def test_there_are_the_six_dashboards() -> None:
    """Alerts, charts and links use their names."""
    assert [path.stem for path in FILES] == [f"chat-usage-{name}" for name in NAMES]


@every_file
def test_a_file_is_small_and_sorted(path: Path) -> None:
    """It fits into a ConfigMap, and its diffs are small."""
    text = path.read_text("utf-8")
    assert len(text.encode()) < LARGEST
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@every_file
def test_the_sdk_decodes_a_file_and_writes_it_again(path: Path) -> None:
    """Anything outside the schema would be lost; added defaults are harmless."""
    register_default_plugins()
    document = read(path)
    again = json.loads(written(Dashboard.from_json(dict(document))))
    assert list(_lost(document, again)) == []


def rows(document: Object) -> list[Object]:
    """Returns the headlines."""
    return [panel for panel in objects(document["panels"]) if panel["type"] == "row"]


def _lost(before: object, after: object, place: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from _lost(value, after.get(key), f"{place}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _lost(one, other, f"{place}/{number}")
    elif before != after:
        yield place


@every_file
def test_a_file_can_be_provisioned(path: Path) -> None:
    """Own uid, no database id, not editable, UTC for daily bars, and a tag."""
    document = read(path)
    assert document["uid"] == path.stem
    assert document.get("id") is None
    assert (document["schemaVersion"], document["version"]) == (42, 1)
    assert (document["editable"], document["timezone"], document["tags"]) == (False, "utc", ["chat-usage"])
    is_live = path.stem == "chat-usage-exporter"
    assert document["time"] == {"from": "now-7d" if is_live else "now-14d/d", "to": "now"}, "Prometheus keeps 15 days"
    assert document["refresh"] == ("5m" if is_live else "1h"), "figures are of days"
    assert str(document["title"]).startswith("Chat usage / ")
    assert document["description"]
    assert "__inputs" not in document


@every_file
def test_ids_are_unique(path: Path) -> None:
    """Grafana 13 drops panels without an id, and equal ids overwrite each other."""
    document = read(path)
    ids = [panel["id"] for panel in (*panels(document), *rows(document))]
    assert all(isinstance(each, int) and each > 0 for each in ids)
    assert max(Counter(ids).values()) == 1


def test_ids_are_unique_over_all_dashboards_where_titles_are() -> None:
    """An id depends only on the titles of row and panel."""
    found: dict[object, set[str]] = {}
    for path in FILES:
        row = ""
        for panel in objects(read(path)["panels"]):
            row = str(panel["title"]) if panel["type"] == "row" else row
            words = row if panel["type"] == "row" else f"{row} / {panel['title']}"
            found.setdefault(panel["id"], set()).add(words)
            for each in objects(panel.get("panels", [])):
                found.setdefault(each["id"], set()).add(f"{row} / {each['title']}")
    assert {number: words for number, words in found.items() if len(words) > 1} == {}


@every_file
def test_panels_do_not_overlap(path: Path) -> None:
    """Also not row headings."""
    taken: Counter[tuple[int, int]] = Counter()
    below = 0
    for panel in objects(read(path)["panels"]):
        x, y, w, h = (int(str(an_object(panel["gridPos"])[key])) for key in "xywh")
        assert x >= 0
        assert x + w <= 24, panel["title"]
        assert y >= below, panel["title"]
        below = y + h if panel["type"] == "row" else below
        taken.update((column, line) for column in range(x, x + w) for line in range(y, y + h))
    assert [place for place, times in taken.items() if times > 1] == []


@every_file
def test_rows_have_titles_and_collapsed_ones_contain_their_panels(path: Path) -> None:
    """The panels of an open row follow it, and only a few panels are open."""
    found = rows(read(path))
    assert found
    assert all(row["title"] and row["collapsed"] == bool(row["panels"]) for row in found)
    assert len(objects(read(path)["panels"])) - len(found) <= 22


@every_file
def test_every_query_has_a_ref_id_and_the_selected_data_source(path: Path) -> None:
    """Ref ids are unique in a panel; no data source of a specific installation is used."""
    document = read(path)
    for panel in panels(document):
        names = [target["refId"] for target in objects(panel["targets"])]
        assert names
        assert len(set(names)) == len(names), panel["title"]
        assert panel["datasource"] == PROMETHEUS
    asked = [target for _, target in targets_of(document)]
    asked += [each for each in variables(document).values() if each["type"] == "query"]
    asked += [each for each in annotations(document) if each.get("builtIn") != 1]
    assert all(each["datasource"] == PROMETHEUS for each in asked)


@every_file
def test_variables_include_all_and_refresh(path: Path) -> None:
    """All is `.+`, which leaves out series without the label, but for what a plain Prometheus does not have: `.*`."""
    found = variables(read(path))
    assert next(iter(found)) == "datasource"
    assert (found["datasource"]["type"], found["datasource"]["query"]) == ("datasource", "prometheus")
    for name, variable in found.items():
        assert variable["label"], name
        assert not {"auto", "auto_count", "auto_min"} & variable.keys(), name
        if variable["type"] == "query":
            assert variable["refresh"] == 2, name
        if variable["includeAll"]:
            assert (variable["multi"], variable["allValue"]) == (True, ".*" if name in RELEASE else ".+"), name


@every_file
def test_only_existing_variables_are_used(path: Path) -> None:
    """And each variable is used."""
    document = read(path)
    named = re.compile(r"\$\{?([a-zA-Z_]\w*)")  # $1 is a group of a regular expression
    asked = {name for text in strings(document) for name in named.findall(text)}
    own = {name for name in asked if name.startswith("__") or name == "DS_PROMETHEUS"}
    assert asked - own == set(variables(document))


@every_file
def test_every_panel_has_a_description(path: Path) -> None:
    """With title, meaning and advice, a known unit, and a text for no data."""
    for panel in panels(read(path)):
        title, defaults = str(panel["title"]), an_object(an_object(panel["fieldConfig"])["defaults"])
        assert len(str(panel["description"])) > 40, title
        assert str(panel["description"]).endswith("."), title
        assert defaults["noValue"], title
        units_of_columns = {
            each["value"]
            for override in objects(an_object(panel["fieldConfig"])["overrides"])
            for each in objects(override["properties"])
            if each["id"] == "unit"
        }
        assert {defaults["unit"], *units_of_columns} <= UNITS | BEYOND_THE_SDK, title


@every_file
def test_gaps_stay_gaps_and_repeats_have_a_direction(path: Path) -> None:
    """Grafana 13 ignores the width of repeats without a direction."""
    for panel in panels(read(path)):
        custom = an_object(an_object(an_object(panel["fieldConfig"])["defaults"]).get("custom", {}))
        assert custom.get("spanNulls", False) is False
        if "repeat" in panel:
            assert panel["repeatDirection"] == "h"
            assert panel["repeat"] in variables(read(path))


@every_file
def test_a_legend_of_many_series_is_a_table(path: Path) -> None:
    """With last and maximum value."""
    for panel in panels(read(path)):
        if panel["type"] == "timeseries" and len(objects(panel["targets"])) > 3:
            legend = an_object(an_object(panel["options"])["legend"])
            assert (legend["displayMode"], legend["calcs"]) == ("table", ["lastNotNull", "max"])


@every_file
def test_the_file_for_import_has_a_data_source_input(path: Path) -> None:
    """It has `__inputs` instead of the variable, and the same panels."""
    given = read(FOLDER / "import" / path.name)
    assert [each["name"] for each in objects(given["__inputs"])] == ["DS_PROMETHEUS"]
    assert "datasource" not in variables(given)
    assert not any("${datasource" in text for text in strings(given))
    assert _questions(given) == _questions(read(path))


def _questions(document: Object) -> list[object]:
    return [(panel["title"], target["expr"]) for panel, target in targets_of(document)]
