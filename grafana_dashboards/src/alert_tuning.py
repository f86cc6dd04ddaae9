"""For whoever sets limits: how close figures come to them, which days would have fired, which alerts are only noise."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.firing import OF_FLEET, WORDS, firing_alerts
from grafana_dashboards.src.language import (
    ACTIVITY_WORDS,
    ANY_IS_ODD,
    BAD,
    GOOD,
    NOTHING_YET,
    PLAIN,
    SECONDS,
    SHARE,
    SHARE_OF_USUAL,
    USUAL,
    WATCH,
    WITH_UNIT,
    Card,
    Query,
    Style,
    states,
)
from grafana_dashboards.src.limits import judged, limit_lines
from grafana_dashboards.src.overview import MOST
from grafana_dashboards.src.panels import bars, gauges, squares, timeline
from grafana_dashboards.src.queries import (
    BY_SOURCE,
    FLEET,
    OF_SHARES,
    OF_SOURCES,
    ONLY,
    RELEASE,
    SAME_SERIES,
    Scope,
    activity,
    for_each,
    in_per_cent,
    largest,
    over_days,
    share,
    together,
    total,
    within_sight,
)
from grafana_dashboards.src.tables import Column, Keys, table

CHOSEN = activity('activity="$activity"')
PAST = 28
"""Days to look back at, four of each weekday; of a Prometheus that keeps 15, by default, those."""
BY_COMPANY = Keys(
    {"company": "Company", "source": "Source"},
    RELEASE,
    links={"company": frame.to_dashboard("company", "This company", "source=Source", "company=Company")},
)
KEPT = ("report", "activity", "bound", "basis", "severity")


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="alert-tuning",
        title="Alert tuning",
        text="How well limits fit: figures and limits, days that other limits would have reported, alerts that fire too often.",
        variables=[
            frame.data_source(),
            *frame.releases(),
            frame.sources(),
            frame.companies(),
            frame.only_company(),
            frame.activities(f"chat_usage_activity_limit{{{', '.join(OF_SOURCES)}}}"),
            frame.fixed("drop", "What if: drop below", ("0.5", "0.3", "0.4", "0.6", "0.7", "0.8")),
            frame.fixed("spike", "What if: spike above", ("3", "1.5", "2", "4", "5")),
            frame.fixed("baseline", "What if: baseline at least", ("20", "5", "10", "50", "100")),
            frame.recorded(),
        ],
        annotations=[frame.built_in(), *frame.alerts()],
        rows=[
            frame.Row(f"What if: {ACTIVITY_WORDS} below $drop or above $spike times the baseline, where that is $baseline or more", _what_if()),
            frame.Row("Figures and limits", _limits()),
            frame.Row("What alerts did", _noise()),
            frame.Row("What is not judged", _blind()),
        ],
    )  # fmt: skip


def _working(scope: Scope) -> str:
    """Returns figures of business days alone."""
    return f"({scope.days(CHOSEN)} == {SAME_SERIES} {scope.days(CHOSEN, 'last_working_day')})"


def _days() -> tuple[str, str, str]:
    """Returns figures by day, baselines where they are large enough, and figures of business days alone."""
    days = FLEET.days(CHOSEN)
    (is_chosen,) = CHOSEN.matchers
    shares = f"{FLEET.selected('chat_usage_activity_baseline', activity(f'{is_chosen}, {OF_SHARES}'))} @ end()"
    least = f"($baseline * max(absent({shares})) or 0 * count({shares}))"
    usual = f"({FLEET.days(CHOSEN, 'baseline')} >= on () group_left () {least})"
    return days, usual, _working(FLEET)


def _what_if() -> list[Panel]:
    days, usual, working = _days()
    low, high = f"{working} < {SAME_SERIES} $drop * {usual}", f"{days} > {SAME_SERIES} $spike * {usual}"
    ratio, of_any_day = (f"{each} / {SAME_SERIES} {usual}" for each in (working, days))
    fell, rose = (over_days(each, "count", PAST) for each in (low, high))
    judged = over_days(f"{working} and {SAME_SERIES} {usual}", "count", PAST)
    by = (*BY_SOURCE, "company")
    columns = [
        Column(Query(total(judged, *by), "Days judged"), PLAIN, 0),
        Column(Query(total(fell, *by), "Days below"), PLAIN, 0, steps=ANY_IS_ODD),
        Column(Query(total(rose, *by), "Days above"), PLAIN, 0, steps=ANY_IS_ODD),
        Column(Query(f"min by ({', '.join(by)}) ({over_days(ratio, 'min', PAST)})", "Lowest share"), SHARE, 0),
        Column(
            Query(f"max by ({', '.join(by)}) ({over_days(of_any_day, 'max', PAST)})", "Highest share"),
            SHARE,
            0,
            stays=True,
        ),
    ]
    return [
        table(Card("By company", f"The last {PAST} days under the limits chosen at the top. If more than a few of a hundred judged days are below or above, the limit is noise. Lower limits apply on business days, upper limits every day. A limit below the lowest or above the highest share of the baseline would never have fired.", width=24, height=11, nothing="0"), BY_COMPANY, columns, "Days below", "Days above", "Days judged"),
        squares(Card("Share of the baseline, business days", f"A square for each company and business day on which the baseline is large enough. If a line is often red, the limit or the calendar does not fit; if it is never red, a tighter limit would not add alerts. The {MOST} largest companies are shown; choose others with the variable Company.", SHARE, 24, 15, 0, NOTHING_YET, SHARE_OF_USUAL, least=None), Query(f"min by (source, company) ({ratio}) and {largest(FLEET, CHOSEN, MOST)}", "{{company}} ({{source}})")),
    ]  # fmt: skip


def _limits() -> list[Panel]:
    in_force = FLEET.now("chat_usage_activity_limit", CHOSEN, *KEPT)
    low_now = FLEET.now("chat_usage_activity_limit", activity('activity="$activity", bound="lower"'), *KEPT)
    held = FLEET.now("chat_usage_activity_last_working_day", CHOSEN)
    usual = for_each(in_force, FLEET.now("chat_usage_activity_baseline", CHOSEN))
    near = share(held, f"max by ({', '.join((*BY_SOURCE, 'report', 'company_id', 'company', 'activity'))}) ({low_now})")
    return [
        _over_time(),
        gauges(
            Card("Closest to the lower limit", "The last business day as a share of the highest lower limit, the ten lowest. Below 100 % the alert fires.", SHARE, 8, 12, 0, "no lower limit", ((None, BAD), (1.0, WATCH), (1.5, GOOD)), most=4.0),
            Query(f"bottomk(10, min by ({', '.join((*BY_SOURCE, 'company'))}) ({near}))", "{{company}}"),
        ),
        table(
            Card("Limits in force", "Every limit of the activity, and the day and figure that it is compared with: lower limits with the last business day, which on weekends is Friday, upper limits with the last day.", width=24, height=9, nothing="none", mappings=WORDS),
            Keys({"company": "Company", "activity": "Activity", "bound": "Bound", "basis": "Basis", "severity": "Severity"}, (*RELEASE, "source", "report", "company_id"), activities=WITH_UNIT),
            [
                *judged(FLEET, in_force, CHOSEN),
                Column(Query(in_per_cent(in_force, CHOSEN), "Limit"), decimals=1, stays=True),
                Column(Query(in_per_cent(usual, CHOSEN), "Baseline"), decimals=1),
            ],
            "Company", "Bound", "Basis", ascending=True,
        ),
    ]  # fmt: skip


def _over_time() -> Panel:
    limits = ONLY.days(CHOSEN, "limit", *KEPT)
    lower, upper = (
        limits.replace('activity="$activity"', f'activity="$activity", bound="{bound}"') for bound in ("lower", "upper")
    )
    days, usual = FLEET.days(CHOSEN), FLEET.days(CHOSEN, "baseline")
    in_sight = within_sight(upper, ONLY.days(CHOSEN), ONLY.days(CHOSEN, "baseline"))
    return bars(
        Card(f"{ACTIVITY_WORDS}, baseline, limits", "Figures of the chosen companies together (of shares the mean) and the baseline for the weekday; with one company chosen also its limits, as sums of limits mean nothing. The colour of a limit is its severity's. Lower limits are drawn on business days; upper ones far above the days are left out.", width=16, height=12, nothing=NOTHING_YET),
        Query(together(days, CHOSEN), ACTIVITY_WORDS, Style.BARS),
        Query(together(usual, CHOSEN), USUAL, Style.USUAL),
        *limit_lines(f"{lower} and {SAME_SERIES} {_working(ONLY)}", in_sight),
    )  # fmt: skip


def _noise() -> list[Panel]:
    hourly, named = (
        firing_alerts(*whose, severity='severity!="none"', window="1h") for whose in (OF_FLEET, frame.CHOSEN)
    )
    hours = "sum_over_time((group by ({by}) ({what}))[${{__range}}:1h]) * 3600"
    fresh = f"max by ({', '.join((*BY_SOURCE, 'report'))}) (source_report:chat_usage_report_fresh:bool{{{', '.join(OF_SOURCES)}}})"
    by_alert = hours.format(by="alertname", what=hourly)
    by_company = hours.format(by=", ".join((*BY_SOURCE, "company")), what=named)
    alerts = Keys({"alertname": "Alert"}, links={"alertname": frame.to_runbook("Alert")})

    def duration(expression: str) -> list[Column]:
        return [Column(Query(expression, "Time firing"), SECONDS, 1, 170, bar=True)]

    return [
        table(Card("Time firing, by alert", "How long each alert fired in the time range for any of the chosen companies, severity info included. Much time of info is harmless; a warning that fires most of the time is no longer read.", SECONDS, 8, 11, 1, "none"), alerts, duration(by_alert), "Time firing"),
        table(Card("Time firing, by company", "The ten companies with the longest time of any alert in the time range: limits of their own would help (docs/limits.md).", SECONDS, 8, 11, 1, "none"), BY_COMPANY, duration(f"topk(10, {by_company})"), "Time firing"),
        timeline(Card("Judged or not, by report", "Limits are evaluated only while their report is fresh: not late, and not waiting for the rows of a business day. Needs the alert rules.", PLAIN, 8, 11, 0, "the alert rules are not loaded", ((None, BAD),), mappings=states({"1": ("judged", GOOD), "0": ("not judged", BAD)})), Query(fresh, "{{source}} {{report}}")),
    ]  # fmt: skip


def _blind() -> list[Panel]:
    used = FLEET.last_day(activity('activity=~"user_queries|conversations"'))
    lower = FLEET.now("chat_usage_activity_limit", activity('activity=~"user_queries|conversations", bound="lower"'))
    idle = f"max by ({', '.join((*BY_SOURCE, 'option'))}) (last_over_time(chat_usage_config_unmatched_selectors{{{', '.join(OF_SOURCES)}}}[1h]))"
    keys = Keys(
        {"company": "Company", "activity": "Activity", "source": "Source"},
        (*RELEASE, "company_id", "report"),
        widths={"source": 110},
    )
    return [
        table(Card("Companies without a lower limit", "No alert would report a drop of these companies. New companies (under three weeks) and small ones (a baseline below min_baseline) have no lower limit by design; for others, look at the configuration. The figure is of the last day.", width=14, height=8, decimals=0, nothing="none"), keys, [Column(Query(f"{used} unless {SAME_SERIES} {lower}", "Last day"), decimals=0)], "Last day", "Company"),
        table(Card("Selectors that match nothing", "Selectors in the configuration that match no company, by option: a limit, a calendar or a filter has no effect.", PLAIN, 10, 8, 0, "none"), Keys({"source": "Source", "option": "Option"}, RELEASE), [Column(Query(f"{idle} > 0", "Unmatched"), PLAIN, 0, steps=ANY_IS_ODD)], "Unmatched"),
    ]  # fmt: skip
