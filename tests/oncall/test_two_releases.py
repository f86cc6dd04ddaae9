"""Two releases with the same sources and companies, and two that are down, in one real Prometheus."""

from contextlib import ExitStack
from pathlib import Path
from time import time

import httpx
import pytest
import yaml

from tests.e2e import programs
from tests.e2e.prometheus import started
from tests.e2e.test_prometheus import serving
from tests.oncall import shipped
from tests.oncall.shipped import Config, mapping, mappings

pytestmark = [pytest.mark.e2e, pytest.mark.once]

JOB = "chat-usage-exporter"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
TUNED = "ChatUsageActivityDropped"
"""The chart's example makes it critical, whatever the limits' severity."""
REPORT = 'source="production",report="chat-sessions"'
ACTIVITY = f'{REPORT},company_id="1",company="Northwind",activity="user_queries"'


def page(success: float, figure: int) -> bytes:
    """Returns the exposition of a release with one company and with fixed and baseline limits of both severities."""
    limits = [
        f'chat_usage_activity_limit{{{ACTIVITY},bound="lower",basis="{basis}",severity="{severity}"}} {value}'
        for basis in ("fixed", "usual")
        for severity, value in (("warning", 50), ("critical", 10))
    ]
    lines = [
        'chat_usage_exporter_build_info{version="1"} 1',
        f"chat_usage_poll_last_success_timestamp_seconds{{{REPORT}}} {success}",
        f"chat_usage_poll_interval_seconds{{{REPORT}}} 3600",
        'chat_usage_settle_seconds{source="production"} 21600',
        f"chat_usage_report_day_timestamp_seconds{{{REPORT}}} {time() - 129600}",
        f"chat_usage_report_supported{{{REPORT}}} 1",
        f"chat_usage_activity_last_working_day{{{ACTIVITY}}} {figure}",
        *limits,
    ]
    return ("\n".join(lines) + "\n").encode()


def at_once(groups: list[Config], mark: str = "") -> Config:
    """Returns groups without `for`; of the chart's only the alert that it changes."""

    def kept(rule: Config) -> bool:
        return not mark or ("record" not in rule and rule["alert"] == TUNED)

    waits = {"for", "keep_firing_for"}
    return {
        "groups": [
            {
                "name": f"{mark}{group['name']}",
                "interval": "500ms",
                "rules": [
                    {key: value for key, value in rule.items() if key not in waits}
                    for rule in mappings(group["rules"])
                    if kept(rule)
                ],
            }
            for group in groups
        ]
    }


def rules(folder: Path) -> None:
    """Writes the default rules, and those of the chart with a fixed severity."""
    for path in shipped.rule_files(optional=False):
        groups = mappings(mapping(yaml.safe_load(path.read_text()))["groups"])
        (folder / path.name).write_text(yaml.safe_dump(at_once(groups)))
    golden = yaml.safe_load_all((shipped.ROOT / "tests" / "helm" / "golden" / "rules-tuned.yaml").read_text())
    (tuned,) = [each for each in golden if each and each["kind"] == "PrometheusRule"]
    (folder / "tuned.yml").write_text(yaml.safe_dump(at_once(tuned["spec"]["groups"], "tuned-")))


def test_releases_do_not_affect_each_other(tmp_path: Path) -> None:
    """One is up to date; in one polls have failed for 12 hours and the company is at 0; two are down."""
    pages = {"a": page(time(), 500), "b": page(time() - 43_200, 0)}
    with ExitStack() as stack:
        served = {name: stack.enter_context(serving(TEXT, body)) for name, body in pages.items()}
        targets = {name: f"127.0.0.1:{each.server_port}" for name, each in served.items()}
        targets |= {name: f"127.0.0.1:{programs.free_port()}" for name in ("c", "d")}
        static = [{"targets": [each], "labels": {"namespace": name}} for name, each in targets.items()]
        rules(tmp_path)
        config: Config = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
            "rule_files": [f"{tmp_path}/*.yml"],
            "scrape_configs": [{"job_name": JOB, "static_configs": static}],
        }
        file = tmp_path / "prometheus.json"
        file.write_text(yaml.safe_dump(config))
        server = stack.enter_context(started(programs.find("prometheus"), tmp_path, file))
        every = 'ALERTS{alertstate="firing"}'
        server.wait_until(f'count(ALERTS{{team="assistants"}}) == 1 and on () count({every}) >= 8', 60)
        found = sorted(
            (each.labels["alertname"].removeprefix("ChatUsage"), each.labels["namespace"], each.labels["severity"])
            for each in server.query(every)
        )
        told = httpx.get(f"{server.url}/api/v1/rules", trust_env=False).json()["data"]["groups"]
        assert [rule["lastError"] for group in told for rule in group["rules"] if rule["health"] != "ok"] == []
    assert found == [
        ("ActivityDropped", "b", "critical"),
        ("ActivityDropped", "b", "critical"),  # the chart's
        ("ActivityDropped", "b", "warning"),
        ("BelowThreshold", "b", "critical"),
        ("BelowThreshold", "b", "warning"),
        ("ExporterDown", "c", "warning"),
        ("ExporterDown", "d", "warning"),
        ("ReportFetchFailing", "b", "warning"),
    ]
