"""For account managers: what one company uses, compared with its own past and its limits."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.firing import WORDS, firing, firing_table
from grafana_dashboards.src.language import (
    ACTIVITY_WORDS,
    AGE_OF_A_DAY,
    ANSWERED,
    ANY_IS_BAD,
    DATE,
    EXACT,
    LIKED,
    LOW_IS_BAD,
    MOMENT,
    NO_REPORT,
    NO_SUCH_COMPANY,
    NOTHING_YET,
    PLAIN,
    SECONDS,
    SHARE,
    USUAL,
    WITH_UNIT,
    Card,
    Query,
    Style,
)
from grafana_dashboards.src.limits import judged, limit_lines
from grafana_dashboards.src.panels import bars, dots, gauges, repeated, stat
from grafana_dashboards.src.queries import (
    ACTIVE_USERS,
    BY_SOURCE,
    DOCUMENT_USES,
    DOCUMENTS,
    FEEDBACKS,
    GROUNDED,
    LIKES,
    ONE,
    OPINIONS,
    QUERIES,
    RELEASE,
    RESPONSES,
    SAME_SERIES,
    SESSION_LENGTH,
    SESSIONS,
    TO_ITS_DATE,
    TOOL_USES,
    USE,
    Measure,
    activity,
    day_of,
    in_per_cent,
    over_days,
    share,
    together,
    total,
    within_sight,
)
from grafana_dashboards.src.tables import Column, Keys, band, table

ITS = ('source=~"$source"', 'company="$company"')
FIRST = ("user_queries", "conversations")
"""The activities that are shown at first, of which a company has one; the variable has them all."""
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
"""As PromQL numbers them."""
JUDGED = activity('activity=~"$activity"')
EVERYTHING = activity('activity=~".+"')


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="company",
        title="Company",
        text="One company: its use against its own past and its limits, answers, feedback, agents, tools, documents, people.",
        variables=[
            frame.data_source(),
            *frame.releases(),
            frame.sources(),
            frame.one_of("company", "Company", frame.KNOWN_COMPANIES),
            frame.modes(),
            frame.history(),
            frame.several(frame.activities(ONE.selected("chat_usage_activity_last_day")), FIRST),
        ],
        annotations=[frame.built_in(), *frame.alerts('company="$company"'), frame.restarts()],
        rows=[
            frame.Row("$company", _summary()),
            frame.Row("Activity, baseline and limits", [_activity(), _weekdays()]),
            frame.Row("Answers and feedback", _answers()),
            frame.Row("Sessions, agents, tools, documents", _tools()),
            frame.Row("People", _people()),
            frame.Row("Alerts and limits in force", _limits()),
        ],
    )  # fmt: skip


def _summary() -> list[Panel]:
    used, usual = total(ONE.last_day(USE)), total(ONE.now("chat_usage_activity_baseline", USE))
    weeks = " or ".join(total(ONE.sums(measure, "7d")) for measure in (QUERIES, Measure("chatcaptain_conversations")))
    months = weeks.replace("_7d", "_28d")
    answered = ONE.now("paradigm_last_model_response_timestamp_seconds", SESSIONS)
    its = f"({day_of(ONE)} and on ({', '.join((*BY_SOURCE, 'report'))}) {ONE.now('chat_usage_activity_last_day', EVERYTHING)})"
    of_use = its.replace(EVERYTHING.matchers[0], USE.matchers[0])
    return [
        band(
            Card("In one line", "The newest complete day of the report with the company's queries (for a chatbot: conversations); how many there were on that day, and as a share of the baseline for that weekday (median of 6 weeks without holidays); age of the last day of the company's report that is furthest behind (up to 55 h is normal); alerts about the company that fire now, listed at the bottom.", width=24, height=4),
            Column(Query(f"1000 * (max({of_use}) + {TO_ITS_DATE})", "day"), DATE),
            Column(Query(used, "used"), EXACT, 0),
            Column(Query(share(used, usual), "of the baseline"), SHARE, 0, steps=LOW_IS_BAD),
            Column(Query(f"max(time() - {its})", "oldest data"), SECONDS, 1, steps=AGE_OF_A_DAY),
            Column(Query(f"count({firing(*ITS)}) or 0 * {used}", "alerts firing"), PLAIN, 0, steps=ANY_IS_BAD),
        ),
        stat(Card("Today so far", "Queries (conversations) of the running day, as of the last poll. The figure is partial and may fall; no limit applies to it.", EXACT, 6, 4, 0, "nothing today"), Query(total(ONE.today(USE)), "today")),
        stat(Card("7 days", "Queries (conversations) of the 7 complete days that end with the last one, chats and agents as chosen.", EXACT, 6, 4, 0), Query(weeks, "7 days")),
        stat(Card("28 days", "Queries (conversations) of the 28 complete days that end with the last one, chats and agents as chosen.", EXACT, 6, 4, 0), Query(months, "28 days")),
        stat(Card("Last answer", "When the platform last answered a query from the company, as of the last poll; report chat-sessions.", MOMENT, 6, 4, None, "no answer yet"), Query(f"1000 * max({answered})", "last answer")),
    ]  # fmt: skip


def _activity() -> Panel:
    """Returns the panel that is there once for each chosen activity."""
    days, usual = ONE.days(JUDGED), ONE.days(JUDGED, "baseline")
    lower, upper = (
        Measure(JUDGED.name, labels=JUDGED.labels, matchers=(*JUDGED.matchers, f'bound="{bound}"'))
        for bound in ("lower", "upper")
    )
    kept = ("report", "activity", "basis", "severity")
    working = f"({ONE.days(JUDGED, 'last_working_day')} == {SAME_SERIES} {days})"
    judged_lower = f"{ONE.days(lower, 'limit', *kept)} and {SAME_SERIES} {working}"
    return repeated(
        bars(
            Card(f"{ACTIVITY_WORDS} by day", "The activity by day, chats and agents together, with the baseline for the weekday and the limits that alerts compare it with. A share is of the 7 days that end with each day. The colour of a limit is its severity's; lower limits have long dashes, upper ones dashes and dots. Lower limits apply on business days only, so their line has gaps. An upper limit far above the days is not drawn; Limits in force lists it.", width=24, height=11, nothing=NOTHING_YET),
            Query(together(days, JUDGED), ACTIVITY_WORDS, Style.BARS),
            Query(together(usual, JUDGED), USUAL, Style.USUAL),
            *limit_lines(judged_lower, within_sight(ONE.days(upper, "limit", *kept), days, usual)),
        ),
        "activity", 2,
    )  # fmt: skip


def _weekdays() -> Panel:
    weekdays = [
        Query(
            total(over_days(f"{ONE.days(USE)} and on () (day_of_week(vector(time())) == {number % 7})", "avg", 28)),
            WEEKDAYS[number % 7],
        )
        for number in range(1, 8)
    ]
    return gauges(
        Card("By weekday, last 28 days", "Mean of the last 4 days of each weekday, as far as Prometheus has them. It shows whether the company works on weekends, and where its calendar is wrong.", width=24, height=7, decimals=0, nothing=NOTHING_YET),
        *weekdays,
    )  # fmt: skip


def _answers() -> list[Panel]:
    asked, answered = total(ONE.days(QUERIES)), total(ONE.days(RESPONSES))
    opinions = total(ONE.sums(OPINIONS, "7d"))
    return [
        dots(
            Card("Queries, answers, grounded answers", "Queries by day, answers, and answers that used documents; report chat-sessions. The gap between the first two is queries without an answer.", width=8, nothing=NO_REPORT),
            Query(asked, "Queries"), Query(answered, "Answers"), Query(total(ONE.days(GROUNDED)), "Grounded answers"),
        ),
        bars(
            Card("Feedback", "Likes, dislikes and copies of answers by day; report chats-feedback.", width=8, nothing=NO_REPORT),
            Query(total(ONE.days(FEEDBACKS), "feedback"), "{{feedback}}", Style.BARS),
        ),
        band(
            Card("Shares of 7 days", "Answers as a share of queries, grounded answers as a share of answers, and likes as a share of likes and dislikes, over 7 complete days. With fewer than ten likes and dislikes, their share says little.", SHARE, 8, 8, 0, "none: the platform has no such report"),
            Column(Query(share(total(ONE.sums(RESPONSES, "7d")), total(ONE.sums(QUERIES, "7d"))), "answered"), SHARE, 1, steps=ANSWERED),
            Column(Query(share(total(ONE.sums(GROUNDED, "7d")), total(ONE.sums(RESPONSES, "7d"))), "grounded"), SHARE, 1),
            Column(Query(share(total(ONE.sums(LIKES, "7d")), opinions), "liked"), SHARE, 0, steps=LIKED),
        ),
    ]  # fmt: skip


def _tools() -> list[Panel]:
    agent = Measure(QUERIES.name, QUERIES.report, ("mode",), ('mode="agent"',))
    threads = Measure(SESSIONS.name, SESSIONS.report, ("mode",), ('mode="agent"',))
    return [
        bars(Card("Sessions by mode", "Chat sessions and agent threads by day; report chat-sessions.", width=8, nothing=NO_REPORT), Query(total(ONE.days(SESSIONS), "mode"), "{{mode}}", Style.BARS)),
        dots(Card("Queries per agent thread", "Queries per agent thread by day: how long people work with an agent on one thing; report chat-sessions.", PLAIN, 8, decimals=1, nothing=NO_REPORT), Query(share(total(ONE.days(agent)), total(ONE.days(threads))), "agent")),
        dots(Card("Mean session length", "Mean length of a session by mode, as the platform reports it (chat_usage_field_info has its unit); report chat-sessions.", SECONDS, 8, nothing=NO_REPORT), Query(f"max by (mode) ({ONE.days(SESSION_LENGTH)})", "{{mode}}")),
        gauges(Card("Tools, 28 days", "The ten most used tools of 28 complete days; report tools. \"other\" adds up all tools beyond the label limit.", width=12, decimals=0, nothing=NO_REPORT), Query(f"topk(10, {total(ONE.sums(TOOL_USES, '28d'), 'tool')})", "{{tool}}")),
        dots(Card("Documents", "Uses of documents in answers, and distinct documents used, by day; report used-documents.", width=12, nothing=NO_REPORT), Query(total(ONE.days(DOCUMENT_USES)), "Document uses"), Query(total(ONE.days(DOCUMENTS)), "Documents")),
    ]  # fmt: skip


def _people() -> list[Panel]:
    members = ONE.now("paradigm_members_active")
    return [
        bars(Card("Active users", "Distinct users by day; report user-activities. Do not add days up.", width=16, height=7, nothing=NO_REPORT), Query(total(ONE.days(ACTIVE_USERS)), "Active users", Style.BARS)),
        stat(
            Card("Members", "Active members, and all members that there ever were (report users). Compare them with the active users on the left to see how far the roll-out has come.", EXACT, 8, 7, 0, NO_SUCH_COMPANY),
            Query(total(members), "active members"), Query(total(ONE.now("paradigm_members_ever")), "ever"),
        ),
    ]  # fmt: skip


def _limits() -> list[Panel]:
    limits = ONE.now("chat_usage_activity_limit", EVERYTHING, "report", "activity", "bound", "basis", "severity")
    keys = Keys(
        {"activity": "Activity", "bound": "Bound", "basis": "Basis", "severity": "Severity"},
        (*RELEASE, "source", "report", "company_id", "company"),
        widths={"activity": 160, "bound": 90, "basis": 90, "severity": 110},
        activities=WITH_UNIT,
    )
    return [
        table(
            Card("Limits in force", "Every limit of the company, as the exporter computed it, and the day and figure that it is compared with: lower limits with the last business day, upper limits with the last day. Without a row no alert would report a drop: see Alert tuning.", width=14, height=8, nothing="none", mappings=WORDS),
            keys, [*judged(ONE, limits, EVERYTHING), Column(Query(in_per_cent(limits, EVERYTHING), "Limit"), decimals=1, stays=True)], "Activity", ascending=True,
        ),
        firing_table(
            Card("Firing now", "Critical alerts and warnings about the company that fire now, the worst first. Click an alert for its runbook.", PLAIN, 10, 8, nothing="none"),
            ("activity", "source"), *ITS,
        ),
    ]  # fmt: skip
