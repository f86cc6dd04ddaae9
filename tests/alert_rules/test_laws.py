"""Every alert is silent below its limit, fires with exact labels and texts, clears, and works without its figure."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.alert_rules.laws import ALWAYS, LAWS, OF_LIMITS, STEP, Law
from tests.alert_rules.promtool import (
    FILES,
    Rule,
    Series,
    alerts,
    expected_alert,
    is_nested,
    run_tests,
    write_alert_test,
)
from tests.oncall.amtool import program

pytestmark = [pytest.mark.e2e, pytest.mark.once]


BY_EXTRAPOLATION = ("ChatUsageRulesFailing", "ChatUsageWebAuthFailures")
"""They use increase(), which Prometheus extrapolates and VictoriaMetrics does not."""


def rule_of(law: Law) -> Rule:
    """Returns the rule of a law; of two with one name, the one with its severity."""
    rules = alerts()[law.alert]
    return next(rule for rule in rules if len(rules) == 1 or law.fires["severity"] in str(rule["labels"]))


HERE = {"cluster": "c", "namespace": "team-a", "job": "exporter"}
PAIR = [{**HERE, "instance": "a"}, {**HERE, "instance": "b"}]
"""Two replicas of one job."""
ELSEWHERE = [{**HERE, label: "other"} for label in HERE]
"""Releases that differ in one label, with the same names of sources and companies."""


def cases(law: Law) -> list[Mapping[str, object]]:
    """Returns the cases of a law as three promtool tests."""
    before, during, after = map(law.time, law.at)
    missing = [] if law.without is None else [expected_alert(law.alert, law.without, law.value, law.texts)]
    here = [expected_alert(law.alert, {**law.fires, **in_place(law)}, law.value, law.texts)]
    one, other = ([*law.series(more={**more, **in_place(law)})] for more in PAIR)
    beside = [*one, *renamed(other)]
    beside += [series for more in ELSEWHERE for series in law.series(kept=True, more={**more, **of_job(law, more)})]
    firing = [expected_alert(law.alert, law.fires, law.value, law.texts)]
    return [
        case(law, "below, firing, clearing", law.series(), (before, []), (during, firing), (after, [])),
        case(law, "without the figure", law.series(missing=True), (during, missing)),
        case(law, "in a pair with two names of the company, beside other releases", beside, (during, here)),
    ]


def renamed(every: Sequence[Series]) -> list[Series]:
    """Returns the series of a replica that has an older name of the company."""
    return [
        each._replace(labels={**each.labels, "company": "Renamed"}) if "company" in each.labels else each
        for each in every
        if each.name != "chat_usage_company_info"
    ]


def in_place(law: Law) -> Mapping[str, str]:
    """Returns the labels of a release; `up` has the job."""
    return {**HERE, **of_job(law, HERE)}


def of_job(law: Law, labels: Mapping[str, str]) -> Mapping[str, str]:
    return {"job": law.of["job"]} if labels["job"] == HERE["job"] and "job" in law.of else {}


def case(law: Law, name: str, series: Sequence[Series], *looks: tuple[str, object]) -> Mapping[str, object]:
    """Returns a promtool test with the firing alerts at each checked moment."""
    return {
        "name": f"{law.name}: {name}",
        "interval": f"{law.step}m",
        "input_series": [each.document() for each in series],
        "alert_rule_test": [
            {"eval_time": time, "alertname": law.alert, "exp_alerts": expected} for time, expected in looks
        ],
    }


def test_every_alert_keeps_its_laws(promtool: str, tmp_path: Path) -> None:
    """Each alert with only its recordings; all in one run of promtool, with failures by law."""
    files = [
        write_alert_test(tmp_path, f"{n} {law.name}", cases(law), f"{law.step}m", rule_of(law))
        for n, law in enumerate(LAWS)
    ]
    found = run_tests(promtool, files)
    assert found == dict.fromkeys(found, "")


def test_vmalert_keeps_laws_too(tmp_path: Path) -> None:
    """Silent, firing with its texts, and clearing, with vmalert.

    There a recording is seen from the next evaluation on, for 5 minutes: alerts that read recordings of recordings
    want many evaluations, so those of limits stand for all.
    """
    asked = [
        (law, "4m" if law in OF_LIMITS else f"{law.step}m")
        for law in LAWS
        if law in OF_LIMITS or not (law.alert in BY_EXTRAPOLATION or is_nested(rule_of(law)))
    ]
    files = [
        write_alert_test(tmp_path, f"{n}", cases(law)[:1], every, rule_of(law)) for n, (law, every) in enumerate(asked)
    ]
    tool = str(program("vmalert-tool", "sid"))
    command = [tool, "unittest", "--disableAlertgroupLabel", *(f"--files={file.name}" for file in files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert len(asked) > 30
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_alert_has_a_law() -> None:
    """With all four cases; and every law has an alert."""
    rules = {(name, str(rule["labels"])) for name, each in alerts().items() for rule in each}
    laws = {(law.alert, law.fires.get("severity", "")) for law in LAWS}

    assert {name for name, _ in laws} | ALWAYS.keys() == alerts().keys()
    assert len([name for name, _ in rules if name not in ALWAYS]) == len({law.name for law in LAWS})
    assert [law.name for law in LAWS if law.below == law.breach] == []


def test_the_watchdog_fires_whatever_happens(promtool: str, tmp_path: Path) -> None:
    firing = [expected_alert("ChatUsageWatchdog", {}, "")]
    check = {"eval_time": "10m", "alertname": "ChatUsageWatchdog", "exp_alerts": firing}
    test = {"interval": STEP, "input_series": [], "alert_rule_test": [check]}
    (rule,) = alerts()["ChatUsageWatchdog"]
    file = write_alert_test(tmp_path, "watchdog", [test], STEP, rule)
    assert run_tests(promtool, [file]) == {file.name: ""}


def test_the_rules_are_clean(promtool: str) -> None:
    """With promtool's lint, which also finds duplicates."""
    command = [promtool, "check", "rules", "--lint=all", "--lint-fatal", *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
