"""For who looks after one company: what it uses, how that compares with its own past and its limits, and with whom."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.firing import WORDS, firing, firing_table
from grafana_dashboards.src.language import (
    AGE_OF_A_DAY,
    ANY_IS_BAD,
    EXACT,
    LOW_IS_BAD,
    MOMENT,
    NO_SUCH_COMPANY,
    NOTHING_YET,
    PLAIN,
    SECONDS,
    SHARE,
    Card,
    Query,
    Style,
)
from grafana_dashboards.src.panels import bars, dots, gauges, repeated, stat
from grafana_dashboards.src.queries import (
    ACTIVE_USERS,
    DISLIKES,
    DOCUMENT_USES,
    DOCUMENTS,
    FEEDBACKS,
    GROUNDED,
    LIKES,
    MODELS,
    ONE,
    OPINIONS,
    QUERIES,
    RESPONSES,
    SAME_SERIES,
    SESSION_LENGTH,
    SESSIONS,
    TOOL_USES,
    USE,
    Measure,
    activity,
    for_each,
    over_days,
    share,
    total,
    within_sight,
)
from grafana_dashboards.src.tables import Column, Keys, table

ITS = ('source=~"$source"', 'company="$company"')
FIRST = ("user_queries", "conversations", "active_users")
"""The activities that are shown at first; the variable has them all."""
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
"""As PromQL numbers them."""
JUDGED = activity('activity=~"$activity"')
OF_PARADIGM = "no figures: the platform does not report this for this company; a chatbot has its own page, Bots"


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="company",
        title="Company",
        text="One company: its use against its own past and its limits, answers, feedback, agents, tools, documents, people.",
        variables=[
            frame.data_source(),
            frame.sources(),
            frame.one_of("company", "Company", 'label_values(chat_usage_company_info{source=~"$source"}, company)'),
            frame.modes(),
            frame.history(),
            frame.some_of("activity", "Activity", f"label_values({ONE.selected('chat_usage_activity_last_day')}, activity)", FIRST),
        ],
        annotations=[frame.built_in(), frame.alerts(', source=~"$source", company="$company"'), frame.restarts()],
        rows=[
            frame.Row("$company", _summary()),
            frame.Row("Activity against the usual and the limits", [_activity(), _weekdays()]),
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
    seen = ONE.now("chat_usage_activity_last_day", activity('activity=~".+"'))
    started = 'max by (source, report) (last_over_time(chat_usage_report_day_timestamp_seconds{source=~"$source"}[1h]))'
    return [
        stat(
            Card("Last complete day", "Queries (of a chatbot: conversations) on the newest complete day.", EXACT, 3, 5, 0),
            Query(used, "used"),
        ),
        stat(
            Card("Against the usual", "The last complete day as a share of what is usual for that weekday: the median of 6 weeks without holidays.", SHARE, 3, 5, 0, "nothing usual yet", LOW_IS_BAD),
            Query(share(used, usual), "of the usual"),
        ),
        stat(Card("Today so far", "Queries (conversations) of the running day, as of the last poll. Partial, and may fall: nothing is judged by it.", EXACT, 3, 5, 0, "nothing today"), Query(total(ONE.today(USE)), "today")),
        stat(Card("7 days", "Queries (conversations) of the 7 complete days that end with the last one, chats and agents as chosen.", EXACT, 3, 5, 0), Query(weeks, "7 days")),
        stat(Card("28 days", "Queries (conversations) of the 28 complete days that end with the last one, chats and agents as chosen.", EXACT, 3, 5, 0), Query(months, "28 days")),
        stat(Card("Last answer", "When the platform last answered a query of the company, as of the last poll; report chat-sessions.", MOMENT, 3, 5, None, "no answer held"), Query(f"1000 * max({answered})", "last answer")),
        stat(Card("Data age", "Time since the start of the oldest day that a report with figures of this company calls its newest complete one; up to 55 h is in order.", SECONDS, 3, 5, 1, "no report", AGE_OF_A_DAY), Query(f"max(time() - {started} and on (source, report) {seen})", "age")),
        stat(Card("Alerts firing", "Alerts about this company that fire now; the table at the end names them.", EXACT, 3, 5, 0, "none", ANY_IS_BAD), Query(f"count({firing(*ITS)})", "firing")),
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
    judged = f"{ONE.days(lower, 'limit', *kept)} and {SAME_SERIES} {working}"
    return repeated(
        bars(
            Card("$activity", "The activity's days, chats and agents together, with what is usual for the weekday and the limits that alerts compare it with. Lower limits hold on working days only, so their line has gaps. Below the lower or above the upper line an alert fires. An upper limit far above all days is not drawn; Limits in force has it.", width=8, height=11, nothing=NOTHING_YET),
            Query(total(days, "activity"), "{{activity}}", Style.BARS),
            Query(total(usual), "usual for the weekday", Style.USUAL),
            Query(f"max by (basis, severity) ({judged})", "lower limit, {{basis}}, {{severity}}", Style.LOWER),
            Query(f"max by (basis, severity) ({within_sight(ONE.days(upper, 'limit', *kept), days, usual)})", "upper limit, {{basis}}, {{severity}}", Style.UPPER),
        ),
        "activity", 3,
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
        Card("By weekday, last 28 days", "Mean of the last 4 days of each weekday that Prometheus has seen. It tells a company that works on weekends from one that does not, and where its calendar is wrong.", width=24, height=7, decimals=0, nothing=NOTHING_YET),
        *weekdays,
    )  # fmt: skip


def _answers() -> list[Panel]:
    asked, answered = total(ONE.days(QUERIES)), total(ONE.days(RESPONSES))
    opinions = total(ONE.sums(OPINIONS, "7d"))
    return [
        dots(
            Card("Queries, answers, grounded answers", "What was asked, answered, and answered from documents; report chat-sessions. The gap between the first two is what failed.", width=8, nothing=OF_PARADIGM),
            Query(asked, "queries"), Query(answered, "answers"), Query(total(ONE.days(GROUNDED)), "grounded answers"),
        ),
        bars(
            Card("Feedback", "Likes, dislikes and copies of answers a day; report chats-feedback.", width=8, nothing=OF_PARADIGM),
            Query(total(ONE.days(FEEDBACKS), "feedback"), "{{feedback}}", Style.BARS),
        ),
        gauges(
            Card("Shares of 7 days", "Answers per query, grounded answers per answer, and likes and dislikes per opinion, over 7 complete days. Under ten opinions, a share of them says little.", SHARE, 8, 8, 0, OF_PARADIGM, most=1.0),
            Query(share(total(ONE.sums(RESPONSES, "7d")), total(ONE.sums(QUERIES, "7d"))), "answered"),
            Query(share(total(ONE.sums(GROUNDED, "7d")), total(ONE.sums(RESPONSES, "7d"))), "grounded"),
            Query(share(total(ONE.sums(LIKES, "7d")), opinions), "liked"),
            Query(share(total(ONE.sums(DISLIKES, "7d")), opinions), "disliked"),
        ),
    ]  # fmt: skip


def _tools() -> list[Panel]:
    agent = Measure(QUERIES.name, QUERIES.report, ("mode",), ('mode="agent"',))
    threads = Measure(SESSIONS.name, SESSIONS.report, ("mode",), ('mode="agent"',))
    return [
        bars(Card("Sessions by mode", "Chat sessions and agent threads a day; report chat-sessions.", width=8, nothing=OF_PARADIGM), Query(total(ONE.days(SESSIONS), "mode"), "{{mode}}", Style.BARS)),
        dots(Card("Queries per agent thread", "How long a piece of work with an agent is: queries per thread; report chat-sessions.", PLAIN, 8, decimals=1, nothing=OF_PARADIGM), Query(share(total(ONE.days(agent)), total(ONE.days(threads))), "agent")),
        dots(Card("Mean session length", "Mean length of a session by mode, in the unit that the platform reports (chat_usage_field_info tells it); report chat-sessions.", PLAIN, 8, nothing=OF_PARADIGM), Query(f"max by (mode) ({ONE.days(SESSION_LENGTH)})", "{{mode}}")),
        gauges(Card("Tools, 28 days", "The ten most used tools of 28 complete days; report tools. \"other\" are all beyond the label limit.", width=8, decimals=0, nothing=OF_PARADIGM), Query(f"topk(10, {total(ONE.sums(TOOL_USES, '28d'), 'tool')})", "{{tool}}")),
        dots(Card("Documents", "Uses of documents in answers, and different documents used; report used-documents.", width=8, nothing=OF_PARADIGM), Query(total(ONE.days(DOCUMENT_USES)), "document uses"), Query(total(ONE.days(DOCUMENTS)), "documents")),
        dots(Card("Different models", "How many models were used on a day, by mode; report chat-sessions.", PLAIN, 8, nothing=OF_PARADIGM), Query(f"max by (mode) ({ONE.days(MODELS)})", "{{mode}}")),
    ]  # fmt: skip


def _people() -> list[Panel]:
    members = ONE.now("paradigm_members_active")
    return [
        bars(Card("Active users", "Different users a day; report user-activities. Not to be added over days.", width=16, height=7, nothing=OF_PARADIGM), Query(total(ONE.days(ACTIVE_USERS)), "active users", Style.BARS)),
        stat(
            Card("Members", "Members that are active, members that there ever were (report users), and different users on the last complete day (report user-activities): how far the roll-out has come.", EXACT, 8, 7, 0, NO_SUCH_COMPANY),
            Query(total(members), "active members"), Query(total(ONE.now("paradigm_members_ever")), "ever"),
            Query(total(ONE.last_day(ACTIVE_USERS)), "users on the last day"),
        ),
    ]  # fmt: skip


def _limits() -> list[Panel]:
    limits = ONE.now(
        "chat_usage_activity_limit", activity('activity=~".+"'), "report", "activity", "bound", "basis", "severity"
    )
    everything = activity('activity=~".+"')
    keys = Keys(
        {"activity": "Activity", "bound": "Bound", "basis": "Basis", "severity": "Severity"},
        ("source", "report", "company_id", "company"),
        widths={"activity": 160, "bound": 90, "basis": 90, "severity": 110},
    )
    columns = [
        Column(Query(limits, "Limit"), decimals=1),
        Column(Query(for_each(limits, ONE.last_day(everything)), "Last day"), decimals=0),
        Column(Query(for_each(limits, ONE.now("chat_usage_activity_last_working_day", everything)), "Last working day"), decimals=0),
    ]  # fmt: skip
    return [
        table(
            Card("Limits in force", "Every limit of the company, in the activity's own unit, as the exporter worked it out. Lower ones are compared with the last working day, upper ones with the last day. No row: nothing can be told about a fall, see Alert tuning.", width=14, height=8, nothing="none", mappings=WORDS),
            keys, columns, "Activity", ascending=True,
        ),
        firing_table(
            Card("Firing now", "Alerts about the company that fire now, the worst first. Click one for its runbook.", PLAIN, 10, 8, nothing="none"),
            ("activity", "source"), *ITS,
        ),
    ]  # fmt: skip
