"""The chart itself: clean by helm's own lint, equal to what it was, and true to what it takes from elsewhere."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
import yaml

from exporter.cli.logs import LogFormat, LogLevel
from tests.e2e.programs import go_tool
from tests.helm import golden
from tests.helm.charts import CASES, CHART, NEWEST, ROOT, helm, template, valued, values
from tests.helm.examples import described, laid
from tools import chart

pytestmark = [pytest.mark.e2e, pytest.mark.once]


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_nothing_to_complain_of(case: str) -> None:
    done = helm("lint", "--strict", "--kube-version", NEWEST, "--values", values(case), CHART)
    assert (done.returncode, "WARNING" in done.stdout) == (0, False), done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_what_was_agreed_on(case: str) -> None:
    """A change shows in the difference of a golden file: make chart-golden."""
    assert golden.wanted(case) == (golden.FOLDER / f"{case}.yaml").read_text()


def test_there_is_no_golden_file_of_no_case() -> None:
    assert {path.stem for path in golden.FOLDER.iterdir()} == set(CASES)
    assert len(CASES) >= 10


def test_rules_dashboards_and_routes_have_one_source() -> None:
    """What lies in the chart is a copy, byte by byte: make chart."""
    copies = chart.originals()
    assert chart.copies() == copies.keys()
    assert [copy.name for copy, original in copies.items() if copy.read_bytes() != original.read_bytes()] == []
    assert {"usage.yml", "alertmanager.example.yml"} <= {copy.name for copy in copies}


def test_the_schema_knows_the_exporters_options() -> None:
    """Each by its name, and no other: make chart."""
    assert chart.SCHEMA.read_text() == chart.schema()


def test_the_schema_takes_the_levels_and_formats_that_serve_takes() -> None:
    log = json.loads((CHART / "values.schema.json").read_text())["properties"]["log"]["properties"]

    assert tuple(log["level"]["enum"]) == get_args(LogLevel)
    assert tuple(log["format"]["enum"]) == get_args(LogFormat)


def test_the_schema_is_one_that_helm_understands(tmp_path: Path) -> None:
    """Draft 7, by its meta-schema; shipped values, and all examples, are judged with another program than helm."""
    examples = valued(laid(described()), tmp_path)
    assert json.loads(chart.SCHEMA.read_text())["$schema"] == "http://json-schema.org/draft-07/schema#"
    program = Path(sys.executable).with_name("check-jsonschema")
    checks: tuple[tuple[str | Path, ...], ...] = (
        ("--check-metaschema", chart.SCHEMA),
        ("--schemafile", chart.SCHEMA, CHART / "values.yaml", examples, *map(values, CASES)),
    )
    for options in checks:
        done = subprocess.run([program, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_chart_and_program_tell_the_same_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (told["appVersion"], told["name"]) == (project["version"], project["name"])


def test_the_readme_is_made_of_the_values(tmp_path: Path) -> None:
    """Each value with its meaning: make chart."""
    copy = tmp_path / "chart"
    shutil.copytree(CHART, copy)
    (copy / "README.md").unlink()
    subprocess.run([go_tool("helm-docs"), "--chart-search-root", copy, "--log-level", "warning"], check=True)
    assert (copy / "README.md").read_text() == (CHART / "README.md").read_text()


def test_without_dashboards_there_is_nothing_to_show(tmp_path: Path) -> None:
    """And each JSON file that is there becomes a ConfigMap with its text, below a name that no other release has."""
    copy = tmp_path / "chart"
    shutil.copytree(CHART, copy)
    shutil.rmtree(copy / "dashboards", ignore_errors=True)
    options = ("--set", "dashboards.enabled=true", "--show-only", "templates/dashboards.yaml")
    assert "could not find template" in template(*options, chart=copy).stderr

    (copy / "dashboards").mkdir()
    text = '{"title": "{{ not ours }} \\"é\\"",\n  "panels": []}\n'
    for name in ("chat-usage-overview.json", "chat-usage-company.json"):
        (copy / "dashboards" / name).write_text(text)
    found = list(yaml.safe_load_all(template(*options, chart=copy).stdout))

    name = "monitoring-chat-usage-chat-usage-exporter-dashboard"
    assert [each["data"] for each in found] == [{f"{name}-company.json": text}, {f"{name}-overview.json": text}]
    assert {each["metadata"]["labels"]["grafana_dashboard"] for each in found} == {"1"}
