"""Options of platforms, limits and calendars of companies: good ones are read, wrong ones refused in one line."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from exporter.domain.errors import ConfigError
from exporter.domain.selectors import Selection
from exporter.metrics.limits import Threshold, built_in
from exporter.platforms.api import Account, Option, OptionKind, Override, Platform, Report
from exporter.platforms.jmespath_fields import Search
from exporter.platforms.paradigm import platform as paradigm
from exporter.platforms.registry import platforms
from exporter.settings import Settings, load
from tools.options import example

KEY = "a-key-in-a-test"


def equipped(report: Report, account: Account) -> Report:
    if account.options["workspace"] == "closed":
        raise ConfigError("the workspace is closed; choose another one")
    return report


def overridden(name: str, override: Override) -> Report:
    if unknown := sorted(override.components.keys() - {"VISITS"}):
        raise ConfigError(f"{name} has no component {unknown[0]}")
    return paradigm.REPORTS[name]


CAPTAIN = replace(
    paradigm.PLATFORM,
    name="captain",
    title="Captain",
    reports={"tools": paradigm.TOOLS},
    options=(
        Option("workspace", OptionKind.TEXT, "Which workspace it is.", "w-1", required=True),
        Option("nickname", OptionKind.TEXT, "What it is called.", "Desk", identifies=False),
        Option("rooms", OptionKind.SELECTION, "Which rooms are served.", ""),
    ),
    equipped=equipped,
    overridden=overridden,
)
PLATFORMS: Mapping[str, Platform] = {"paradigm": paradigm.PLATFORM, "captain": CAPTAIN}
GOOD = f"sources:\n  a: {{platform: paradigm, api_key: {KEY}}}\n  desk:\n    platform: captain\n    api_key: {KEY}\n"


def loaded(file: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    file.write_text(text)
    return load(file, environ or {}, PLATFORMS)


def complaints(file: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(file, text, environ)
    assert KEY not in str(caught.value)
    return str(caught.value).splitlines()


# Options that a platform adds.


def test_a_platform_s_own_options_stand_beside_the_common_ones(file: Path) -> None:
    """Texts are as written, selections have two lists; unset ones are None, or select everything."""
    options = "    workspace: 007\n    rooms: {include: [17, Bar*], exclude: [Barn]}\n    settle: 1h\n"
    sources = loaded(file, GOOD + options).sources

    assert sources["desk"].account == Account(
        "desk", {"workspace": "007", "nickname": None, "rooms": Selection(("17", "Bar*"), ("Barn",))}
    )
    assert sources["a"].account == Account("a", {})


def test_the_environment_sets_them_too(file: Path) -> None:
    environ = {
        "CHAT_USAGE_SOURCES__DESK__WORKSPACE": "w-2",
        "CHAT_USAGE_SOURCES__DESK__ROOMS__INCLUDE": '["Hall"]',
    }
    account = loaded(file, f"{GOOD}    workspace: w-1\n", environ).sources["desk"].account

    assert account.options == {"workspace": "w-2", "nickname": None, "rooms": Selection(("Hall",))}


OWN = {
    "missing": ("    settle: 1h\n", "exporter.yml:3: sources.desk.workspace: is missing; add it"),
    "empty": ('    workspace: ""\n', "exporter.yml:6: sources.desk.workspace: is empty"),
    "a list": ("    workspace: [a]\n", "exporter.yml:6: sources.desk.workspace: expected one value, not a list"),
    "misspelt": (
        "    workspace: w\n    nickename: x\n",
        'exporter.yml:7: sources.desk.nickename: unknown key, did you mean "nickname"?',
    ),
    "misspelt inside": (
        "    workspace: w\n    rooms: {inclde: [a]}\n",
        'exporter.yml:7: sources.desk.rooms.inclde: unknown key, did you mean "include"?',
    ),
    "no group": (
        "    workspace: w\n    rooms: all\n",
        "exporter.yml:7: sources.desk.rooms: expected options of its own",
    ),
    "refused by the platform": ("    workspace: closed\n", "exporter.yml:3: sources.desk: the workspace is closed"),
}


@pytest.mark.parametrize(("options", "start"), OWN.values(), ids=OWN)
def test_a_wrong_option_of_a_platform_is_named_with_its_line(file: Path, options: str, start: str) -> None:
    [line] = complaints(file, GOOD + options)
    assert line.startswith(start)


def test_another_platform_s_option_is_an_unknown_key(file: Path) -> None:
    [line] = complaints(file, f"sources:\n  a: {{platform: paradigm, api_key: {KEY}, workspace: w}}\n")
    assert line.startswith("exporter.yml:2: sources.a.workspace: unknown key")


def test_where_the_platform_is_misspelt_that_alone_is_wrong(file: Path) -> None:
    [line] = complaints(file, GOOD.replace("captain", "captian") + "    workspace: w\n")
    assert line == 'exporter.yml:4: sources.desk.platform: no platform "captian"; did you mean "captain"?'


def test_the_example_shows_the_options_of_installed_platforms(file: Path) -> None:
    """The example loads once its key files are there."""
    text = example(PLATFORMS)
    for name in ("paradigm", "captain"):
        Path(name).write_text(KEY)
        text = text.replace(f"/run/secrets/{name}", name)
    account = loaded(file, text).sources["support-bot"].account

    assert account.options == {"workspace": "w-1", "nickname": None, "rooms": Selection()}


# Components of an answer.


def test_components_are_read_and_compiled(file: Path) -> None:
    """Names in any case, because names in variables have no case."""
    options = "    workspace: w\n    overrides: {tools: {components: {visits: {items: a.b, label: n, value: c}}}}\n"
    component = loaded(file, GOOD + options).sources["desk"].overrides["tools"].components["VISITS"]

    assert component.items is not None
    assert Search().find(component.items, {"a": {"b": [1]}}) == [1]
    assert (component.series, component.time) == (None, None)


COMPONENTS = {
    "no value": ("{items: a, label: b}", "VISITS.value: is missing; add it"),
    "items alone": ("{items: a, value: b}", "VISITS.label: needs items; set both, or neither"),
    "label alone": ("{label: a, value: b}", "VISITS.label: needs items; set both, or neither"),
    "series alone": ("{series: a, value: b}", "VISITS.time: needs series; set both, or neither"),
    "both": ("{items: a, label: b, series: c, time: d, value: e}", "VISITS.series: cannot be combined with items"),
    "no expression": ("{value: '[['}", 'VISITS.value: "[[" is not a JMESPath expression'),
}


@pytest.mark.parametrize(("component", "words"), COMPONENTS.values(), ids=COMPONENTS)
def test_a_component_that_cannot_be_read_so_is_refused(file: Path, component: str, words: str) -> None:
    options = f"    workspace: w\n    overrides:\n      tools: {{components: {{VISITS: {component}}}}}\n"
    [line] = complaints(file, GOOD + options)
    assert line.startswith("exporter.yml:8: sources.desk.overrides.tools.components.")
    assert words in line


def test_a_component_that_the_platform_lacks_is_refused(file: Path) -> None:
    options = "    workspace: w\n    overrides:\n      tools: {components: {VISIT: {value: a}}}\n"
    [line] = complaints(file, GOOD + options)
    assert line == "exporter.yml:8: sources.desk.overrides.tools.components: tools has no component VISIT"


# Limits of activities.


def test_thresholds_follow_the_built_in_one_in_their_order(file: Path) -> None:
    """Each source has the entries that select it; numbers that name a company are texts; `off` removes a limit."""
    entries = (
        "    workspace: w\n"
        "thresholds:\n"
        "  - {company: 17, activity: user_queries, below: 50, severity: critical}\n"
        '  - {source: "des*", activity: [tool_uses, likes], above: off, spike_ratio: 2.5, min_baseline: 0}\n'
    )
    sources = loaded(file, GOOD + entries).sources
    first = Threshold(("user_queries",), {"below": 50.0}, company="17", severity="critical")
    second = Threshold(("tool_uses", "likes"), {"above": None, "spike_ratio": 2.5, "min_baseline": 0.0}, source="des*")

    assert sources["a"].target.company_limits.thresholds == (built_in(paradigm.CHAT_SESSIONS.measures), first)
    assert sources["desk"].target.company_limits.thresholds == (built_in(()), first, second)


@pytest.mark.parametrize(
    ("written", "limits"),
    [
        ("drop_ratio: 40%", {"drop_ratio": 0.4}),
        ("drop_ratio: 12.5 %", {"drop_ratio": 0.125}),
        ("spike_ratio: 300%", {"spike_ratio": 3.0}),
    ],
)
def test_a_ratio_may_be_a_percentage(file: Path, written: str, limits: Mapping[str, float]) -> None:
    entry = f"    workspace: w\nthresholds: [{{activity: user_queries, {written}}}]\n"
    _, given = loaded(file, GOOD + entry).sources["a"].target.company_limits.thresholds
    assert given.limits == limits


def test_the_environment_gives_thresholds_as_json(file: Path) -> None:
    environ = {"CHAT_USAGE_THRESHOLDS": '[{"company": "id:17", "activity": "likes", "above": 3}]'}
    found = loaded(file, f"{GOOD}    workspace: w\n", environ).sources["a"].target.company_limits.thresholds

    assert found[1:] == (Threshold(("likes",), {"above": 3.0}, company="id:17"),)
    [line] = complaints(file, f"{GOOD}    workspace: w\n", {"CHAT_USAGE_THRESHOLDS": "likes"})
    assert line == 'CHAT_USAGE_THRESHOLDS: thresholds: is not JSON; write [{"company": "id:17", ...}]'


THRESHOLDS = {
    "negative": ("below: -1", 'below: "-1" is not a number; write one such as 50 or 0.5'),
    "not a number": ("below: nan", 'below: "nan" is not a number'),
    "infinite": ("above: .inf", 'above: ".inf" is not a number'),
    "upside down": ("below: 9, above: 3", "above: 3 is less than below, which is 9"),
    "drop of too much": (
        "drop_ratio: 50",
        "drop_ratio: 50 is out of range; write a number between 0 and 1, such as 0.5 or 50%",
    ),
    "drop of nothing": ("drop_ratio: 0", "drop_ratio: 0 is out of range; write a number between 0 and 1"),
    "drop of all": ("drop_ratio: 1", "drop_ratio: 1 is out of range"),
    "no spike": ("spike_ratio: 1", "spike_ratio: 1 is out of range; write a number above 1"),
    "no limit": ("severity: info", "the entry sets no limit; set one of: below, above"),
    "severity": ("below: 1, severity: urgent", 'severity: no severity "urgent"; known: critical, warning, info'),
    "misspelt": ("belowe: 1, above: 9", 'belowe: unknown key, did you mean "below"?'),
    "source": ("below: 1, source: dsk", 'source: there is no source "dsk"; did you mean "desk"?'),
}


@pytest.mark.parametrize(("limits", "words"), THRESHOLDS.values(), ids=THRESHOLDS)
def test_a_threshold_that_makes_no_sense_is_refused_with_its_line(file: Path, limits: str, words: str) -> None:
    """Entries are counted from 1."""
    first = "  - {activity: user_queries, below: 1}\n"
    entries = f"    workspace: w\nthresholds:\n{first}  - {{activity: user_queries, {limits}}}\n"
    [line] = complaints(file, GOOD + entries)
    assert line.startswith("exporter.yml:9: thresholds.2")
    assert words in line


ACTIVITIES = {
    "misspelt": ("activity: user_querys, ", 'thresholds.1.activity: there is no activity "user_querys"; did you mean '),
    "none": ("activity: [], ", "thresholds.1.activity: names no activity; known: active_users, "),
    "missing": ("", "thresholds.1.activity: is missing; add it"),
}


@pytest.mark.parametrize(("activity", "words"), ACTIVITIES.values(), ids=ACTIVITIES)
def test_an_activity_that_no_report_has_is_refused(file: Path, activity: str, words: str) -> None:
    [line] = complaints(file, f"{GOOD}    workspace: w\nthresholds:\n  - {{{activity}below: 1}}\n")
    assert words in line


def test_thresholds_are_a_list(file: Path) -> None:
    [line] = complaints(file, f"{GOOD}    workspace: w\nthresholds: {{below: 1}}\n")
    assert line == 'exporter.yml:7: thresholds: expected a list of entries, each below a "-"'


PAGE = Path(__file__).parents[2] / "docs" / "limits.md"


def test_the_entries_of_the_manual_are_good(file: Path) -> None:
    """As they are on the page, with the source that one of them names."""
    text = PAGE.read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    sources = f"sources:\n  production: {{platform: paradigm, api_key: {KEY}}}\n"
    file.write_text("".join([sources, *blocks]))
    found = load(file, {}, platforms()).sources["production"]

    assert (len(found.target.company_limits.thresholds), len(found.target.company_limits.calendars)) == (7, 1)


def test_the_manual_names_every_activity() -> None:
    known = {
        activity.name
        for platform in platforms().values()
        for report in platform.reports.values()
        for measure in report.measures
        for activity in measure.activities
    }
    assert known <= set(re.findall(r"`(\w+)`", PAGE.read_text()))


# Calendars of companies.


def test_companies_keep_the_calendar_that_an_entry_names(file: Path) -> None:
    """Each source has the entries that select it, in order."""
    entries = (
        "    workspace: w\n"
        "calendars: {fr: {holidays: [2026-07-14]}}\n"
        "company_calendars:\n"
        "  - {company: id:17, calendar: fr}\n"
        '  - {source: desk, company: "name:Nor*", calendar: default}\n'
    )
    sources = loaded(file, GOOD + entries).sources

    assert [each.company for each in sources["a"].target.company_limits.calendars] == ["id:17"]
    assert [each.company for each in sources["desk"].target.company_limits.calendars] == ["id:17", "name:Nor*"]
    assert not sources["a"].target.company_limits.calendars[0].calendar.is_working(date(2026, 7, 14))


def test_a_calendar_that_is_not_there_is_refused(file: Path) -> None:
    [line] = complaints(file, f"{GOOD}    workspace: w\ncompany_calendars:\n  - {{company: a, calendar: defalt}}\n")
    assert line == 'exporter.yml:8: company_calendars.1.calendar: no calendar "defalt"; did you mean "default"?'


def test_label_limits_are_those_of_the_contract(file: Path) -> None:
    file.write_text(f"sources: {{a: {{platform: paradigm, api_key: {KEY}}}}}\nlabel_limits: {{intents: 7}}\n")
    limits = load(file, {}, platforms()).sources["a"].target.limits

    expected = {"tools": 50, "languages": 30, "intents": 7, "steps": 30, "reasons": 20, "channels": 50}
    assert (limits.values, limits.value_length) == (expected, 128)
