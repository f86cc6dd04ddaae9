"""Links of dashboards and links to dashboards have existing targets."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.alert_rules.promtool import alerts
from tests.dashboards.shipped import FILES, FOLDER, ROOT, an_object, read, strings, variables

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def _addresses() -> Iterator[tuple[str, str]]:
    for name, rules in alerts().items():
        for rule in rules:
            yield name, str(an_object(rule["annotations"])["dashboard_url"])
    for path in FILES:
        yield from ((path.stem, text) for text in strings(read(path)) if text.startswith("/d/"))


@pytest.mark.parametrize(("origin", "url"), sorted(set(_addresses())), ids=lambda text: text[:40])
def test_every_link_to_a_dashboard_has_an_existing_target_and_variables(origin: str, url: str) -> None:
    """In alerts and tables; Grafana ignores unknown variables."""
    path = FOLDER / f"{urlsplit(url).path.split('/')[-1]}.json"
    assert path in FILES, origin
    wanted = {key.removeprefix("var-") for key in parse_qs(urlsplit(url).query) if key.startswith("var-")}
    assert wanted <= set(variables(read(path))), origin


@every_file
def test_every_link_to_the_documentation_has_an_existing_target(path: Path) -> None:
    """Runbooks have the names of alerts, so each alert has one."""
    base = "https://example.org/chat-usage-exporter/"
    for text in strings(read(path)):
        if text.startswith(base) and "${" not in text:
            assert (ROOT / text.removeprefix(base)).is_file(), text
        elif text.startswith(base):
            assert text.endswith('/docs/runbooks/${__data.fields["Alert"]}.md')
    assert all((ROOT / "docs" / "runbooks" / f"{name}.md").is_file() for name in alerts())
