"""Overrides say where a report and its figures are; wrong ones are refused with their place."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from exporter.domain.errors import ConfigError
from exporter.domain.model import Days, Kind
from exporter.domain.scope import Scope
from exporter.platforms.api import Override, Platform
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.settings import load

HEAD = "sources:\n  a:\n    platform: paradigm\n    api_key: sk-good-key\n    overrides:\n"
PLACE = "CHAT_USAGE_SOURCES__A__OVERRIDES__"


def overrides(
    file: Path, written: str, environ: Mapping[str, str] | None = None, platform: Platform = PLATFORM
) -> Mapping[str, Override]:
    """Loads lines below `overrides:`, which start at line 6."""
    file.write_text(HEAD + "".join(f"      {line}\n" for line in written.splitlines()), encoding="utf-8")
    return load(file, environ or {}, {"paradigm": platform}).sources["a"].overrides


def test_a_path_is_where_the_report_is_asked(file: Path) -> None:
    """Its measures, and how its answer is read, stay the same."""
    given = overrides(file, "users: {path: /api/v3/reporting/members/}")

    report = PLATFORM.configured("users", given["users"])

    assert report == replace(PLATFORM.reports["users"], path="/api/v3/reporting/members/")  # type: ignore[type-var]  # is one


def test_polls_ask_where_the_operator_says(file: Path) -> None:
    """The other reports are requested at their documented paths."""
    overrides(file, "users: {path: /api/v3/reporting/members/}")
    days = Days(date(2026, 3, 1), date(2026, 3, 2))

    reports = load(file, {}, {"paradigm": PLATFORM}).sources["a"].target.reports

    asked = {report.name: report.plan(days, Scope())[0].path for report in reports}
    assert asked.pop("users") == "/api/v3/reporting/members/"
    assert asked == {name: f"/api/v2/reporting/{name}/" for name in PLATFORM.reports if name != "users"}


def test_fields_have_the_defaults_of_the_common_envelope(file: Path) -> None:
    """Fields that all reports share have defaults."""
    fields = overrides(file, "tools: {fields: {days: dates, items: tools, label: name, value: n}}")["tools"].fields

    assert fields is not None
    written = {name: getattr(fields, name).text for name in ("entries", "company_id", "company", "date", "value")}
    assert written == {
        "entries": "reporting",
        "company_id": "company.id",
        "company": "company.name",
        "date": "date",
        "value": "n",
    }


def test_without_days_the_figures_are_levels(file: Path) -> None:
    """They belong to no day and get no window."""
    given = overrides(file, "user-activities: {fields: {value: n}}")

    report = PLATFORM.configured("user-activities", given["user-activities"])

    assert [measure.kind for measure in report.measures] == [Kind.LEVEL]
    assert not report.has_days


def test_nothing_set_is_no_override(file: Path) -> None:
    """The example file has empty groups."""
    assert overrides(file, "tools: {fields: }\nusers:") == {}


def test_a_variable_reaches_a_report_whose_name_has_a_hyphen(file: Path) -> None:
    """With an entry in the file or without one."""
    variable = {f"{PLACE}USER_ACTIVITIES__PATH": "/b/"}

    for written in ("user-activities: {path: /a/}", "tools: {path: /c/}"):
        assert overrides(file, written, variable)["user-activities"] == Override("/b/")


WRONG = {
    "unknown report": (
        "tols: {path: /a/}",
        '6: sources.a.overrides.tols: LightOn Paradigm has no report "tols"; did you',
    ),
    "unknown option": ("tools: {pat: /a/}", '6: sources.a.overrides.tools.pat: unknown key, did you mean "path"?'),
    "url": ("tools: {path: 'https://x.example/a/'}", "6: sources.a.overrides.tools.path: "),
    "other host": (
        "tools: {path: //x.example/a/}",
        '6: sources.a.overrides.tools.path: "//x.example/a/" is not a path',
    ),
    "query": ("tools: {path: '/a/?start_date=2020-01-01'}", "6: sources.a.overrides.tools.path: "),
    "fragment": ("tools: {path: '/a/#x'}", "6: sources.a.overrides.tools.path: "),
    "upwards": ("tools: {path: /a/../b/}", "6: sources.a.overrides.tools.path: "),
    "backslash": ("tools: {path: '/\\x.example/'}", "6: sources.a.overrides.tools.path: "),
    "relative": ("tools: {path: a/}", "6: sources.a.overrides.tools.path: "),
    "no expression": (
        "tools:\n  fields:\n    value: 'a['",
        '8: sources.a.overrides.tools.fields.value: "a[" is not a JMESPath expression: error at character 3; ',
    ),
    "unknown function": (
        "tools:\n  fields:\n    value: 'a[].{x: sizeof(@)}'",
        '8: sources.a.overrides.tools.fields.value: "a[].{x: sizeof(@)}" calls sizeof(), which is not a JMESPath ',
    ),
    "too few arguments": (
        "tools: {fields: {value: join(a)}}",
        'value: "join(a)" calls join() with 1 arguments; it takes 2;',
    ),
    "too many arguments": ("tools: {fields: {value: 'length(a, b)'}}", "calls length() with 2 arguments; it takes 1; "),
    "none of many": ("tools: {fields: {value: merge()}}", "calls merge() with 0 arguments; it takes at least 1; "),
    "nested": (f"tools: {{fields: {{value: '{'(' * 3000}'}}}}", " is nested too deeply; "),
    "no value": ("tools:\n  fields:\n    items: tools", "8: sources.a.overrides.tools.fields.value: is missing; give "),
    "date without days": (
        "tools: {fields: {date: d, value: n}}",
        "fields.date: needs days; set both, or leave date",
    ),
    "label without items": ("tools: {fields: {label: l, value: n}}", "fields.label: needs items; set both, or "),
    "no label": (
        "tools: {fields: {days: d, value: n}}",
        "overrides.tools.fields: tools is counted by tool; set items and ",
    ),
    "label of people": (
        "user-activities: {fields: {items: users, label: email, value: n}}",
        "6: sources.a.overrides.user-activities.fields: user-activities has one figure per company and no ",
    ),
    "documented": (
        "users: {fields: {value: n}}",
        "overrides.users.fields: the shape of users is documented, so only path ",
    ),
    "twice": (
        "user-activities: {path: /a/}\nuser_activities: {path: /b/}",
        "7: sources.a.overrides.user_activities: is ",
    ),
    "no group": ("- tools", "5: sources.a.overrides: expected options of its own, one per line below it"),
}


@pytest.mark.parametrize(("written", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_place_when_the_configuration_loads(
    file: Path, written: str, message: str
) -> None:
    """One line: the place, the option, what is wrong, and what to write instead."""
    with pytest.raises(ConfigError) as caught:
        overrides(file, written)

    (line,) = str(caught.value).splitlines()
    assert message in line
    assert line.startswith("exporter.yml:")


def test_calls_with_more_arguments_than_named_are_good_where_the_function_takes_them(file: Path) -> None:
    """`merge` takes one or more arguments."""
    assert overrides(file, "user-activities: {fields: {value: 'merge(a, b, c).n'}}")


def test_a_platform_without_the_option_refuses_it(file: Path) -> None:
    """An option that would not be used is an error."""
    with pytest.raises(ConfigError, match=r"the reports of LightOn Paradigm cannot be overridden; remove the override"):
        overrides(file, "tools: {path: /a/}", platform=replace(PLATFORM, overridden=None))


def test_a_wrong_platform_is_said_once(file: Path) -> None:
    """Its reports are unknown, so overrides are not checked."""
    file.write_text(HEAD.replace("paradigm", "paradigma") + "      tools: {path: /a/}\n")

    with pytest.raises(ConfigError) as caught:
        load(file, {}, {"paradigm": PLATFORM})

    (line,) = str(caught.value).splitlines()
    assert 'no platform "paradigma"; did you mean "paradigm"?' in line
