"""What every dashboard has around its panels: variables, links, annotations, time; and how its rows are written down."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    DashboardLink,
    DashboardLinkType,
    Panel,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from grafana_dashboards.src.language import ACTIVITIES
from grafana_dashboards.src.queries import COMPANY, RELEASE, RELEASE_CHOSEN

PREFIX = "chat-usage"
TAG = "chat-usage"
DATA_SOURCE = DataSourceRef("prometheus", "${datasource}")
ALL = VariableOption(selected=True, text=["All"], value=["$__all"])
KNOWN_COMPANIES = f'label_values(chat_usage_company_info{{{", ".join(RELEASE_CHOSEN)}, source=~"$source"}}, company)'
DOCS = "https://example.org/chat-usage-exporter/docs"
"""Where the documentation is; the same stands in the alert rules, and the chart replaces both."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels below a headline, laid out from left to right and from top to bottom; a closed one is opened by a click."""

    title: str
    panels: Sequence[Panel]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A dashboard without what the finish adds; `name` completes its uid and file name; `text` says who it is for.

    `since` and `refresh` fit daily figures and the 15 days that Prometheus keeps by default.
    """

    name: str
    title: str
    text: str
    variables: Sequence[VariableModel]
    annotations: Sequence[AnnotationQuery]
    rows: Sequence[Row]
    since: str = "now-14d/d"
    refresh: str = "1h"


def data_source() -> VariableModel:
    """Lets one choose which Prometheus is asked."""
    return VariableModel(
        VariableType.DATASOURCE, "datasource", "Data source", query="prometheus", regex="", allow_custom_value=False
    )


def chosen(name: str, label: str, query: str, every: str | None = ".+") -> VariableModel:
    """Lets one choose any number of a label's values, all at first; `.+` for all leaves out series without the label."""
    made = _asked(name, label, query)
    made.multi, made.include_all, made.all_value, made.current = True, True, every, ALL
    return made


def releases() -> list[VariableModel]:
    """Lets one tell releases apart; `.*` for all, as a plain Prometheus has no cluster and no namespace."""
    return [
        chosen(name, name.capitalize(), f"label_values(chat_usage_exporter_build_info{{{', '.join(RELEASE_CHOSEN[:place])}}}, {name})", ".*")
        for place, name in enumerate(RELEASE)
    ]  # fmt: skip


def activities(selector: str) -> VariableModel:
    """Lets one choose activities that there are, said in words."""
    words = f'label_replace(count by (activity) ({selector}), "words", "$1", "activity", "(.+)")'
    for name, (text, _) in ACTIVITIES.items():
        words = f'label_replace({words}, "words", "{text}", "activity", "{name}")'
    made = _asked("activity", "Activity", f"query_result({words})")
    made.regex = '/activity="(?<value>[^"]+)".*words="(?<text>[^"]+)"/'
    return made


def one_of(name: str, label: str, query: str) -> VariableModel:
    """Lets one choose one of a label's values."""
    return _asked(name, label, query)


def several(variable: VariableModel, first: Sequence[str]) -> VariableModel:
    """Lets one choose any number of its values; `first` are chosen at first, those of them that exist."""
    variable.multi, variable.include_all, variable.all_value = True, True, ".+"
    variable.current = VariableOption(selected=True, text=[ACTIVITIES[name][0] for name in first], value=list(first))
    return variable


def fixed(name: str, label: str, values: Sequence[str], *, every: bool = False) -> VariableModel:
    """Lets one choose of values that are known; `every` allows any number of them, all at first."""
    options = [VariableOption(selected=number == 0 and not every, text=v, value=v) for number, v in enumerate(values)]
    made = VariableModel(VariableType.CUSTOM, name, label, query=",".join(values), options=options)
    made.current = VariableOption(selected=True, text=values[0], value=values[0])
    if every:
        made.multi, made.include_all, made.all_value, made.current = True, True, ".+", ALL
    return made


def history() -> VariableModel:
    """Lets one leave out what `backfill` sent."""
    return _every_source_or_none(
        "history", "Days", "with the history", "as scraped",
        "Backfilled days count as they were when they became final. Without any, there is no difference.",
    )  # fmt: skip


def recorded() -> VariableModel:
    """Lets one do without the recording rules."""
    return _every_source_or_none(
        "recorded", "Past", "from recording rules", "from scrapes",
        "Past days come from the hourly recordings of the alert rules. If these rules are not loaded, choose the scrapes; with "
        "hundreds of companies they take Prometheus many seconds.",
    )  # fmt: skip


def _every_source_or_none(name: str, label: str, every: str, none: str, text: str) -> VariableModel:
    """Lets one choose what matchers of `source` read as every source, which it is at first, or as none."""
    values = {every: ".+", none: "^$"}
    options = [VariableOption(selected=value == ".+", text=words, value=value) for words, value in values.items()]
    query = ",".join(f"{words} : {value}" for words, value in values.items())
    made = VariableModel(VariableType.CUSTOM, name, label, query=query, options=options, current=options[0])
    made.description = text
    return made


def sources() -> VariableModel:
    """Lets one choose sources, by a family that every source has whatever its reports hold."""
    return chosen("source", "Source", f"label_values(chat_usage_company_info{{{', '.join(RELEASE_CHOSEN)}}}, source)")


def companies() -> VariableModel:
    """Lets one choose companies of the chosen sources."""
    return chosen("company", "Company", KNOWN_COMPANIES)


def only_company() -> VariableModel:
    """Holds the company that is chosen where it is one alone, else nothing; it is not shown.

    What means nothing of several companies is selected by it, so that Prometheus reads nothing of them.
    """
    known = f"group by (company) (chat_usage_company_info{{{', '.join((*RELEASE_CHOSEN, *CHOSEN))}}})"
    made = _asked("only", "Only company", f"query_result({known} and on () count({known}) == 1)")
    made.regex, made.hide = '/company="(.+)"/', VariableHide.HIDE_VARIABLE
    return made


def modes() -> VariableModel:
    """Lets one choose chats, agents or both."""
    return fixed("mode", "Mode", ("chat", "agent"), every=True)


CHOSEN = ('source=~"$source"', 'company=~"$company"')
"""Matchers of the companies that are chosen."""


def named(alerts: str, *matchers: str, at: str = "") -> str:
    """Returns alerts about companies, those of the matchers, with their names; `at` is when those are read."""
    names = f"max by ({', '.join(COMPANY)}) (chat_usage_company_info{{{', '.join(matchers)}}}{at})"
    return f"({alerts}) * on ({', '.join(COMPANY[:-1])}) group_left ({COMPANY[-1]}) {names}"


def alerts(company: str = 'company=~"$company"') -> list[AnnotationQuery]:
    """Marks when alerts began to fire: outages, which explain a hole in every company, and if wanted those of companies.

    Those that inform, and a watchdog, are no news.
    """
    by = ", ".join((*RELEASE, "source"))
    ours = ('alertname=~"ChatUsage.+"', 'alertstate="firing"', 'severity!~"info|none"', *RELEASE_CHOSEN)
    outages = ", ".join((*ours, 'source=~"$source|"', 'company_id=""'))
    of_companies = ", ".join((*ours, 'source=~"$source"', 'company_id!=""'))
    return [
        _annotation("Outages", _begins(f"ALERTS{{{outages}}}", by), "red", "Outage {{source}}"),
        _annotation("Alerts of companies", named(_begins(f"ALERTS{{{of_companies}}}"), company), "orange", "{{alertname}} {{company}}", shown=False),
    ]  # fmt: skip


def _begins(selector: str, by: str = "") -> str:
    """Returns something at the first hour of firing alone: neighbouring moments would be joined to an area.

    With `by`, of the first of several alerts.
    """
    now, before = (f"max_over_time({selector}[1h]{offset})" for offset in ("", " offset 1h"))
    return f"group by ({by}) ({now}) unless group by ({by}) ({before})" if by else f"{now} unless {before}"


def restarts() -> AnnotationQuery:
    """Marks when an exporter was started anew."""
    target = ", ".join(RELEASE_CHOSEN)
    by = ", ".join((*RELEASE, "instance"))
    started = f"changes(process_start_time_seconds{{{target}}}[1h]) > 0"
    which = f"max by ({by}) (last_over_time(chat_usage_exporter_build_info{{{target}}}[1h]))"
    return _annotation("Exporter restarted", f"{started} and on ({by}) {which}", "blue", "{{instance}} restarted")


def built_in() -> AnnotationQuery:
    """Lets people write their own notes into the panels."""
    return AnnotationQuery(
        "Annotations & Alerts", DataSourceRef("grafana", "-- Grafana --"), True, True, "rgba(0, 211, 255, 1)",
        type_val="dashboard", built_in=1,
    )  # fmt: skip


def links() -> list[DashboardLink]:
    """Returns the way to the other dashboards, which keeps time and choice, and to the documentation."""
    return [
        DashboardLink(
            "Chat usage", DashboardLinkType.DASHBOARDS, "external link", "", "", [TAG],
            as_dropdown=True, include_vars=True, keep_time=True,
        ),
        DashboardLink(
            "How to read days", DashboardLinkType.LINK, "doc", "Which day a figure belongs to", f"{DOCS}/dashboards.md", [],
            target_blank=True,
        ),
    ]  # fmt: skip


def to_dashboard(name: str, title: str, *fields: str) -> DashboardLink:
    """Returns a link from a row of a table; `fields` are variables and the columns that they are set to: `company=Company`."""
    pairs = (field.split("=", 1) for field in fields)
    query = "".join(f'&var-{variable}=${{__data.fields["{column}"]:percentencode}}' for variable, column in pairs)
    kept = "&".join(f"${{{variable}:queryparam}}" for variable in ("datasource", *RELEASE))
    return DashboardLink(title, DashboardLinkType.LINK, url=f"/d/{PREFIX}-{name}?${{__url_time_range}}&{kept}{query}")


def to_runbook(column: str) -> DashboardLink:
    """Returns a link from an alert's name to what to do about it."""
    url = f'{DOCS}/runbooks/${{__data.fields["{column}"]}}.md'
    return DashboardLink("Runbook", DashboardLinkType.LINK, url=url, target_blank=True)


def _asked(name: str, label: str, query: str) -> VariableModel:
    return VariableModel(
        VariableType.QUERY,
        name,
        label,
        query={"query": query, "refId": f"variable-{name}"},
        definition=query,
        datasource=DATA_SOURCE,
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC,
        regex="",
    )


def _annotation(name: str, expression: str, colour: str, title: str, *, shown: bool = True) -> AnnotationQuery:
    return AnnotationQuery(
        name,
        DATA_SOURCE,
        shown,
        False,
        colour,
        expr=expression,
        step="1h",
        title_format=title,
        text_format="",
        tag_keys="",
    )
