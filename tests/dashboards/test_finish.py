"""The last step of generating a dashboard: what it adds and refuses."""

import json
from collections.abc import Sequence

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.finish import finished, importable, written
from grafana_dashboards.src.language import Card, Query
from grafana_dashboards.src.panels import stat
from tests.dashboards.shipped import ROOT, Object, an_object, objects, panels, variables


def panel(title: str, width: int = 8, height: int = 4) -> Panel:
    return stat(Card(title, "Text.", width=width, height=height), Query("up", "up"), Query("down", "down"))


def document(*rows: Sequence[Panel]) -> Object:
    made = [frame.Row(f"Row {number}", row) for number, row in enumerate(rows)]
    draft = frame.Draft("x", "X", "Text.", [frame.data_source(), frame.sources()], [frame.built_in()], made)
    found: Object = json.loads(written(finished(draft)))
    return found


def places(found: Object) -> list[tuple[object, ...]]:
    return [tuple(an_object(each["gridPos"])[key] for key in "xywh") for each in objects(found["panels"])]


def test_panels_are_arranged_in_lines_below_their_heading() -> None:
    """A line ends if the next panel does not fit, and has the height of its highest panel."""
    found = document([panel("a", 16, 4), panel("b", 8, 6), panel("c", 12, 3)], [panel("d")])
    assert places(found) == [
        (0, 0, 24, 1),
        (0, 1, 16, 4),
        (16, 1, 8, 6),
        (0, 7, 12, 3),
        (0, 10, 24, 1),
        (0, 11, 8, 4),
    ]


def test_an_id_does_not_depend_on_other_panels() -> None:
    """It is derived from the titles of row and panel."""
    alone, beside = (
        {each["title"]: each["id"] for each in panels(found)}
        for found in (document([panel("a")]), document([panel("new"), panel("a")]))
    )
    assert alone["a"] == beside["a"]


def test_panels_with_equal_titles_are_refused() -> None:
    """They would have the same id."""
    with pytest.raises(ValueError, match="'Row 0 / a' and 'Row 0 / a' have the id"):
        document([panel("a"), panel("a")])


def test_queries_get_ref_ids_and_the_selected_data_source() -> None:
    """In order, starting with A."""
    (only,) = panels(document([panel("a")]))
    asked = objects(only["targets"])
    assert [(each["refId"], each["expr"]) for each in asked] == [("A", "up"), ("B", "down")]
    assert [an_object(each["datasource"])["uid"] for each in asked] == ["${datasource}"] * 2


def test_options_of_interval_variables_are_dropped() -> None:
    """The SDK adds `auto_count` and others to all variables."""
    found = variables(document([panel("a")]))
    assert not any(key.startswith("auto") for each in found.values() for key in each)


def test_an_imported_dashboard_has_a_data_source_input() -> None:
    """The placeholder of the input replaces the variable."""
    found = json.loads(importable(json.dumps(document([panel("a")]))))
    (only,) = panels(found)
    assert an_object(only["datasource"])["uid"] == "${DS_PROMETHEUS}"
    assert list(variables(found)) == ["source"]
    assert [each["id"] for each in found["__requires"]] == ["grafana", "prometheus"]


def test_dashboards_are_provisioned_and_cannot_be_deleted() -> None:
    """With one provider for the folder, and one Prometheus with a scrape interval."""
    folder = ROOT / "config" / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards" / "chat-usage.yaml").read_text())["providers"]
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    scraping = yaml.safe_load((ROOT / "config" / "prometheus.example.yml").read_text())["global"]
    assert (provider["type"], provider["disableDeletion"], provider["allowUiUpdates"]) == ("file", True, False)
    assert provider["options"]["path"] in (ROOT / "docs" / "dashboards.md").read_text()
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scraping["scrape_interval"]
