"""For each alert one law: at which figure it is silent, from which on it fires, and with which words.

Each is tested four times: just below (before the breach), firing, clearing (after it), and without the figure.
Time runs in steps of 10 minutes, or of an hour where days matter: 6 hours of `below`, 12 of `breach`, 12 of `below`
again, if the law does not say otherwise.
`age:60` is a moment that is always 60 s ago, `stuck` the moment at which the breach began.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.alert_rules.promtool import Labels, Series

STEP = "10m"
HOUR = 6
"""Steps. Values of a context are those of the first step; they hold, or rise, for all of them."""
SETTLE = Series("chat_usage_settle_seconds", {"source": "a"}, "21600")
REPORT = {"source": "a", "report": "chat-sessions"}
COMPANY = {"source": "a", "company_id": "1", "company": 'R&D "Ü"'}
UNMATCHED = {"source": "a", "option": "thresholds"}
QUERIES = {**REPORT, **COMPANY, "activity": "user_queries"}
FRESH = (
    SETTLE,
    Series("chat_usage_poll_interval_seconds", REPORT, "3600"),
    # The described day began 40 hours ago, at every moment.
    Series("chat_usage_report_day_timestamp_seconds", REPORT, "-144000+600"),
    Series("chat_usage_report_empty_day", REPORT, "0"),
    Series("chat_usage_report_up", REPORT, "1"),
    Series("chat_usage_report_supported", REPORT, "1"),
)


@dataclass(frozen=True)
class Law:
    """`main` is the series that the alert watches; `fires` are the labels, `value` its value as people read it.

    `lasts` are the steps of below, breach and below again; `at` the steps at which each of the three is looked at.
    `without` are the labels with which it fires where the figure is missing, if it does. A step has so many minutes;
    `texts` are what its words look up: the limit, the day, the usual share.
    """

    alert: str
    main: str
    of: Labels
    below: str
    breach: str
    fires: Labels
    value: str
    context: Sequence[Series] = FRESH
    lasts: tuple[int, int, int] = (6 * HOUR, 12 * HOUR, 12 * HOUR)
    at: tuple[int, int, int] = (6 * HOUR - 1, 18 * HOUR - 1, 30 * HOUR - 1)
    besides: Sequence[tuple[str, Labels, str, str]] = field(default=())
    without: Labels | None = None
    step: int = 10
    texts: Labels = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The alert and, where two rules share the name, the severity."""
        return f"{self.alert} {self.fires.get('severity', '')}".strip()

    def time(self, step: int) -> str:
        """Returns the moment of a step."""
        return f"{step * self.step}m"

    def series(self, *, missing: bool = False, kept: bool = False, more: Labels | None = None) -> list[Series]:
        """Returns the input, each with `more` labels; without the watched series where it is `missing`.

        Where the law is `kept` nothing is breached at any time.
        """
        watched = [(self.main, self.of, self.below, self.below if kept else self.breach), *self.besides]
        lines = [
            Series(name, labels, self._values(below, below if kept else breach))
            for name, labels, below, breach in watched
        ]
        whole = f"x{sum(self.lasts) - 1}"
        context = [
            series if "x" in series.values else series._replace(values=self._scaled(series.values) + whole)
            for series in self.context
        ]
        names = [Series("chat_usage_company_info", COMPANY, f"1{whole}")] if "company" in self.fires else []
        every = [*context, *names, *([] if missing else lines)]
        return [series._replace(labels={**series.labels, **(more or {})}) for series in every]

    def _scaled(self, values: str) -> str:
        """Returns the values of a moment that goes on as time does, whatever the step is."""
        return values.replace("+600", f"+{self.step * 60}")

    def _values(self, below: str, breach: str) -> str:
        first, second, third = self.lasts
        parts = ((below, 0, first), (breach, first, second), (below, first + second, third))
        return " ".join(
            f"_x{count}"
            if value == "_"
            else f"{self._scaled(_from(value, begin * self.step * 60))}x{count - 1}"  # axN is N + 1 values, _xN is N
            for value, begin, count in parts
        )


def _from(value: str, seconds: int) -> str:
    if value.startswith("age:"):
        return f"{seconds - int(value.removeprefix('age:'))}+600"
    return str(seconds) if value == "stuck" else value


def of_limit(bound: str, basis: str, severity: str) -> Labels:
    return {**QUERIES, "bound": bound, "basis": basis, "severity": severity}


def limit(bound: str, basis: str, severity: str, value: str, source: str = "a") -> Series:
    return Series("chat_usage_activity_limit", {**of_limit(bound, basis, severity), "source": source}, value)


def breached(alert: str, main: str, figures: tuple[str, str], of: tuple[str, str, str]) -> Law:
    """Returns the law of a limit of such a bound, basis and severity; `figures`: the last allowed one, one beyond it."""
    last, beyond = figures
    day = "Monday 29 December 1969" if of[0] == "lower" else "Wednesday 31 December 1969"
    context = (*FRESH, limit(*of, last), worked("chat-sessions"))
    texts = {"limit": last, "day": day}
    return Law(alert, main, QUERIES, last, beyond, of_limit(*of), beyond, context, texts=texts)


def of_share() -> Law:
    """Returns the law of a limit of a share, whose figure is of 7 days, and which names who is told."""
    of = {**QUERIES, "activity": "grounded_share"}
    fires = {**of, "bound": "lower", "basis": "fixed", "severity": "critical", "team": "sales"}
    context = (*FRESH, Series("chat_usage_activity_limit", fires, "0.4"), worked("chat-sessions"))
    texts = {"limit": "40%", "day": "Monday 29 December 1969"}
    return Law("ChatUsageBelowThreshold", WORKING, of, "0.4", "0.39", fires, "39%", context, texts=texts)


def without(name: str, context: Sequence[Series] = FRESH) -> tuple[Series, ...]:
    """Returns a context without one of its series."""
    return tuple(series for series in context if series.name != name)


LAST, WORKING = "chat_usage_activity_last_day", "chat_usage_activity_last_working_day"
CHAT, AGENT = {**COMPANY, "mode": "chat"}, {**COMPANY, "mode": "agent"}
DAY = 24  # steps of an hour
WORKED = " ".join(f"{number * 86400 - 172800}x23" for number in range(12))
"""When the last business day began, through 12 days that are all worked on, by steps of an hour."""


def worked(report: str, values: str = "-259200") -> Series:
    """Returns when the last business day of the company began: a Monday, if nothing else is said."""
    labels = {**REPORT, **COMPANY, "report": report}
    return Series("chat_usage_company_last_working_day_timestamp_seconds", labels, values)


def fresh(report: str) -> tuple[Series, ...]:
    """Returns what tells that a report is up to date."""
    return tuple(
        each._replace(labels={**each.labels, "report": report}) if "report" in each.labels else each for each in FRESH
    )


WEEK, WEEK_AT = (8 * DAY, 2 * DAY, 2 * DAY), (8 * DAY - 1, 10 * DAY - 1, 12 * DAY - 1)
MANY = tuple(
    Series(
        "chat_usage_activity_limit",
        {
            **QUERIES,
            "company_id": str(n),
            "company": f"C{n}",
            "bound": "lower",
            "basis": "usual",
            "severity": "warning",
        },
        "50",
    )
    for n in range(1, 5)
)


def many(company: int) -> Labels:
    return {**QUERIES, "company_id": str(company), "company": f"C{company}"}


LAWS = (
    breached("ChatUsageBelowThreshold", WORKING, ("50", "49"), ("lower", "fixed", "critical")),
    breached("ChatUsageAboveThreshold", LAST, ("300", "301"), ("upper", "fixed", "warning")),
    breached("ChatUsageActivityDropped", WORKING, ("50", "49"), ("lower", "usual", "warning")),
    breached("ChatUsageActivitySpiked", LAST, ("300", "301"), ("upper", "usual", "info")),
    of_share(),
    Law(
        "ChatUsageCompanyInactive",
        "paradigm_user_queries_7d",
        CHAT,
        "1",
        "0",
        COMPANY,
        "",
        (*FRESH, Series("paradigm_user_queries_28d", CHAT, "100"), worked("chat-sessions", WORKED)),
        step=60,
        lasts=WEEK,
        at=WEEK_AT,
        texts={"sum": "100"},
    ),
    Law(
        "ChatUsageGroundedShareLow",
        "paradigm_model_responses_with_docs_7d",
        CHAT,
        "20",
        "19",
        COMPANY,
        "19%",
        (
            *FRESH,
            Series("paradigm_model_responses_7d", CHAT, "100"),
            Series("paradigm_model_responses_28d", CHAT, "400"),
            Series("paradigm_model_responses_with_docs_28d", CHAT, "160"),
        ),
        texts={"share": "40%"},
    ),
    Law(
        "ChatUsageManyCompaniesDropped",
        WORKING,
        many(1),
        "50",
        "49",
        REPORT,
        "75%",
        # Two of four fell before: chance.
        (
            *FRESH,
            *MANY,
            worked("chat-sessions"),
            *(Series(WORKING, many(n), value) for n, value in ((2, "49"), (3, "49"), (4, "50"))),
        ),
        texts={"count": "3", "day": "Monday 29 December 1969"},
    ),
    Law(
        "ChatUsageNoReportAtAll",
        "chat_usage_poll_last_success_timestamp_seconds",
        REPORT,
        "age:0",
        "stuck",
        {"source": "a"},
        "1d 15h 0m 0s",
        (Series("chat_usage_poll_interval_seconds", REPORT, "3600"),),
        step=60,
        lasts=(30, 40, 40),
        at=(29, 69, 109),
    ),
    Law(
        "ChatUsageReportFetchFailing",
        "chat_usage_poll_last_success_timestamp_seconds",
        REPORT,
        "age:0",
        "stuck",
        REPORT,
        "11h 50m 0s",
        without("chat_usage_poll_last_success_timestamp_seconds"),
    ),
    Law("ChatUsageAPIKeyRejected", "chat_usage_poll_last_outcome", {**REPORT, "outcome": "auth"}, "0", "1", REPORT, ""),
    Law(
        "ChatUsageAPIKeyExpiresSoon",
        "chat_usage_api_key_expiry_timestamp_seconds",
        {"source": "a"},
        f"{14 * 86400 + 107401}",
        f"{14 * 86400}",
        {"source": "a"},
        "13d 6h 10m 0s",
    ),
    Law(
        "ChatUsageReportShapeUnknown",
        "chat_usage_poll_last_outcome",
        {**REPORT, "outcome": "schema"},
        "0",
        "1",
        REPORT,
        "",
    ),
    Law(
        "ChatUsageReportStale",
        "chat_usage_report_day_timestamp_seconds",
        REPORT,
        "age:208800",
        "age:208801",
        REPORT,
        "2d 10h 0m 1s",
        without("chat_usage_report_day_timestamp_seconds"),
        texts={"day": "Tuesday 30 December 1969"},
    ),
    Law(
        "ChatUsageReportEmpty",
        "chat_usage_report_empty_day",
        REPORT,
        "0",
        "1",
        {**REPORT, "severity": "warning"},
        "",
        (*without("chat_usage_report_empty_day"), limit("lower", "usual", "warning", "50")),
    ),
    Law(
        "ChatUsageReportEmpty",
        "chat_usage_report_empty_day",
        REPORT,
        "0",
        "1",
        {**REPORT, "severity": "info"},
        "",
        without("chat_usage_report_empty_day"),
    ),
    Law("ChatUsageCompaniesWithdrawn", "chat_usage_report_companies_withdrawn", REPORT, "0", "1", REPORT, "1"),
    Law(
        "ChatUsageCompanyMissing",
        LAST,
        QUERIES,
        "1",
        "_",
        COMPANY,
        "",
        (*FRESH, Series("chat_usage_company_info", {**COMPANY, "expected": "true"}, "1")),
        without=COMPANY,
    ),
    Law("ChatUsageRestated", "chat_usage_report_restated_ratio", REPORT, "0.1", "0.11", REPORT, "11%"),
    Law(
        "ChatUsageWindowGaps",
        "chat_usage_report_window_coverage_ratio",
        {**REPORT, "window": "7d"},
        "1",
        "0.75",
        {**REPORT, "window": "7d"},
        "75%",
    ),
    Law(
        "ChatUsageReportUnread",
        "chat_usage_report_unread",
        {**REPORT, "item": "INTENT_SCORE_MEDIAN"},
        "0",
        "4",
        {**REPORT, "item": "INTENT_SCORE_MEDIAN"},
        "4",
        (Series("chat_usage_report_supported", REPORT, "0"),),
        lasts=(6 * HOUR, 40 * HOUR, 12 * HOUR),
        at=(6 * HOUR - 1, 46 * HOUR - 1, 58 * HOUR - 1),
    ),
    Law(
        "ChatUsageLimitsMissing",
        "chat_usage_activity_limit_missing",
        {**REPORT, "activity": "user_queries", "reason": "unread"},
        "0",
        "12",
        {**REPORT, "activity": "user_queries", "reason": "unread"},
        "12",
        lasts=(6 * HOUR, 40 * HOUR, 12 * HOUR),
        at=(6 * HOUR - 1, 46 * HOUR - 1, 58 * HOUR - 1),
    ),
    Law(
        "ChatUsageSchemaDrift",
        "chat_usage_schema_drift",
        {**REPORT, "kind": "retyped"},
        "0",
        "1",
        {**REPORT, "kind": "retyped", "severity": "warning"},
        "1",
    ),
    Law(
        "ChatUsageSchemaDrift",
        "chat_usage_schema_drift",
        {**REPORT, "kind": "unknown"},
        "0",
        "1",
        {**REPORT, "kind": "unknown", "severity": "info"},
        "1",
    ),
    Law(
        "ChatUsageInvariantViolated",
        "chat_usage_invariant_violations",
        {**REPORT, "invariant": "negative"},
        "0",
        "1",
        {**REPORT, "invariant": "negative"},
        "1",
    ),
    Law(
        "ChatUsageExporterDown",
        "up",
        {"job": "chat-usage-exporter", "instance": "x:1"},
        "1",
        "0",
        {"job": "chat-usage-exporter"},
        "",
        (),
        without={},
    ),
    Law(
        "ChatUsageConfigReloadFailed",
        "chat_usage_config_last_reload_successful",
        {"instance": "x:1"},
        "1",
        "0",
        {},
        "",
    ),
    Law(
        "ChatUsageWebAuthFailures",
        "chat_usage_web_auth_failures_total",
        {"reason": "credentials", "instance": "e:1"},
        "0+13",
        "0+14",
        {},
        "21",
    ),
    Law(
        "ChatUsageStateNotWritten",
        "chat_usage_state_last_write_successful",
        {"instance": "x:1"},
        "1",
        "0",
        {},
        "",
    ),
    Law(
        "ChatUsageRulesFailing",
        "prometheus_rule_evaluation_failures_total",
        {"rule_group": "/rules/usage.yml;chat-usage-activity", "instance": "p:1"},
        "0",
        "0+1",
        {"rule_group": "/rules/usage.yml;chat-usage-activity"},
        "1.5",
    ),
    Law(
        "ChatUsageHistoryJobFailed",
        "node_systemd_unit_state",
        {"name": "chat-usage-history.service", "state": "failed"},
        "0",
        "1",
        {"name": "chat-usage-history.service"},
        "",
    ),
    Law(
        "ChatUsageHistoryJobFailed",
        "kube_job_status_failed",
        {"job_name": "r-chat-usage-exporter-history-29", "reason": "BackoffLimitExceeded"},
        "0",
        "1",
        {"job_name": "r-chat-usage-exporter-history-29"},
        "",
    ),
    *(
        Law(
            "ChatUsageHistoryJobOverdue",
            main,
            of,
            "age:216000",
            "age:216001",
            of,
            "2d 12h 0m 1s",
            (),
        )
        for main, of in (
            ("node_systemd_timer_last_trigger_seconds", {"name": "chat-usage-history.timer"}),
            ("kube_cronjob_status_last_successful_time", {"cronjob": "r-chat-usage-exporter-history"}),
            ("kube_cronjob_created", {"cronjob": "r-chat-usage-exporter-history"}),
        )
    ),
    Law(
        "ChatUsageConfigUnmatched",
        "chat_usage_config_unmatched_selectors",
        UNMATCHED,
        "0",
        "1",
        UNMATCHED,
        "1",
        (*FRESH, Series("chat_usage_config_unmatched_selector_info", {**UNMATCHED, "selector": "id:99"}, "1")),
        texts={"selector": "id:99"},
    ),
    # Optional ones.
    Law(
        "ChatUsageThresholdMissing",
        "chat_usage_activity_limit",
        of_limit("lower", "usual", "warning"),
        "50",
        "_",
        QUERIES,
        "",
        (
            *FRESH,
            Series(LAST, QUERIES, "60"),
            # An upper limit, and a company with the same number elsewhere, are no limit of this one.
            limit("upper", "usual", "info", "300"),
            limit("lower", "usual", "warning", "50", source="b"),
        ),
        without=QUERIES,
    ),
    Law(
        "ChatUsageActiveMembersFalling",
        "paradigm_members_active",
        COMPANY,
        "100",
        "69",
        COMPANY,
        "69",
        FRESH,
        step=60,
        lasts=(15 * DAY, 2 * DAY, 2 * DAY),
        at=(15 * DAY - 1, 17 * DAY - 1, 19 * DAY - 1),
    ),
    Law(
        "ChatUsageDislikeShareHigh",
        "paradigm_feedbacks_7d",
        {**COMPANY, "feedback": "dislike"},
        "40",
        "41",
        COMPANY,
        "41%",
        fresh("chats-feedback"),
        besides=(("paradigm_feedbacks_7d", {**COMPANY, "feedback": "like"}, "60", "59"),),
    ),
    Law(
        "ChatUsageToolUnused",
        "paradigm_tool_uses_7d",
        {**COMPANY, "tool": "CRM"},
        "1",
        "0",
        {**COMPANY, "tool": "CRM"},
        "40",
        (*fresh("tools"), Series("paradigm_tool_uses_28d", {**COMPANY, "tool": "CRM"}, "40"), worked("tools", WORKED)),
        step=60,
        lasts=WEEK,
        at=WEEK_AT,
        without={**COMPANY, "tool": "CRM"},
    ),
    Law(
        "ChatUsageDocumentsUnused",
        "paradigm_document_uses_7d",
        COMPANY,
        "1",
        "0",
        COMPANY,
        "40",
        (
            *fresh("used-documents"),
            Series("paradigm_document_uses_28d", COMPANY, "40"),
            worked("used-documents", WORKED),
        ),
        step=60,
        lasts=WEEK,
        at=WEEK_AT,
        without=COMPANY,
    ),
    Law(
        "ChatUsagePlatformSilent",
        "chat_usage_activity_today",
        {**QUERIES, "activity": "model_responses"},
        "51",
        "0",
        REPORT,
        "",
        step=60,
        lasts=(8 * DAY, DAY // 2, DAY // 2),
        at=(8 * DAY - 1, 8 * DAY + DAY // 2 - 1, 9 * DAY - 1),
    ),
    Law(
        "ChatUsageUnansweredQueries",
        "chat_usage_activity_today",
        {**QUERIES, "activity": "model_responses"},
        "200",
        "199",
        COMPANY,
        "20.4%",
        (*FRESH, Series("chat_usage_activity_today", QUERIES, "250")),
    ),
    Law(
        "ChatUsageNoAnswerForLong",
        "paradigm_last_model_response_timestamp_seconds",
        CHAT,
        "age:345600",
        "age:345601",
        COMPANY,
        "4d 0h 0m 1s",
        (*FRESH, Series("paradigm_model_responses_28d", CHAT, "100"), worked("chat-sessions", "-144000+600")),
    ),
    Law(
        "ChatUsageAPIThrottled",
        "chat_usage_api_requests_total",
        {**REPORT, "code": "429"},
        "0",
        "0+1",
        {"source": "a"},
        "50%",
        (*FRESH, Series("chat_usage_api_requests_total", {**REPORT, "code": "200"}, "0+1")),
    ),
    Law(
        "ChatUsageAPIErrorRatioHigh",
        "chat_usage_api_requests_total",
        {**REPORT, "code": "503"},
        "0",
        "0+1",
        {"source": "a"},
        "50%",
        (*FRESH, Series("chat_usage_api_requests_total", {**REPORT, "code": "200"}, "0+1")),
    ),
    Law(
        "ChatUsageCompanyVanished",
        LAST,
        QUERIES,
        "1",
        "_",
        COMPANY,
        "",
        FRESH,
        step=60,
        lasts=(2 * DAY, DAY // 2, DAY // 2),
        at=(2 * DAY - 1, 2 * DAY + DAY // 2 - 1, 3 * DAY - 1),
    ),
    Law(
        "ChatUsageClockOrZoneSkew",
        "chat_usage_api_clock_skew_seconds",
        {"source": "a"},
        "300",
        "-301",
        {"source": "a"},
        "5m 1s",
    ),
    Law(  # a day that has not begun
        "ChatUsageClockOrZoneSkew",
        "chat_usage_report_day_timestamp_seconds",
        REPORT,
        "age:60",
        "age:-3600",
        REPORT,
        "1h 0m 0s",
        without("chat_usage_report_day_timestamp_seconds"),
    ),
    Law(
        "ChatUsageSeriesLimitReached",
        "chat_usage_series_dropped",
        {"source": "a", "reason": "28d"},
        "0",
        "1",
        {"source": "a", "reason": "28d"},
        "1",
    ),
)
OF_LIMITS = LAWS[:5]
ALWAYS: Mapping[str, Labels] = {"ChatUsageWatchdog": {}}
"""Fires whatever happens: it has neither a figure nor a bound."""
