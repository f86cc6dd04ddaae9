"""The finishing pass: what it adds to a draft, and what it refuses."""

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


def test_panels_flow_into_lines_below_their_headline() -> None:
    """A line ends where the next panel does not fit, and is as high as its highest panel."""
    found = document([panel("a", 16, 4), panel("b", 8, 6), panel("c", 12, 3)], [panel("d")])
    assert places(found) == [
        (0, 0, 24, 1),
        (0, 1, 16, 4),
        (16, 1, 8, 6),
        (0, 7, 12, 3),
        (0, 10, 24, 1),
        (0, 11, 8, 4),
    ]


def test_an_id_stays_when_neighbours_come() -> None:
    """It is made of the words of row and panel."""
    alone, beside = (
        {each["title"]: each["id"] for each in panels(found)}
        for found in (document([panel("a")]), document([panel("new"), panel("a")]))
    )
    assert alone["a"] == beside["a"]


def test_two_panels_of_the_same_words_are_refused() -> None:
    """They would have one id, and Grafana would show one of them."""
    with pytest.raises(ValueError, match="'Row 0 / a' and 'Row 0 / a' have the id"):
        document([panel("a"), panel("a")])


def test_questions_are_named_and_pointed_to_the_chosen_data_source() -> None:
    """In their order, from A on."""
    (only,) = panels(document([panel("a")]))
    asked = objects(only["targets"])
    assert [(each["refId"], each["expr"]) for each in asked] == [("A", "up"), ("B", "down")]
    assert [an_object(each["datasource"])["uid"] for each in asked] == ["${datasource}"] * 2


def test_what_only_an_interval_has_is_dropped() -> None:
    """The SDK gives `auto_count` and the like to variables of all kinds."""
    found = variables(document([panel("a")]))
    assert not any(key.startswith("auto") for each in found.values() for key in each)


def test_an_imported_dashboard_asks_for_its_data_source() -> None:
    """Each place where the variable stood has the placeholder of the question."""
    found = json.loads(importable(json.dumps(document([panel("a")]))))
    (only,) = panels(found)
    assert an_object(only["datasource"])["uid"] == "${DS_PROMETHEUS}"
    assert list(variables(found)) == ["source"]
    assert [each["id"] for each in found["__requires"]] == ["grafana", "prometheus"]


def test_provisioning_finds_the_dashboards_and_nobody_deletes_them() -> None:
    """The files for Grafana: one provider of the folder, one Prometheus with a scrape interval."""
    folder = ROOT / "config" / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards" / "chat-usage.yaml").read_text())["providers"]
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    scraping = yaml.safe_load((ROOT / "config" / "prometheus.example.yml").read_text())["global"]
    assert (provider["type"], provider["disableDeletion"], provider["allowUiUpdates"]) == ("file", True, False)
    assert provider["options"]["path"] in (ROOT / "docs" / "dashboards.md").read_text()
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scraping["scrape_interval"]
