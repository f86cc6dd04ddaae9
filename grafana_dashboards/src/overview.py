"""For the owner of the platform: who uses it, who stopped, what needs attention."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.firing import OF_FLEET, firing, firing_table, longest
from grafana_dashboards.src.language import (
    AGE_OF_A_DAY,
    ANSWERED,
    ANY_IS_BAD,
    BAD,
    COUNT,
    DATE,
    EXACT,
    LOW_IS_BAD,
    NEUTRAL,
    NOTHING_YET,
    PLAIN,
    POINTS,
    SECONDS,
    SHARE,
    SHARE_OF_USUAL,
    SHORT_DATE,
    Card,
    Query,
    Style,
    states,
)
from grafana_dashboards.src.panels import bars, dots, squares, timeline
from grafana_dashboards.src.queries import (
    ACTIVE_USERS,
    BY_SOURCE,
    COMPANY,
    FLEET,
    GROUNDED,
    QUERIES,
    RELEASE,
    RESPONSES,
    SAME_SERIES,
    TO_ITS_DATE,
    USE,
    Measure,
    a_week_before,
    activity,
    change,
    day_of,
    largest,
    share,
    total,
)
from grafana_dashboards.src.tables import Column, Keys, band, compared, table

MOST_ALERTS = 15
MOST = 40
"""Companies that a panel of squares can show."""
USED = FLEET.last_day(USE)
USUAL = FLEET.now("chat_usage_activity_baseline", USE)
JUDGED = f"{USED} and {SAME_SERIES} {USUAL}"
"""Of who has something usual to be compared with."""
NO_WEEK = "no earlier week"


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="overview",
        title="Overview",
        text="All companies on one page: who uses the platform, who stopped, what needs attention.",
        variables=[frame.data_source(), *frame.releases(), frame.sources(), frame.companies(), frame.modes(), frame.history(), frame.recorded()],
        annotations=[frame.built_in(), *frame.alerts(), frame.restarts()],
        rows=[
            frame.Row("Last complete day", [_in_one_line(), *_figures()]),
            frame.Row("What needs attention", _attention()),
            frame.Row("Companies, by trouble and size", _companies()),
            frame.Row("Day by day", _trend()),
        ],
    )  # fmt: skip


def _in_one_line() -> Panel:
    used, usual = total(JUDGED), total(f"{USUAL} and {SAME_SERIES} {USED}")
    by = ", ".join((*BY_SOURCE, "company_id"))
    known = f"count(max by ({by}) ({FLEET.now('chat_usage_company_info')}))"
    oldest = f"max(time() - {day_of(FLEET)})"
    return band(
        Card("In one line", "The newest complete day of any report; user queries on that day (report chat-sessions); queries and conversations as a share of the baseline for that weekday (median of 6 weeks); companies with usage and companies known to the platform; age of the last day of the report that is furthest behind (up to 55 h is normal, later ChatUsageReportStale fires); number of alerts listed below.", width=24, height=4),
        Column(Query(f"1000 * (max({day_of(FLEET)}) + {TO_ITS_DATE})", "day"), DATE),
        Column(Query(total(FLEET.last_day(QUERIES)), "queries"), EXACT, 0),
        Column(Query(share(used, usual), "of the baseline"), SHARE, 0, steps=LOW_IS_BAD),
        Column(Query(f"count(max by ({by}) ({USED} > 0))", "companies active"), PLAIN, 0),
        Column(Query(known, "companies known"), PLAIN, 0),
        Column(Query(oldest, "oldest data"), SECONDS, 1, steps=AGE_OF_A_DAY),
        Column(Query(f"count({firing(*OF_FLEET)}) or 0 * {known}", "alerts firing"), PLAIN, 0, steps=ANY_IS_BAD),
    )  # fmt: skip


def _before(expression: str, words: str, unit: str = SHARE) -> Column:
    return Column(Query(expression, words), unit, 1, steps=NEUTRAL)


def _figures() -> list[Panel]:
    def shares(part: Measure, whole: Measure) -> tuple[str, str, str]:
        """Returns a share by day, of the last day, and of the same weekday a week before."""
        return (
            share(total(FLEET.days(part)), total(FLEET.days(whole))),
            share(total(FLEET.last_day(part)), total(FLEET.last_day(whole))),
            share(total(a_week_before(FLEET, part)), total(a_week_before(FLEET, whole))),
        )

    answered, grounded = shares(RESPONSES, QUERIES), shares(GROUNDED, RESPONSES)
    return [
        compared(
            Card("Queries", "User queries by day and on the last day, compared with the same weekday of the week before; report chat-sessions.", COUNT, 6, 6, None, NOTHING_YET),
            Query(total(FLEET.days(QUERIES)), "queries"), _before(change(FLEET, QUERIES), "vs a week earlier"),
        ),
        compared(
            Card("Active users", "Distinct users by day and on the last day, added up over companies, compared with the same weekday of the week before; report user-activities. The same people come back on other days: do not add days up.", COUNT, 6, 6, None, NOTHING_YET),
            Query(total(FLEET.days(ACTIVE_USERS)), "active users"), _before(change(FLEET, ACTIVE_USERS), "vs a week earlier"),
        ),
        compared(
            Card("Answered", "Answers as a share of queries, by day and on the last day, and the difference to the same weekday of the week before in percentage points (pp); report chat-sessions. Well below its own past, answers fail.", SHARE, 6, 6, 1, NOTHING_YET, ANSWERED, most=1.0, least=0.5),
            Query(answered[0], "answered"), _before(f"100 * ({answered[1]} - {answered[2]})", "vs a week earlier", POINTS),
        ),
        compared(
            Card("Grounded", "Answers that used documents as a share of all answers, by day and on the last day, and the difference to the same weekday of the week before in percentage points (pp); report chat-sessions. After a sudden fall the index or the access to it may be broken while answers still come.", SHARE, 6, 6, 1, NOTHING_YET),
            Query(grounded[0], "grounded"), _before(f"100 * ({grounded[1]} - {grounded[2]})", "vs a week earlier", POINTS),
        ),
    ]  # fmt: skip


def _attention() -> list[Panel]:
    shown, left_out = longest(MOST_ALERTS, *OF_FLEET)
    return [
        firing_table(
            Card("Firing now", "Critical alerts and warnings that fire now for the chosen sources and companies, the worst first. An alert without a company is about a source or the exporter. Click an alert for its runbook. Alerts of severity info are on Alert tuning.", PLAIN, 13, 8, nothing="none"),
            ("company", "activity", "source", "report"), *OF_FLEET,
        ),
        timeline(
            Card("When alerts fired", f"When critical alerts and warnings fired: outages first, then those that fired longest, {MOST_ALERTS} at most. An alert that fires every Monday has a limit to tune: see Alert tuning.", PLAIN, 11, 8, 0, "none in this time range", ((None, "transparent"),), mappings=states({"1": ("firing", BAD)})),
            Query(shown, "{{company}} {{alert}}"),
            Query(left_out, "and {{left_out}} more"),
        ),
    ]  # fmt: skip


def _companies() -> list[Panel]:
    on_days, usual = FLEET.days(USE), FLEET.days(USE, "baseline")
    shares = share(
        total(f"{on_days} and {SAME_SERIES} {usual}", "source", "company"), total(usual, "source", "company")
    )
    shares = f"({shares}) and {largest(FLEET, USE, MOST)}"
    return [
        _table_of_companies(),
        squares(
            Card("Share of the baseline by day", f"A square for each company and day, by name: its usage as a share of the baseline for that weekday. Red is below half of it, blue above one and a half times. No square means no figure for that day, or no baseline yet. A red day may be a holiday that is missing from the calendar. The {MOST} largest companies are shown; choose others with the variable Company.", SHARE, 9, 14, 0, NOTHING_YET, SHARE_OF_USUAL, least=None),
            Query(shares, "{{company}} ({{source}})"),
        ),
    ]  # fmt: skip


def _table_of_companies() -> Panel:
    ratio = share(total(JUDGED, *COMPANY), total(f"{USUAL} and {SAME_SERIES} {USED}", *COMPANY))
    columns = [
        Column(Query(f"count by ({', '.join(COMPANY)}) ({firing(*OF_FLEET)} and on (source, company_id) {FLEET.now('chat_usage_company_info')})", "Alerts"), PLAIN, 0, 80, steps=ANY_IS_BAD),
        Column(Query(f"1000 * (max by ({', '.join(COMPANY)}) ({USED} * 0 + on ({', '.join(BY_SOURCE)}, report) group_left () {day_of(FLEET)}) + {TO_ITS_DATE})", "Day"), SHORT_DATE, width=105),
        Column(Query(total(USED, *COMPANY), "Use"), decimals=0, width=80),
        Column(Query(ratio, "Of the baseline"), SHARE, 0, 150, bar=True, steps=SHARE_OF_USUAL, most=1.5),
        Column(Query(total(FLEET.days(USE), *COMPANY), "By day"), width=270, trend=True),
    ]  # fmt: skip
    link = frame.to_dashboard("company", "This company", "source=Source", "company=Company")
    keys = Keys(
        {"company": "Company", "source": "Source"},
        (*RELEASE, "company_id"),
        {"company": link},
        {"company": 190, "source": 85},
    )
    return table(
        Card("Who uses it", "A row for each company, those with alerts first: queries (for a chatbot: conversations) on its last complete day, as a share of the baseline for the weekday, and by day. Click a company for its own page.", width=15, height=14, nothing="–"),
        keys, columns, "Alerts", "Use",
    )  # fmt: skip


def _trend() -> list[Panel]:
    usual = FLEET.days(activity('activity="user_queries"'), "baseline")
    return [
        bars(
            Card("Queries by mode", "Queries by day; report chat-sessions. The dotted line is the baseline for the weekday, chats and agents together: compare it while Mode is All.", nothing=NOTHING_YET),
            Query(total(FLEET.days(QUERIES), "mode"), "{{mode}}", Style.BARS),
            Query(total(usual), "baseline", Style.USUAL),
        ),
        dots(
            Card("Answers, and those grounded in documents", "Answers by day, and those that used documents; report chat-sessions. The gap between the lines is answers without a source.", nothing=NOTHING_YET),
            Query(total(FLEET.days(RESPONSES)), "Answers"),
            Query(total(FLEET.days(GROUNDED)), "Grounded answers"),
        ),
    ]  # fmt: skip
