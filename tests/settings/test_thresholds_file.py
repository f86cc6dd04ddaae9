"""Limits in a file of their own: all formats mean the same, and each mistake is reported with its line."""

import csv
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from exporter.domain.errors import ConfigError
from exporter.metrics.limits import Threshold
from exporter.platforms.registry import platforms
from exporter.settings import Settings, load

EXAMPLE = Path(__file__).parents[2] / "config" / "limits.example.csv"
SOURCES = "sources:\n  production: {platform: paradigm, api_key: a-key-in-a-test}\n"
CSV = """\
# What the contracts say.
company,activity,below,above,severity,team

17,user_queries,50,,critical,sales
name:Nor*,"likes,copies",off,2000.5,,
"""
YAML = """\
thresholds:
  - {company: 17, activity: user_queries, below: 50, severity: critical, team: sales}
  - {company: "name:Nor*", activity: [likes, copies], below: off, above: 2000.5}
"""
ENTRIES = (
    Threshold(("user_queries",), {"below": 50.0}, company="17", severity="critical", team="sales"),
    Threshold(("likes", "copies"), {"below": None, "above": 2000.5}, company="name:Nor*"),
)
Loads = Callable[[str, str], Settings]


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loads:
    """Returns a function that loads a configuration with a file of limits, given its name and content."""
    monkeypatch.chdir(tmp_path)

    def loaded(name: str, content: str) -> Settings:
        Path(name).write_text(content, encoding="utf-8")
        Path("exporter.yml").write_text(f"{SOURCES}thresholds_file: {name}\n")
        return load(Path("exporter.yml"), {}, platforms())

    return loaded


def limits(settings: Settings) -> tuple[Threshold, ...]:
    return settings.sources["production"].target.company_limits.thresholds[1:]


FORMS = {
    "CSV": ("limits.csv", CSV),
    "YAML": ("limits.yml", YAML),
    "of a spreadsheet": ("limits.csv", "\ufeff" + CSV.replace(",", ";").replace("likes;copies", "likes,copies")),
    "tabs": ("limits.TSV", CSV.replace(",", "\t").replace("likes\tcopies", "likes,copies")),
    "empty columns": ("limits.csv", CSV.replace("team", "team,,").replace("sales", "sales,,")),
    "lines of Windows": ("limits.csv", CSV.replace("\n", "\r\n")),
}


@pytest.mark.parametrize(("name", "content"), FORMS.values(), ids=FORMS)
def test_each_form_says_the_same(loads: Loads, name: str, content: str) -> None:
    assert limits(loads(name, content)) == ENTRIES


def test_its_entries_count_after_those_of_the_configuration(tmp_path: Path) -> None:
    """The path starts at the configuration's folder; an edit changes the digest."""
    (tmp_path / "limits.csv").write_text(CSV)
    file = tmp_path / "exporter.yml"
    file.write_text(f"{SOURCES}thresholds: [{{activity: likes, above: 9}}]\nthresholds_file: limits.csv\n")
    before = load(file, {}, platforms())
    (tmp_path / "limits.csv").write_text(CSV.replace("50", "60"))

    assert limits(before) == (Threshold(("likes",), {"above": 9.0}), *ENTRIES)
    assert before.digest != load(file, {}, platforms()).digest
    assert [(each.option, each.selector) for each in before.sources["production"].target.selectors["thresholds"]] == [
        ("thresholds", "*"),
        ("thresholds", "17"),
        ("thresholds", "name:Nor*"),
    ]


HEAD = "company,activity,below,severity\n"
WRONG = {
    "no number": (
        f"{HEAD}17,likes,4o,\n",
        'limits.csv:2: thresholds.1.below: "4o" is not a number; write one such as 50 or 0.5',
    ),
    "a percentage of a count": (
        f"{HEAD}17,likes,40%,\n",
        'limits.csv:2: thresholds.1.below: "40%" is a share, and likes a count; write a number',
    ),
    "a share without its unit": (
        f"{HEAD}17,liked_share,40,\n",
        'limits.csv:2: thresholds.1.below: "40" has no unit; write 40%, or a part of one such as 0.1',
    ),
    "a share of more than all": (
        f"{HEAD}17,liked_share,101%,\n",
        "limits.csv:2: thresholds.1.below: 101% is more than all; write a percentage from 0% to 100%",
    ),
    "two kinds": (
        f'{HEAD}17,"likes,liked_share",,\n',
        "limits.csv:2: thresholds.1.activity: mixes liked_share, a share, with counts; write an entry for each kind",
    ),
    "no activity": (
        f"{HEAD}17,like,4,\n",
        'limits.csv:2: thresholds.1.activity: there is no activity "like"; did you mean "likes"?',
    ),
    "no company": (
        f"# limits\n{HEAD}\n,likes,4,\n",
        "limits.csv:4: company is empty; write * for all companies",
    ),
    "no limit": (
        f"{HEAD}17,likes,4,\n18,likes,,info\n",
        "limits.csv:3: thresholds.2: the entry sets no limit; set one of: below, above, drop_ratio, "
        "spike_ratio, min_baseline, min_volume",
    ),
    "the floor of a count": (
        "company,activity,below,min_volume\n17,likes,4,5\n",
        "limits.csv:2: thresholds.1.min_volume: likes is no share; write min_baseline instead",
    ),
    "the floor of a share": (
        "company,activity,below,min_baseline\n17,liked_share,4%,5\n",
        "limits.csv:2: thresholds.1.min_baseline: liked_share is a share; write min_volume instead",
    ),
    "another column": (
        "company,activity,belw\n17,likes,4\n",
        'limits.csv:1: unknown column "belw", did you mean "below"?',
    ),
    "what may be a secret": ("key-1.of-somebody\n", 'limits.csv:1: unknown column "…", known: source, company, '),
    "no column of companies": ("activity,below\nlikes,4\n", "limits.csv:1: no column company; add it"),
    "a column twice": ("company,activity,below,below\n17,likes,4,5\n", "limits.csv:1: two columns below; keep one"),
    "a cell too many": (
        f"{HEAD}17,likes,4,info,copies\n",
        "limits.csv:2: more cells than columns; put quotes around a text with the separator",
    ),
    "half a quote": (
        f'{HEAD}"Nor"th,likes,4,\n',
        "limits.csv:2: ',' expected after '\"'; put quotes around a text with quotes",
    ),
    "nothing at all": ("", "limits.csv:1: no column company; add it"),
}


@pytest.mark.parametrize(("content", "line"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_refused_with_its_line(loads: Loads, content: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads("limits.csv", content)
    assert str(caught.value).startswith(line)


def test_yaml_has_its_lines_too(loads: Loads) -> None:
    with pytest.raises(ConfigError) as caught:
        loads("limits.yml", "thresholds:\n  - {activity: likes, below: 1}\n  - activity: likes\n    belw: 2\n")
    assert 'limits.yml:4: thresholds.2.belw: unknown key, did you mean "below"?' in str(caught.value).splitlines()


def test_a_file_that_is_not_there_is_named_beside_other_problems(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yml"
    file.write_text(f"{SOURCES}limit: 1\nthresholds_file: none.csv\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {}, platforms())
    assert str(caught.value).splitlines() == [
        f'{file}:3: limit: unknown key, did you mean "limits"?',
        f"{tmp_path}/none.csv: cannot be read (No such file or directory); give thresholds_file the path of a file",
    ]


def test_the_example_is_good(loads: Loads) -> None:
    """As it is, in a configuration with one source."""
    assert len(limits(loads("limits.csv", EXAMPLE.read_text()))) == 5


def contracts(companies: int) -> str:
    """Returns a row for each company, as a script would export contracts."""
    written = StringIO()
    rows = csv.writer(written)
    rows.writerow(("company", "activity", "below", "above", "severity", "team"))
    for number in range(1, companies + 1):
        rows.writerow((f"id:{number}", "user_queries", number % 90 + 10, 20000, "warning", f"team-{number % 7}"))
    return written.getvalue()


def test_400_contracts_are_read_in_no_time(loads: Loads) -> None:
    """In less than three seconds of CPU."""
    began = time.process_time()
    found = limits(loads("limits.csv", contracts(400)))
    assert time.process_time() - began < 3
    assert (len(found), found[399].company, found[399].team) == (400, "id:400", "team-1")
