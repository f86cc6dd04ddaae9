"""For who sets limits: how close figures come to them, which days would have fired, which alerts are only noise."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.firing import OF_FLEET, WORDS, shortly, told
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
    WATCH,
    Card,
    Query,
    Style,
    states,
)
from grafana_dashboards.src.limits import judged
from grafana_dashboards.src.overview import MOST
from grafana_dashboards.src.panels import bars, gauges, squares, timeline
from grafana_dashboards.src.queries import (
    BY_SOURCE,
    COMPANY,
    FLEET,
    OF_SOURCES,
    RELEASE,
    SAME_SERIES,
    activity,
    for_each,
    largest,
    over_days,
    share,
    total,
    within_sight,
)
from grafana_dashboards.src.tables import Column, Keys, table

CHOSEN = activity('activity="$activity"')
PAST = 28
"""Days that are looked back at, of each weekday four; Prometheus keeps 15 unless told otherwise, then it is those."""
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
        text="How limits fit: figures beside them, days that other limits would have told of, alerts that fire too often.",
        variables=[
            frame.data_source(),
            *frame.releases(),
            frame.sources(),
            frame.companies(),
            frame.activities(f"chat_usage_activity_limit{{{', '.join(OF_SOURCES)}}}"),
            frame.fixed("drop", "What if: drop below", ("0.5", "0.3", "0.4", "0.6", "0.7", "0.8")),
            frame.fixed("spike", "What if: spike above", ("3", "1.5", "2", "4", "5")),
            frame.fixed("baseline", "What if: usual at least", ("20", "5", "10", "50", "100")),
            frame.recorded(),
        ],
        annotations=[frame.built_in(), *frame.alerts()],
        rows=[
            frame.Row(f"What if: {ACTIVITY_WORDS} below $drop or above $spike times the usual, where $baseline or more is usual", _what_if()),
            frame.Row("Figures and limits", _limits()),
            frame.Row("What alerts did", _noise()),
            frame.Row("What is not judged", _blind()),
        ],
    )  # fmt: skip


def _days() -> tuple[str, str, str]:
    """Returns figures by day, what was usual, and figures of working days alone, whose company's usual is large enough."""
    days = FLEET.days(CHOSEN)
    usual = f"({FLEET.days(CHOSEN, 'baseline')} >= $baseline)"
    return days, usual, f"({days} == {SAME_SERIES} {FLEET.days(CHOSEN, 'last_working_day')})"


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
        Column(Query(f"max by ({', '.join(by)}) ({over_days(of_any_day, 'max', PAST)})", "Highest share"), SHARE, 0),
    ]
    return [
        table(Card("By company", f"The last {PAST} days under the limits chosen above: more than a few in a hundred days judged is noise. Lower ones are judged on working days, upper ones on every day. Lowest and highest share of the usual tell where a limit would be quiet.", width=24, height=11, nothing="0"), BY_COMPANY, columns, "Days below", "Days above", "Days judged"),
        squares(Card("Share of the usual, working days", "A square per company and working day, where the usual is large enough. Read it along a line: often red, and the limit or the calendar does not fit; never below orange, and a tighter limit would cost nothing. The 40 largest are shown; choose others to see them.", SHARE, 24, 13, 0, NOTHING_YET, SHARE_OF_USUAL, least=None), Query(f"min by (company) ({ratio}) and {largest(FLEET, CHOSEN, MOST)}", "{{company}}")),
    ]  # fmt: skip


def _limits() -> list[Panel]:
    in_force = FLEET.now("chat_usage_activity_limit", CHOSEN, *KEPT)
    low_now = FLEET.now("chat_usage_activity_limit", activity('activity="$activity", bound="lower"'), *KEPT)
    held = FLEET.now("chat_usage_activity_last_working_day", CHOSEN)
    near = share(held, f"max by ({', '.join((*BY_SOURCE, 'report', 'company_id', 'company', 'activity'))}) ({low_now})")
    return [
        _over_time(),
        gauges(
            Card("Closest to the lower limit", "The last working day as a share of the highest lower limit, the ten lowest. Below 100 % the alert fires.", SHARE, 8, 12, 0, "no lower limit", ((None, BAD), (1.0, WATCH), (1.5, GOOD)), most=4.0),
            Query(f"bottomk(10, min by ({', '.join((*BY_SOURCE, 'company'))}) ({near}))", "{{company}}"),
        ),
        table(
            Card("Limits in force", "Every limit of the activity, and the day and figure that it is compared with: lower ones with the last working day, which on weekends is Friday, upper ones with the last day.", width=24, height=9, nothing="none", mappings=WORDS),
            Keys({"company": "Company", "bound": "Bound", "basis": "Basis", "severity": "Severity"}, (*RELEASE, "source", "report", "company_id", "activity")),
            [
                *judged(FLEET, in_force, CHOSEN),
                Column(Query(in_force, "Limit"), decimals=1),
                Column(Query(for_each(in_force, FLEET.now("chat_usage_activity_baseline", CHOSEN)), "Usual"), decimals=1),
            ],
            "Company", "Bound", "Basis", ascending=True,
        ),
    ]  # fmt: skip


def _over_time() -> Panel:
    limits = FLEET.days(CHOSEN, "limit", *KEPT)
    lower, upper = (
        limits.replace('activity="$activity"', f'activity="$activity", bound="{bound}"') for bound in ("lower", "upper")
    )
    days, _, working = _days()
    usual = FLEET.days(CHOSEN, "baseline")
    alone = f"and on () count(count by ({', '.join(COMPANY)}) ({FLEET.last_day(CHOSEN)})) == 1"
    return bars(
        Card(f"{ACTIVITY_WORDS}, usual, limits", "Figures of the chosen companies together and what is usual; where one company is chosen its limits, too: sums of limits mean nothing. The colour of a limit is its severity's. Lower limits are drawn on working days; upper ones far above the days are left out.", width=16, height=12, nothing=NOTHING_YET),
        Query(total(days), ACTIVITY_WORDS, Style.BARS),
        Query(total(usual), "usual for the weekday", Style.USUAL),
        Query(f"max by (basis, severity) ({lower} and {SAME_SERIES} {working}) {alone}", "lower limit, {{basis}}, {{severity}}", Style.LOWER),
        Query(f"max by (basis, severity) ({within_sight(upper, days, usual)}) {alone}", "upper limit, {{basis}}, {{severity}}", Style.UPPER),
    )  # fmt: skip


def _noise() -> list[Panel]:
    hourly, named = (told(*whose, severity='severity!="none"', window="1h") for whose in (OF_FLEET, frame.CHOSEN))
    hours = "sum_over_time((group by ({by}) ({what}))[${{__range}}:1h]) * 3600"
    fresh = f"max by ({', '.join((*BY_SOURCE, 'report'))}) (source_report:chat_usage_report_fresh:bool{{{', '.join(OF_SOURCES)}}})"
    by_alert = hours.format(by="alert", what=shortly(hourly))
    by_company = hours.format(by="company", what=named)
    return [
        gauges(Card("Time firing, by alert", "For how long of the time range an alert fired for any of the chosen companies, those that only inform too. Much of info is harmless; much of a warning is not read any more.", SECONDS, 8, 11, 1, "none"), Query(f"sort_desc({by_alert})", "{{alert}}")),
        gauges(Card("Time firing, by company", "The ten companies for which any alert fired longest in the time range: limits of their own would help (docs/limits.md).", SECONDS, 8, 11, 1, "none"), Query(f"topk(10, {by_company})", "{{company}}")),
        timeline(Card("Judged or not, by report", "Limits are only judged while their report is fresh: not late, and no empty day waiting. Needs the alert rules.", PLAIN, 8, 11, 0, "the alert rules are not loaded", ((None, BAD), (1.0, GOOD)), mappings=states({"1": ("judged", GOOD), "0": ("not judged", BAD)})), Query(fresh, "{{source}} {{report}}")),
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
        table(Card("Companies without a lower limit", "Their fall would tell nobody; the figure is of the newest complete day. Young companies (under three weeks) and tiny ones (less than min_baseline is usual) have none by design; others may have lost it in the configuration.", width=14, height=8, decimals=0, nothing="none"), keys, [Column(Query(f"{used} unless {SAME_SERIES} {lower}", "Last day"), decimals=0)], "Last day", "Company"),
        table(Card("Selectors that match nothing", "By option, how many selectors of the configuration match no company: a limit, a calendar or a filter is not in force as written.", PLAIN, 10, 8, 0, "none"), Keys({"source": "Source", "option": "Option"}, RELEASE), [Column(Query(f"{idle} > 0", "Unmatched"), PLAIN, 0, steps=ANY_IS_ODD)], "Unmatched"),
    ]  # fmt: skip
