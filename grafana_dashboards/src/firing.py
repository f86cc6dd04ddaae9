"""Firing alerts, as panels count and list them: by one query, so that all panels have the same number.

Severity info is on Alert tuning; a watchdog has severity none.
"""

from grafana_foundation_sdk.models.dashboard import DashboardLink, Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.language import PLAIN, SEVERITIES, Card, Query, states
from grafana_dashboards.src.queries import COMPANY, RELEASE_CHOSEN
from grafana_dashboards.src.tables import Column, Keys, table

RANKS = states({"2": ("critical", SEVERITIES["critical"]), "1": ("warning", SEVERITIES["warning"])})
WORDS = states({word: (word, colour) for word, colour in SEVERITIES.items()})
"""Colours the words of the label `severity`."""
TITLES = {"activity": "Activity", "company": "Company", "source": "Source", "report": "Report"}
WIDTHS = {"alertname": 225, "company": 160, "activity": 115, "source": 85, "report": 120}
LABELS = ("alertname", *COMPANY, "report", "activity", "tool")
"""What tells alerts apart that are one to a reader: two limits of one figure are one, the worse one."""
OF_FLEET = ('source=~"$source|"', 'company=~"$company|"')
"""Of the chosen, and what is about no source or no company: it is about all of them."""


NO_COMPANY = 'company_id=""'


def selected(*matchers: str, severity: str) -> str:
    """Returns the selector of firing alerts of ours."""
    every = ", ".join(('alertname=~"ChatUsage.+"', 'alertstate="firing"', severity, *RELEASE_CHOSEN, *matchers))
    return f"ALERTS{{{every}}}"


def firing_alerts(*matchers: str, severity: str, window: str = "") -> str:
    """Returns firing alerts, those about companies with their names: an alert knows its company by the id alone.

    Where a matcher of companies lets through none, those about no company too; with a `window` all that fired in it.
    """
    own = [each for each in matchers if not each.startswith("company")]
    companies = [each for each in matchers if each.startswith("company")]
    every = selected(*own, severity=severity)
    found = f"max_over_time({every}[{window}])" if window else every
    if not companies:
        return found
    without = (
        f" or {found.replace(every, selected(*own, NO_COMPANY, severity=severity))}" if "|" in companies[0] else ""
    )
    return frame.named(found, *(each.replace("|", "") for each in companies)) + without


def longest(most: int, *matchers: str) -> tuple[str, str]:
    """Returns when alerts fired, by `company` and `alert`, of at most so many, and something with the label `left_out`.

    Outages come first, as they explain holes, then what fired longest; the same ones at each moment of the time range.
    """
    rows, at = "company, alert", " @ end()"
    companies, sources = (
        [each for each in matchers if each.startswith("company") == of_companies] for of_companies in (True, False)
    )
    urgently = 'severity!~"info|none"'
    every, outages = (
        f"count_over_time({selected(*sources, *which, severity=urgently)}[$__range]{at})"
        for which in ((), (NO_COMPANY,))
    )
    named = frame.named(every, *(each.replace("|", "") for each in companies), at=at)
    rank = f"max by ({rows}) ({shortly(f'{named} or 1e6 * {outages}')})"
    fired = f"max by ({rows}) ({shortly(urgent(*matchers, window='1h'))})"
    return (
        f"{fired} and on ({rows}) topk({most}, {rank})",
        f'0 * count_values("left_out", count({rank}) - {most} > 0)',
    )


def urgent(*matchers: str, window: str = "") -> str:
    """Returns critical alerts and warnings."""
    return firing_alerts(*matchers, severity='severity!~"info|none"', window=window)


def firing(*matchers: str) -> str:
    """Returns 2 for each critical alert that fires and 1 for each warning."""
    by = ", ".join(LABELS)
    critical = firing_alerts(*matchers, severity='severity="critical"')
    return f"(2 * max by ({by}) ({critical}) or max by ({by}) ({urgent(*matchers)}))"


def shortly(expression: str) -> str:
    """Gives alerts the label `alert`, their name without what all names begin with."""
    return f'label_replace({expression}, "alert", "$1", "alertname", "ChatUsage(.+)")'


def firing_table(card: Card, labels: tuple[str, ...], *matchers: str) -> Panel:
    """A row for each alert that fires, the worst first; its name leads to the runbook, a company to its page."""
    links: dict[str, DashboardLink] = {"alertname": frame.to_runbook("Alert")}
    if "company" in labels:
        links["company"] = frame.to_dashboard("company", "This company", "source=Source", "company=Company")
    hidden = tuple(label for label in LABELS if label not in (*labels, "alertname"))
    keys = Keys({"alertname": "Alert", **{label: TITLES[label] for label in labels}}, hidden, links, WIDTHS)
    severity = Column(Query(firing(*matchers), "Severity"), PLAIN, 0, 95, leads=True, mappings=RANKS)
    return table(card, keys, [severity], "Severity")
