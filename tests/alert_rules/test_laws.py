"""Every alert: silent just below, firing with exact labels and words, cleared, and right without its figure."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.alert_rules.laws import ALWAYS, LAWS, STEP, Law
from tests.alert_rules.promtool import FILES, alerts, complaints, document, files_of, fired

pytestmark = [pytest.mark.e2e, pytest.mark.once]


def cases(law: Law) -> list[Mapping[str, object]]:
    """Returns the four cases of a law, in two tests of promtool."""
    before, during, after = (f"{step * 10}m" for step in law.at)
    firing = [fired(law.alert, law.fires, law.value)]
    missing = [] if law.without is None else [fired(law.alert, law.without, law.value)]
    checks = {
        "below, firing, clearing": ((before, []), (during, firing), (after, [])),
        "without the figure": ((during, missing),),
    }
    return [
        {
            "name": f"{law.name}: {name}",
            "interval": STEP,
            "input_series": [series.document() for series in law.series(missing=name == "without the figure")],
            "alert_rule_test": [
                {"eval_time": time, "alertname": law.alert, "exp_alerts": expected} for time, expected in looks
            ],
        }
        for name, looks in checks.items()
    ]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_an_alert_keeps_its_law(law: Law, promtool: str, tmp_path: Path) -> None:
    assert complaints(promtool, tmp_path, document(cases(law), STEP, files_of(law.alert))) == ""


def test_every_alert_has_a_law() -> None:
    """With all four cases: silent just below, firing, clearing, and without its figure; no law is of no alert."""
    rules = {(name, str(rule["labels"])) for name, each in alerts().items() for rule in each}
    laws = {(law.alert, law.fires.get("severity", "")) for law in LAWS}

    assert {name for name, _ in laws} | ALWAYS.keys() == alerts().keys()
    assert len([name for name, _ in rules if name not in ALWAYS]) == len({law.name for law in LAWS})
    assert [law.name for law in LAWS if law.below == law.breach] == []


def test_the_watchdog_fires_whatever_happens(promtool: str, tmp_path: Path) -> None:
    firing = [fired("ChatUsageWatchdog", {}, "")]
    check = {"eval_time": "10m", "alertname": "ChatUsageWatchdog", "exp_alerts": firing}
    test = {"interval": STEP, "input_series": [], "alert_rule_test": [check]}
    assert complaints(promtool, tmp_path, document([test], STEP, files_of("ChatUsageWatchdog"))) == ""


def test_the_rules_are_clean(promtool: str) -> None:
    """By promtool's own lint, which also finds duplicates."""
    command = [promtool, "check", "rules", "--lint=all", "--lint-fatal", *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
