"""`make rules` replaces the addresses of runbooks and dashboards, and leaves no broken link."""

import pytest
import yaml

from tests.alert_rules.promtool import FILES, ROOT
from tools.rules import DOCS, GRAFANA, linked, placed

TEXTS = [file.read_text() for file in FILES]


@pytest.mark.parametrize("text", TEXTS)
def test_all_links_have_the_given_address(text: str) -> None:
    found = linked(text, "https://docs.here/", "https://grafana.here")
    assert "example.org" not in found
    assert found.count("https://docs.here/docs/runbooks/") == text.count(DOCS)
    assert found.count("https://grafana.here/d/chat-usage-") == text.count(GRAFANA)


@pytest.mark.parametrize("text", TEXTS)
def test_without_an_address_there_is_no_link(text: str) -> None:
    """Nothing else is removed."""
    found, given = (
        [rule for group in yaml.safe_load(each)["groups"] for rule in group["rules"]]
        for each in (linked(text, "", ""), text)
    )
    for rule, before in zip(found, given, strict=True):
        gone = {"runbook_url", "dashboard_url"}
        kept = {key: value for key, value in before.get("annotations", {}).items() if key not in gone}
        assert rule == ({**before, "annotations": kept} if kept else before)


def test_dashboards_link_to_the_same_documentation() -> None:
    """Links between dashboards have no address."""
    for path in (ROOT / "grafana_dashboards").glob("*.json"):
        text = path.read_text()
        assert DOCS in text
        assert "example.org" not in placed(text, "https://docs.here/")
        assert placed(text, "") == text
