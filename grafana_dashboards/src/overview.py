"""For the owner of the platform: who uses it, who stopped, are answers grounded, do people like them, is it all true."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.firing import firing, firing_table, shortly, urgent
from grafana_dashboards.src.language import (
    AGE_OF_A_DAY,
    ANY_IS_BAD,
    BAD,
    GOOD,
    LOW_IS_BAD,
    MOMENT,
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
from grafana_dashboards.src.panels import bars, dots, gauges, squares, stat, timeline
from grafana_dashboards.src.queries import (
    ACTIVE_USERS,
    FLEET,
    GROUNDED,
    LIKES,
    OPINIONS,
    QUERIES,
    RESPONSES,
    SAME_SERIES,
    SESSIONS,
    USE,
    activity,
    share,
    total,
)
from grafana_dashboards.src.tables import Column, Keys, table

MOST = 40
"""Companies that a panel of squares can show."""
OURS = ('source=~"$source"', 'company=~"$company"')
USED = FLEET.last_day(USE)
USUAL = FLEET.now("chat_usage_activity_baseline", USE)
JUDGED = f"{USED} and {SAME_SERIES} {USUAL}"
"""Of who has something usual to be compared with."""
BY_COMPANY = ("source", "company_id", "company")


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="overview",
        title="Overview",
        text="All companies on one page: who uses the platform, who stopped, and whether the figures can be trusted.",
        variables=[frame.data_source(), frame.sources(), frame.companies(), frame.modes(), frame.history()],
        annotations=[frame.built_in(), frame.alerts(', company=~"$company"'), frame.restarts()],
        rows=[
            frame.Row("Last complete day", [*_use(), *_people_and_trust()]),
            frame.Row("Trend", _trend()),
            frame.Row("Companies", _companies()),
            frame.Row("Attention", _attention()),
        ],
    )


def _use() -> list[Panel]:
    asked, answered = total(FLEET.last_day(QUERIES)), total(FLEET.last_day(RESPONSES))
    used, usual = total(JUDGED), total(f"{USUAL} and {SAME_SERIES} {USED}")
    return [
        stat(
            Card("Queries", "Queries of users on the newest complete day; report chat-sessions. Which day that is, Data age tells.", width=3, height=5),
            Query(asked, "queries"),
        ),
        stat(
            Card("Against the usual", "Queries and conversations of the last complete day as a share of what is usual for that weekday (median of 6 weeks). Below half, look at the table for who is missing.", SHARE, 3, 5, 0, NOTHING_YET, LOW_IS_BAD),
            Query(share(used, usual), "of the usual"),
        ),
        stat(
            Card("Answered", "Answers as a share of queries; report chat-sessions. Well below its own past: answers fail.", SHARE, 3, 5, 1),
            Query(share(answered, asked), "answered"),
        ),
        stat(
            Card("Grounded", "Answers that used documents as a share of all answers; report chat-sessions. A sudden fall: the index or its access is broken, while answers still come.", SHARE, 3, 5, 1),
            Query(share(total(FLEET.last_day(GROUNDED)), answered), "grounded"),
        ),
    ]  # fmt: skip


def _people_and_trust() -> list[Panel]:
    likes, opinions = total(FLEET.sums(LIKES, "7d")), total(FLEET.sums(OPINIONS, "7d"))
    known = 'max by (source, company_id) (last_over_time(chat_usage_company_info{source=~"$source", company=~"$company"}[1h]))'
    active = f"count(max by (source, company_id) ({USED} > 0))"
    started = 'last_over_time(chat_usage_report_day_timestamp_seconds{source=~"$source"}[1h])'
    return [
        stat(
            Card("Liked, 7 days", "Likes as a share of likes and dislikes over 7 complete days; report chats-feedback. Feedback is rare: read it over a week, and see Quality.", SHARE, 3, 5, 0, "no feedback", ((None, BAD), (0.5, WATCH), (0.6, GOOD))),
            Query(share(likes, opinions), "liked"),
        ),
        stat(
            Card("Companies active", "Companies with a query or a conversation on the last complete day, of those that the platform knows. On weekends few are.", PLAIN, 3, 5, 0),
            Query(active, "active"),
            Query(f"count({known})", "known"),
        ),
        stat(
            Card("Data age", "Time since the start of the oldest day that any report calls its newest complete one. Up to 55 h is in order: a day ends 24 h after its start, is complete 6 h later, and stays the newest for another 24 h. Red: ChatUsageReportStale; see Exporter.", SECONDS, 3, 5, 1, "no report", AGE_OF_A_DAY),
            Query(f"max(time() - max by (source, report) ({started}))", "age"),
        ),
        stat(
            Card("Alerts firing", "Critical alerts and warnings that fire now, those about the exporter too. The table below names them, and those that only inform.", PLAIN, 3, 5, 0, "none", ANY_IS_BAD),
            Query(f"count({urgent()})", "firing"),
        ),
    ]  # fmt: skip


def _trend() -> list[Panel]:
    usual = FLEET.days(activity('activity="user_queries"'), "baseline")
    return [
        bars(
            Card("Queries by mode", "Queries a day, each bar on its own day; report chat-sessions. The dotted line is usual for the weekday, chats and agents together: compare it while Mode is All.", nothing=NOTHING_YET),
            Query(total(FLEET.days(QUERIES), "mode"), "{{mode}}", Style.BARS),
            Query(total(usual), "usual for the weekday", Style.USUAL),
        ),
        dots(
            Card("Answers, and those grounded in documents", "Answers a day, and those of them that used documents; report chat-sessions. The gap between the lines is what was answered without a source.", nothing=NOTHING_YET),
            Query(total(FLEET.days(RESPONSES)), "answers"),
            Query(total(FLEET.days(GROUNDED)), "grounded answers"),
        ),
        bars(
            Card("Sessions by mode", "Chat sessions and agent threads begun a day; report chat-sessions.", nothing=NOTHING_YET),
            Query(total(FLEET.days(SESSIONS), "mode"), "{{mode}}", Style.BARS),
        ),
        bars(
            Card("Active users", "Different users a day, added over companies; report user-activities. Users of different days are partly the same people: do not add days.", nothing=NOTHING_YET),
            Query(total(FLEET.days(ACTIVE_USERS)), "active users", Style.BARS),
        ),
    ]  # fmt: skip


def _companies() -> list[Panel]:
    on_days, usual = FLEET.days(USE), FLEET.days(USE, "baseline")
    shares = share(total(f"{on_days} and {SAME_SERIES} {usual}", "company"), total(usual, "company"))
    shares = f"({shares}) and topk({MOST}, {total(usual, 'company')})"
    return [
        _table_of_companies(),
        gauges(
            Card("Ten largest", "Queries, of a chatbot conversations, of the last complete day.", width=8, height=13),
            Query(f"topk(10, {total(USED, *BY_COMPANY)})", "{{company}}"),
        ),
        squares(
            Card("Share of the usual by day", "A square per company and day: what it used as a share of what is usual for that weekday. Red is below half of it, blue above one and a half; no square: no figure of that day, or nothing usual yet. A red day may be a holiday that the calendar does not know. The 40 largest are shown; choose others to see them.", SHARE, 16, 13, 0, NOTHING_YET, SHARE_OF_USUAL, least=None),
            Query(shares, "{{company}}"),
        ),
    ]  # fmt: skip


def _table_of_companies() -> Panel:
    ratio = share(total(JUDGED, *BY_COMPANY), total(f"{USUAL} and {SAME_SERIES} {USED}", *BY_COMPANY))
    answered = FLEET.now("paradigm_last_model_response_timestamp_seconds", SESSIONS)
    alerts = total(
        f"max by (source, company_id, company, alertname, severity, activity) ({firing(*OURS)})", *BY_COMPANY
    )
    link = frame.to_dashboard("company", "This company", "source=Source", "company=Company")
    columns = [
        Column(Query(total(USED, *BY_COMPANY), "Last day"), decimals=0, width=100),
        Column(Query(ratio, "Of the usual"), SHARE, 0, 190, bar=True, steps=SHARE_OF_USUAL, most=1.5),
        Column(Query(total(FLEET.days(USE), *BY_COMPANY), "30 days"), width=240, trend=True),
        Column(Query(FLEET.now("paradigm_members_active"), "Members"), PLAIN, 0, 100),
        Column(Query(f"1000 * max by (source, company_id, company) ({answered})", "Last answer"), MOMENT, width=140),
        Column(Query(alerts, "Alerts"), PLAIN, 0, 90, steps=ANY_IS_BAD),
    ]
    keys = Keys({"company": "Company", "source": "Source"}, ("company_id",), {"company": link}, {"source": 110})
    return table(
        Card("Who uses it", "A row per company: queries (of a chatbot: conversations) of the last complete day, as a share of the usual for the weekday, and over the time range. The last answer is as of the last poll. Click a company for its own page.", width=24, height=12, nothing="–"),
        keys, columns, "Last day",
    )  # fmt: skip


def _attention() -> list[Panel]:
    story = shortly(f"max_over_time({urgent(*OURS)}[1h])")
    return [
        firing_table(
            Card("Firing now", "Alerts that fire now, the worst first; those without a company are about a source or the exporter. Click an alert for its runbook.", PLAIN, 12, 11, nothing="none"),
            ("company", "activity", "source", "report"),
        ),
        timeline(
            Card("Alerts by company", "When critical alerts and warnings about a company fired. A line that is there on every Monday is a limit to tune: see Alert tuning.", PLAIN, 12, 11, 0, "none in this time", ANY_IS_BAD, mappings=states({"1": ("firing", BAD)})),
            Query(f"max by (company, alert) ({story})", "{{company}}: {{alert}}"),
        ),
    ]  # fmt: skip
