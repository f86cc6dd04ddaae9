"""Each mistake in a definition is one line: file and line, option, what is wrong, and the remedy."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.domain.errors import ConfigError
from exporter.platforms.paradigm.platform import PLATFORM
from exporter.settings import Settings, load
from exporter.settings.definitions import DefinitionOptions, read
from tools.options import walk

ROOT = Path(__file__).parents[2]

GOOD = """\
prefix: acme
title: ACME Chat
base_url: https://api.acme.example
reports:
  usage:
    path: /usage
    period: {first: from, last: to}
    company_id: team
    days: days
    date: day
    measures:
      chats:
        help: Chats
        items: bots
        labels: {bot: name}
        value: n
"""
SOURCE = """\
sources:
  helpdesk:
    platform: declared
    definition: acme.yml
    api_key: a-key-of-acme
"""
USAGE = "reports.usage"
CHATS = f"{USAGE}.measures.chats"
WRONG: Mapping[str, tuple[str, str, str]] = {
    "a key mistyped": ("    path:", "    pth:", rf":6: {USAGE}.pth: unknown key, did you mean \"path\"?"),
    "a key in another place": ("    path:", "    help: x\n    path:", rf":6: {USAGE}.help: unknown key"),
    "no prefix": ("prefix: acme", "", "acme.yml: prefix: is missing; add it"),
    "a prefix that is no name": (
        "prefix: acme",
        "prefix: Acme-1",
        ':1: prefix: "Acme-1" is not a name; write lower-case letters',
    ),
    "a prefix of the exporter's own": ("prefix: acme", "prefix: python_x", ':1: prefix: "python_x" is the prefix of'),
    "no address": (
        "https://api.acme.example",
        "api.acme.example",
        ":3: base_url: is not a URL; write http(s):// and a host",
    ),
    "a credential in the address": (
        "https://",
        "https://u:p@",
        ":3: base_url: contains a user or password; leave them out",
    ),
    "an unknown way in": (
        "title:",
        "authentication: oauth\ntitle:",
        ':2: authentication: "oauth" is unknown; write bearer, basic, or header with its name: header X-Api-Key',
    ),
    "two lines in a header": (
        "title:",
        'headers: {A: "a\\nb"}\ntitle:',
        ":2: headers.A: is not a header value; write one line of ASCII",
    ),
    "an option that is there": (
        "title:",
        "options: {settle: Something}\ntitle:",
        ":2: options.settle: is an option of every source; rename it",
    ),
    "no reports": ("reports:", "others:", ":4: others: unknown key"),
    "a URL as path": (
        "/usage",
        "https://elsewhere.example/",
        f':6: {USAGE}.path: "https://elsewhere.example/" is not a path;',
    ),
    "a path that leads up": ("/usage", "/../admin", f':6: {USAGE}.path: "/../admin" is not a path;'),
    "a word for nothing": (
        "/usage",
        "/{org}/usage",
        ":5: reports.usage: {org} is not an option of the source; describe it under",
    ),
    "days, and no way to ask for them": (
        "    period: {first: from, last: to}\n",
        "",
        f"{USAGE}.date: needs period; say how",
    ),
    "no parameter for days": (
        "first: from, ",
        "",
        f":7: {USAGE}.period.day: needs either first (and last), or day:",
    ),
    "a parameter too many": (
        "first: from",
        "day: from",
        f":7: {USAGE}.period.last: cannot be combined with day; keep one",
    ),
    "two ways to ask for days": (
        "first: from",
        "first: from, day: date",
        f":7: {USAGE}.period.day: needs either first (and last), or day:",
    ),
    "an unknown form of days": (
        "last: to}",
        "last: to, format: second}",
        f':7: {USAGE}.period.format: no format "second"; did you mean "seconds"?',
    ),
    "no date": ("    date: day\n", "", f"{USAGE}.date: is missing; say where the date is, or ask for one day at once"),
    "two ways of paging": (
        "    days:",
        "    paging: {link: a, cursor: b}\n    days:",
        f":9: {USAGE}.paging.cursor: needs either link, or cursor and parameter; set one of",
    ),
    "a cursor for nothing": (
        "    days:",
        "    paging: {cursor: b}\n    days:",
        f":9: {USAGE}.paging.parameter: needs cursor; set both, or neither",
    ),
    "no way of paging": (
        "    days:",
        "    paging: {parameter: b}\n    days:",
        f":9: {USAGE}.paging.cursor: needs either link, or cursor and parameter; set one of",
    ),
    "days and companies": (
        "    date:",
        "    companies: all\n    date:",
        f":10: {USAGE}.companies: cannot be combined with days; keep one",
    ),
    "a name of no id": (
        "    company_id:",
        "    company:",
        f":8: {USAGE}.company: needs company_id; set both, or neither",
    ),
    "no expression": (
        "days: days",
        "days: days[",
        f':9: {USAGE}.days: "days[" is not a JMESPath expression: error at',
    ),
    "a function that is none": (
        "value: n",
        "value: summ(n)",
        f':16: {CHATS}.value: "summ(n)" calls summ(), which is no',
    ),
    "an expression that could explode": (
        "value: n",
        "value: '[a,b]|[a,b]|[a,b]'",
        f':16: {CHATS}.value: "[a,b]|[a,b]|[a,b]" combines values in more than 2 places',
    ),
    "no figure": ("        value: n\n", "", f":12: {CHATS}.value: is missing; add it"),
    "no help": ("        help: Chats\n", "", f":12: {CHATS}.help: is missing; add it"),
    "a full stop": ("help: Chats", "help: Chats.", f':13: {CHATS}.help: "Chats." ends with a full stop; leave it out'),
    "an unknown kind": (
        "value: n",
        "value: n\n        kind: total",
        f':17: {CHATS}.kind: no kind "total"; known: sum, ',
    ),
    "a level with days": (
        "value: n",
        "value: n\n        kind: level",
        f":12: {CHATS}: levels belong to no day, so their report has no period;",
    ),
    "a window in a name": (
        "chats:",
        "chats_7d:",
        f'{USAGE}.measures.…: "chats_7d" is not a name; write',
    ),
    "labels of nothing": (
        "        items: bots\n",
        "",
        f":14: {CHATS}.labels: needs items; set items as well, or",
    ),
    "too many labels": ("{bot: name}", "{bot: a, b: b, c: c}", f":15: {CHATS}.labels: has 3 entries; the maximum is 2"),
    "a label that is taken": (
        "{bot: name}",
        "{company: name}",
        f':15: {CHATS}.labels.company: "company" cannot be a label',
    ),
    "limits of nobody": (
        "value: n",
        "value: n\n        usual_limits: true",
        f":17: {CHATS}.usual_limits: needs activity; set activity as well",
    ),
    "a metric that is there": (
        "        value: n\n",
        "        value: n\n  more:\n    path: /m\n    measures:\n      chats: {help: Chats, kind: level, value: n}\n",
        ":20: reports.more.measures.chats: chats is already defined by usage.measures.chats; rename one of the two",
    ),
    "no measures": ("    measures:\n", "    other:\n", "reports.usage.measures: has 0 entries; describe 1 to 100"),
    "a title twice": (
        "title: ACME Chat",
        "title: ACME\ntitle: ACME",
        ':3: the key "title" is set again (first in line 2)',
    ),
    "a key twice": (
        "title: ACME Chat",
        "prefix: acme",
        ':2: the key "prefix" is set again (first in line 1); keep one',
    ),
    "no YAML": ("    path: /usage", "\tpath: /usage", ":6:1: a tab, where YAML allows only spaces"),
    "nothing": (GOOD, "", "acme.yml: prefix: is missing; add it"),
}


def complaints(folder: Path, definition: str | None, source: str = SOURCE) -> list[str]:
    """Returns the lines that an operator sees."""
    if definition is not None:
        (folder / "acme.yml").write_text(definition, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        configured(folder, source)
    return str(caught.value).splitlines()


def configured(folder: Path, source: str = SOURCE) -> Settings:
    (folder / "exporter.yml").write_text(source, encoding="utf-8")
    return load(folder / "exporter.yml", {}, {"paradigm": PLATFORM})


@pytest.mark.parametrize(("written", "instead", "line"), WRONG.values(), ids=WRONG)
def test_a_wrong_definition_is_one_good_line(tmp_path: Path, written: str, instead: str, line: str) -> None:
    assert GOOD.count(written) == 1
    wrong = GOOD.replace(written, instead)
    found = complaints(tmp_path, wrong)

    assert any(re.sub(r'\\"', '"', line) in each for each in found), found
    assert all(each.startswith(str(tmp_path / "acme.yml")) for each in found)
    assert len(found) <= 4, "one mistake, and what it entails"


def test_the_good_one_is_good(tmp_path: Path) -> None:
    """And equal to itself when it is read again, so that a reload changes nothing."""
    (tmp_path / "acme.yml").write_text(GOOD, encoding="utf-8")
    assert configured(tmp_path).sources["helpdesk"].platform == read(tmp_path / "acme.yml")
    assert configured(tmp_path).digest == configured(tmp_path).digest


def test_another_definition_is_another_platform(tmp_path: Path) -> None:
    """Held days are requested again, and the digest of the configuration changes."""
    (tmp_path / "acme.yml").write_text(GOOD, encoding="utf-8")
    before = configured(tmp_path)
    (tmp_path / "acme.yml").write_text(GOOD.replace("value: n", "value: m"), encoding="utf-8")
    after = configured(tmp_path)

    assert before.sources["helpdesk"].platform.version != after.sources["helpdesk"].platform.version
    assert before.digest != after.digest


MISUSED = {
    "no definition": (
        SOURCE.replace("    definition: acme.yml\n", ""),
        ":3: sources.helpdesk.platform: needs definition",
    ),
    "another platform": (
        SOURCE.replace("platform: declared", "platform: paradigm"),
        ":4: sources.helpdesk.definition: needs platform: declared; set both, or neither",
    ),
    "mistyped": (
        SOURCE.replace("declared", "declare"),
        'sources.helpdesk.platform: no platform "declare"; did you mean "declared"?',
    ),
    "no such file": (
        SOURCE.replace("acme.yml", "other.yml"),
        "other.yml: cannot be read (No such file or directory); give definition the path",
    ),
    "overridden": (
        SOURCE + "    overrides: {usage: {path: /v2}}\n",
        "sources.helpdesk.overrides.usage.fields: the reports of ACME Chat cannot be overridden; remove the override",
    ),
}


@pytest.mark.parametrize(("source", "line"), MISUSED.values(), ids=MISUSED)
def test_a_wrong_use_of_a_definition_is_one_good_line(tmp_path: Path, source: str, line: str) -> None:
    [found] = [each for each in complaints(tmp_path, GOOD, source) if line in each]
    assert found


@pytest.mark.parametrize("prefix", ["paradigm", "acme"])
def test_a_prefix_is_of_one_platform(tmp_path: Path, prefix: str) -> None:
    """A built-in platform or an earlier file may have it; several sources may share one file."""
    other = SOURCE.replace("sources:\n", "").replace("helpdesk", "sales")
    (tmp_path / "other.yml").write_text(GOOD.replace("prefix: acme", f"prefix: {prefix}"), encoding="utf-8")
    [line] = complaints(tmp_path, GOOD, SOURCE + other.replace("acme.yml", "other.yml"))

    assert f":8: sales.definition: its prefix {prefix} belongs to another platform" in line.replace("sources.", "")
    assert len(configured(tmp_path, SOURCE + other).sources) == 2


def test_no_metric_is_of_two_platforms(tmp_path: Path) -> None:
    """Whatever their prefixes."""
    other = GOOD.replace("prefix: acme", "prefix: acme_a").replace("chats:", "b:")
    (tmp_path / "other.yml").write_text(other, encoding="utf-8")
    second = SOURCE.replace("sources:\n", "").replace("helpdesk", "sales").replace("acme.yml", "other.yml")
    [line] = complaints(tmp_path, GOOD.replace("chats:", "a_b:"), SOURCE + second)
    assert "its prefix acme_a belongs to another platform" in line


def test_a_definition_can_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "acme.yml").write_text(GOOD, encoding="utf-8")
    environ = {
        "CHAT_USAGE_SOURCES__A__PLATFORM": "declared",
        "CHAT_USAGE_SOURCES__A__DEFINITION": str(tmp_path / "acme.yml"),
        "CHAT_USAGE_SOURCES__A__API_KEY": "a-key-of-acme",
    }
    assert load(None, environ, {}).sources["a"].platform.title == "ACME Chat"


def test_the_page_has_every_option_and_is_short() -> None:
    """`docs/declared-platforms.md`: each option is in one of its tables or its example."""
    page = (ROOT / "docs" / "declared-platforms.md").read_text(encoding="utf-8")
    options = {way[-1] for way, *_ in walk(DefinitionOptions)} - {"NAME"}
    assert [name for name in sorted(options) if not re.search(rf"\b{name}\b", page)] == []
    assert len(page.split()) <= 900
