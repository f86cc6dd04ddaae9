"""promtool of three suites accepts the shipped Prometheus example with all rules."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.oncall import shipped
from tests.oncall.amtool import program
from tests.oncall.shipped import SUITES, mapping, mappings

pytestmark = pytest.mark.e2e

IN_FORCE = "- /etc/prometheus/alert_rules/*.yml\n"
OPTIONAL = "# - /etc/prometheus/alert_rules/optional/*.yml\n"


@pytest.fixture(params=SUITES)
def promtool(request: pytest.FixtureRequest) -> Path:
    return program("promtool", request.param)


def test_the_example_is_valid_with_all_rules(promtool: Path, tmp_path: Path) -> None:
    """Including optional rules."""
    text = shipped.PROMETHEUS.read_text()
    assert IN_FORCE + "# Optional alerts; their runbooks say what each needs\n" + OPTIONAL in text
    file = tmp_path / "prometheus.yml"
    file.write_text(text.replace("# - ", "- ").replace("/etc/prometheus/alert_rules", str(shipped.RULES)))
    files = shipped.rule_files()

    done = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(files)} rule files found" in done.stdout


def test_commented_blocks_are_valid_too(promtool: Path, tmp_path: Path) -> None:
    """Except for the files that they name."""
    lines = shipped.PROMETHEUS.read_text().splitlines()
    blocks = (
        "# external_labels",
        "# storage:",
        "#   tsdb:",
        "#     out_of",
        "  # scheme:",
        "  # tls_config",
        "  # basic",
    )
    text = "\n".join(line.replace("# ", "", 1) if line.startswith(blocks) or "external_labels" in line else line
                     for line in lines if "rule_files" not in line and "alert_rules" not in line)  # fmt: skip
    config = mapping(yaml.safe_load(text))
    assert {"storage", "scrape_configs", "alerting"} <= config.keys()
    file = tmp_path / "prometheus.yml"
    (tmp_path / "exporter-ca.crt").touch()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "exporter_password").touch()
    file.write_text(text.replace("/etc/prometheus", str(tmp_path)))

    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", file], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alert_about_the_exporter_matches_the_job_of_the_example() -> None:
    (job,) = mappings(mapping(yaml.safe_load(shipped.PROMETHEUS.read_text()))["scrape_configs"])
    (down,) = [rule for rule in shipped.alerts() if rule["alert"] == "ChatUsageExporterDown"]

    assert f'up{{job="{job["job_name"]}"}}' in str(down["expr"])
