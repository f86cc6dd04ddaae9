"""Alerts that fire, as panels ask for them; those of severity none (a watchdog) are no news."""

from grafana_foundation_sdk.models.dashboard import DashboardLink, Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.language import BAD, CALM, PLAIN, WATCH, Card, Query, states
from grafana_dashboards.src.tables import Column, Keys, table

SEVERITIES = {"3": ("critical", BAD), "2": ("warning", WATCH), "1": ("info", CALM)}
WORDS = states({word: (word, colour) for word, colour in SEVERITIES.values()})
"""Colours the words of the label `severity`."""
TITLES = {"activity": "Activity", "company": "Company", "source": "Source", "report": "Report"}
WIDTHS = {"alertname": 225, "company": 160, "activity": 115, "source": 85, "report": 120}


def firing(*matchers: str, severity: str = 'severity!="none"') -> str:
    """Returns the selector of firing alerts of ours."""
    every = ", ".join(('alertname=~"ChatUsage.+"', 'alertstate="firing"', severity, *matchers))
    return f"ALERTS{{{every}}}"


def urgent(*matchers: str) -> str:
    """Returns the selector of those that somebody is told of."""
    return firing(*matchers, severity='severity=~"critical|warning"')


def shortly(expression: str) -> str:
    """Gives alerts the label `alert`, their name without what all names begin with."""
    return f'label_replace({expression}, "alert", "$1", "alertname", "ChatUsage(.+)")'


def firing_table(card: Card, labels: tuple[str, ...], *matchers: str) -> Panel:
    """A row for each alert that fires, the worst first; its name leads to the runbook, a company to its page."""
    by = ", ".join(("alertname", *labels))
    of_each = {rank: firing(*matchers, severity=f'severity="{word}"') for rank, (word, _) in SEVERITIES.items()}
    ranked = " or ".join(f"{rank} * max by ({by}) ({selector})" for rank, selector in of_each.items())
    links: dict[str, DashboardLink] = {"alertname": frame.to_runbook("Alert")}
    if "company" in labels:
        links["company"] = frame.to_dashboard("company", "This company", "source=Source", "company=Company")
    keys = Keys({"alertname": "Alert", **{label: TITLES[label] for label in labels}}, (), links, WIDTHS)
    severity = Column(Query(ranked, "Severity"), PLAIN, 0, 80, leads=True, mappings=states(SEVERITIES))
    return table(card, keys, [severity], "Severity")
