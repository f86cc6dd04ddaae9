"""Rules for the JSON of all six dashboards, which keep them consistent."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from promql_parser import MatchOp, VectorSelector, parse, walk

from exporter.cli.metrics import catalogue
from exporter.web.status.text import activity_label
from grafana_dashboards.src.language import ACTIVITIES
from tests.dashboards.shipped import (
    FILES,
    Object,
    an_object,
    annotations,
    objects,
    panels,
    read,
    strings,
    targets,
    variables,
)
from tests.dashboards.test_expressions import OF_HISTORY, plain

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)

RELEASE = ("cluster", "namespace", "job")
LABELS = {family.name: frozenset(family.label_names) for family in catalogue()}
OF_RULES = re.compile(r"prometheus_rule_")
"""Metrics of Prometheus itself."""
OF_COMPANY = ("source", "company_id", "company")
OF_REPORT = frozenset(("source", "report"))
RECORDED = {
    "source_report:chat_usage_report_fresh:bool": OF_REPORT,
    **{f"company:{name}:yesterday": labels for name, labels in LABELS.items()},
}
SCALES: Mapping[str, tuple[float, ...]] = {
    "liked": (0.6, 0.75),
    "answered": (0.85, 0.93),
    "of the baseline": (0.5, 0.8),
    "good polls": (0.99,),
    "days read": (1.0,),
    "accepted, 7 days": (0.5, 0.8),
    "share of the baseline": (0.5, 0.8, 1.5),
    "closest to the lower limit": (1.0, 1.5),
    "against 28 days": (-10.0, -3.0),
    "grounded, against 28 days": (-10.0, -3.0),
    "grounding: who moved most": (-10.0, -3.0),
}
"""Prefixes of titles of coloured shares, and their thresholds."""
SEVERITIES = {"critical": "red", "warning": "orange", "info": "blue"}


@every_file
def test_links_and_annotations_are_visible(path: Path) -> None:
    """By default the SDK puts them into the controls menu."""
    assert "inControlsMenu" not in set(strings(read(path)))
    assert objects(read(path)["links"])


@every_file
def test_annotations_mark_outages_and_optionally_companies(path: Path) -> None:
    """The built-in entry allows manual annotations; informational alerts are not marked."""
    notes = {str(each["name"]): each for each in annotations(read(path))}
    assert list(notes)[:3] == ["Annotations & Alerts", "Outages", "Alerts of companies"]
    assert {name for name, each in notes.items() if not each["enable"]} == {"Alerts of companies"}
    for name in ("Outages", "Alerts of companies"):
        expression = str(notes[name]["expr"])
        assert 'severity!~"info|none"' in expression
        assert ('company_id=""' in expression) == (name == "Outages")
        assert " unless " in expression, "neighbouring moments become an area"


NAMES = re.compile(
    r"on \(cluster, namespace, job, source, company_id\) group_left \(company\) max by \([^)]*\)"
    r' \(chat_usage_company_info\{company(?:=~?"\$company"|!="")\}(?: @ end\(\))?\)'
)
"""Selected company names, joined to alerts of the same release and source, which have none."""


def chosen(document: Object, selector: VectorSelector) -> Iterator[str]:
    """Yields the variables that a selector must use, by the labels of its family."""
    name = str(selector.name or "")
    if OF_RULES.match(name):
        return
    found = variables(document)
    yield from RELEASE
    known = name.removesuffix("_bucket")
    labels = LABELS.get(known) or RECORDED.get(name) or frozenset(OF_COMPANY if name in OF_HISTORY else ())
    if name == "ALERTS":
        labels = frozenset(("source",))
    yield from (label for label in ("source", "company", "mode") if label in labels and label in found)
    if "instance" in found and name != "ALERTS":
        yield "instance"


@every_file
def test_every_query_uses_the_selection(path: Path) -> None:
    """Each selector uses every variable whose label its series have, so that releases are not mixed."""
    document, missing = read(path), []
    asked = [(str(panel["title"]), str(each["expr"])) for panel, each in targets(document)]
    asked += [(str(each["name"]), str(each["expr"])) for each in annotations(document) if "expr" in each]
    for title, expression in asked:
        if "ALERTS" in expression and "company" in variables(document) and 'company_id=""' not in expression:
            assert NAMES.search(expression), title
        for selector in selectors(NAMES.sub("on () group_left () vector(1)", expression)):
            matched = {
                matcher.name
                for matcher in selector.matchers.matchers
                if matcher.op != MatchOp.NotEqual and matcher.name != "__name__"
            }
            wanted = set(chosen(document, selector)) - ({"instance"} if title == "Exporter restarted" else set())
            missing += [f"{title}: {selector.name} by {each}" for each in wanted - matched]
    assert missing == []


def selectors(expression: str) -> Iterator[VectorSelector]:
    """Yields every selector of a query."""
    found: list[object] = []
    walk(parse(plain(expression)), found.append)
    yield from (each for each in found if isinstance(each, VectorSelector))


@every_file
def test_variables_narrow_each_other(path: Path) -> None:
    """Sources, companies and activities are those of the selected release."""
    for name, each in variables(read(path)).items():
        if each["type"] == "query" and name not in RELEASE:
            assert all(f'{label}=~"${label}"' in str(each["definition"]) for label in RELEASE), name


BY = rf"max by \(alertname[^)]*\) \(\(ALERTS\{{[^}}]*\}}\) \* {NAMES.pattern}(?: or ALERTS\{{[^}}]*\}})?\)"
CORE = re.compile(rf"\(2 \* {BY} or {BY}\)")


@every_file
def test_alerts_are_counted_and_listed_by_the_same_query(path: Path) -> None:
    """Count, list and column of a dashboard use the same query."""
    found = defaultdict(set)
    for panel, target in targets(read(path)):
        expression = str(target["expr"])
        if target["instant"] and "ALERTS" in expression and "_over_time" not in expression:
            found[CORE.sub("", expression) == expression].add(str(panel["title"]))
            assert len(CORE.findall(expression)) == 1, panel["title"]
    kept = {core for _, target in targets(read(path)) for core in CORE.findall(str(target["expr"]))}
    assert len(kept) <= 1
    assert not found[True]
    assert ("Firing now" in found[False]) == (path.stem in ("chat-usage-overview", "chat-usage-company"))


def coloured(document: Object) -> Iterator[tuple[str, str, tuple[float, ...]]]:
    """Yields title, unit and thresholds of everything with colours."""
    for panel in panels(document):
        config = an_object(panel["fieldConfig"])
        defaults = an_object(config["defaults"])
        yield str(panel["title"]), str(defaults["unit"]), steps(defaults)
        for override in objects(config["overrides"]):
            properties = {str(each["id"]): each["value"] for each in objects(override["properties"])}
            if "thresholds" in properties:
                name = str(an_object(override["matcher"])["options"])
                yield name, str(properties.get("unit", defaults["unit"])), steps(properties)


def steps(holder: Object) -> tuple[float, ...]:
    """Returns the thresholds."""
    return tuple(
        float(str(each["value"]))
        for each in objects(an_object(holder["thresholds"])["steps"])
        if each["value"] is not None
    )


@every_file
def test_a_figure_has_the_same_thresholds_everywhere(path: Path) -> None:
    """And its complement is shown nowhere."""
    for name, unit, found in coloured(read(path)):
        assert "disliked" not in name.casefold()
        if unit in ("percentunit", "suffix:pp") and found:
            what = name.casefold()
            (scale,) = {SCALES[each] for each in SCALES if what.startswith(each) or what == f"least {each}"}
            assert found in (scale, (*scale, 1.5)), name


@every_file
def test_limits_have_colours_by_severity_and_dashes_by_direction(path: Path) -> None:
    for panel in panels(read(path)):
        legends = {str(each["refId"]): str(each.get("legendFormat")) for each in objects(panel["targets"])}
        limits = {letter: legend for letter, legend in legends.items() if "limit," in legend}
        if not limits:
            continue
        by_name, dashes = {}, {}
        for override in objects(an_object(panel["fieldConfig"])["overrides"]):
            matcher = an_object(override["matcher"])
            properties = {str(each["id"]): each["value"] for each in objects(override["properties"])}
            if matcher["id"] == "byRegexp" and "color" in properties:
                by_name[str(matcher["options"])] = an_object(properties["color"])["fixedColor"]
            if matcher["options"] in limits:
                assert "color" not in properties
                dashes[limits[str(matcher["options"])].split()[0]] = str(properties["custom.lineStyle"])
        assert by_name == {f"/limit, .*, {severity}$/": colour for severity, colour in SEVERITIES.items()}
        assert len(set(dashes.values())) == len(dashes) == 2, panel["title"]
        assert all(legend.endswith("{{severity}}") for legend in limits.values())


@every_file
def test_every_column_has_a_title(path: Path) -> None:
    """Grafana names a value after its query only if several queries have results."""
    for panel in panels(read(path)):
        if panel["type"] == "table":
            (organize,) = (each for each in objects(panel["transformations"]) if each["id"] == "organize")
            renamed = an_object(an_object(organize["options"])["renameByName"])
            assert renamed["Value"] in {each["legendFormat"] for each in objects(panel["targets"])}, panel["title"]
            assert panel["title"] != "Limits in force" or renamed["Value"] == "Limit"


@every_file
def test_durations_have_units_and_titles_are_words(path: Path) -> None:
    """A label value is no title."""
    for panel in panels(read(path)):
        title, unit = str(panel["title"]), an_object(an_object(panel["fieldConfig"])["defaults"])["unit"]
        assert "_" not in re.sub(r"\$\{?\w+(:text\})?", "", title)
        assert "$activity" not in title
        if re.search(r"length|duration|\btime\b|age of|waiting|clock|scrapes|until", title, re.IGNORECASE):
            assert unit == "s", title
        for target in objects(panel["targets"]):
            assert target.get("legendFormat") != "{{activity}}", title


@every_file
def test_panels_of_days_mention_the_backfill(path: Path) -> None:
    """On the first day there are no past days without it."""
    for panel in panels(read(path)):
        nothing = str(an_object(an_object(panel["fieldConfig"])["defaults"])["noValue"])
        is_chart = panel["type"] in ("timeseries", "status-history")
        if is_chart and any(each.get("interval") == "1d" for each in objects(panel["targets"])):
            assert "first scrape" in nothing, panel["title"]
            assert "backfill" in nothing, panel["title"]


def test_activities_are_called_as_on_the_status_page() -> None:
    labels = {name: called for name, (called, _) in ACTIVITIES.items()}
    assert {name: activity_label(name) for name in ACTIVITIES} == labels
