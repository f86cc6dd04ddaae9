"""For operators: is the exporter up, does it get its reports, what do they cost, what is wrong with them."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.language import (
    AGE_OF_A_DAY,
    ANY_IS_ODD,
    BAD,
    BYTES,
    COUNT,
    DATE,
    GOOD,
    MOMENT,
    PLAIN,
    SECONDS,
    SHARE,
    WATCH,
    YES,
    Card,
    Query,
    states,
)
from grafana_dashboards.src.panels import gauges, lines, named_stat, timeline
from grafana_dashboards.src.queries import BY_SOURCE, RELEASE, RELEASE_CHOSEN, SOURCE, TO_ITS_DATE
from grafana_dashboards.src.tables import Column, Keys, band, table

TARGET = ", ".join((*RELEASE_CHOSEN, 'instance=~"$instance"'))
BY_TARGET = ", ".join((*RELEASE, "instance"))
OF_SOURCE = f"{TARGET}, {SOURCE}"
BY_REPORT = ", ".join((*BY_SOURCE, "report"))
OURS = f"and on ({BY_TARGET}) last_over_time(chat_usage_exporter_build_info{{{TARGET}}}[$__range])"
"""Of targets, those that are exporters of ours: when all are chosen, other jobs fit as well."""
GROUPS = 'rule_group=~".*;chat-usage.*"'
NOT_SCRAPED = "Prometheus does not scrape itself, or the alert rules are not loaded"


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="exporter",
        title="Exporter",
        text="The exporter itself: up, configured, polling; what the platforms' APIs answer; what it costs.",
        variables=[
            frame.data_source(),
            *frame.releases(),
            frame.chosen("instance", "Instance", f"label_values(chat_usage_exporter_build_info{{{', '.join(RELEASE_CHOSEN)}}}, instance)"),
            frame.chosen("source", "Source", f"label_values(chat_usage_settle_seconds{{{TARGET}}}, source)"),
        ],
        annotations=[frame.built_in(), *frame.alerts('company!=""'), frame.restarts()],
        rows=[
            frame.Row("Health", _health()),
            frame.Row("Reports", _reports()),
            frame.Row("What the platforms answer", _api()),
            frame.Row("Can the figures be trusted", _trust(), closed=True),
            frame.Row("Size", _size(), closed=True),
            frame.Row("Process and rules", _process(), closed=True),
        ],
        since="now-7d",
        refresh="5m",
    )  # fmt: skip


def _of(name: str, how: str = "max", by: str = BY_REPORT, window: str = "1h", more: str = "") -> str:
    """Returns a family of reports, of whichever replica."""
    return f"{how} by ({by}) (last_over_time({name}{{{OF_SOURCE}{more}}}[{window}]))"


def _group(name: str, window: str = "") -> str:
    """Returns what Prometheus says of our groups of rules, without the path of their file; a counter's rise in a window."""
    read = f"increase({name}{{{GROUPS}}}{window})" if window else f"{name}{{{GROUPS}}}"
    return f'label_replace({read}, "group", "$1", "rule_group", ".*;(.+)")'


def _health() -> list[Panel]:
    config = f"last_over_time(chat_usage_config_last_reload_successful{{{TARGET}}}[1h])"
    since = f"last_over_time(chat_usage_config_last_reload_success_timestamp_seconds{{{TARGET}}}[1h])"
    well = f"avg({_of('chat_usage_report_up')} unless on ({BY_REPORT}) {_of('chat_usage_report_supported')} == 0)"
    written = states({"1": ("as written", GOOD), "0": ("an older one", BAD)})
    return [
        band(
            Card("In one line", "Whether the last scrape of every exporter succeeded; whether the configuration file is in force (if not, the previous one is: ChatUsageConfigReloadFailed), and when it was read; supported reports whose last poll was good, as a share; age of the last day of the report that is furthest behind (up to 55 h is normal); time until the first API key expires, where api_key_expires is configured (below 14 days ChatUsageAPIKeyExpiresSoon fires); number of series served.", width=20, height=5, least=None),
            Column(Query(f"min(up{{{TARGET}}} {OURS})", "up"), PLAIN, 0, mappings=YES),
            Column(Query(f"min({config})", "configuration"), PLAIN, 0, mappings=written),
            Column(Query(f"1000 * max({since})", "read"), MOMENT),
            Column(Query(well, "good polls"), SHARE, 0, steps=((None, BAD), (0.99, GOOD))),
            Column(Query(f"max(time() - {_of('chat_usage_report_day_timestamp_seconds')})", "oldest data"), SECONDS, 1, steps=AGE_OF_A_DAY),
            Column(Query(f"min({_of('chat_usage_api_key_expiry_timestamp_seconds', by=', '.join(BY_SOURCE))} - time())", "next key expires"), SECONDS, 0, steps=((None, BAD), (14 * 86400.0, WATCH), (30 * 86400.0, GOOD))),
            Column(Query(f"sum({_of('chat_usage_series', by=', '.join(BY_SOURCE))})", "series"), COUNT, 1),
        ),
        named_stat(Card("Version", "Version of the exporter, and of the Python that it runs on.", PLAIN, 4, 5, 0, "no target"), Query(f"max by (version, python_version) (last_over_time(chat_usage_exporter_build_info{{{TARGET}}}[1h]))", "{{version}}, Python {{python_version}}")),
    ]  # fmt: skip


def _reports() -> list[Panel]:
    outcome = f"max by ({BY_REPORT}, outcome) (last_over_time(chat_usage_poll_last_outcome{{{OF_SOURCE}}}[1h])) == 1"
    columns = [
        Column(Query(outcome, "Last poll"), PLAIN, 0, 90, mappings=states({"1": ("", GOOD)})),
        Column(Query(f"1000 * {_of('chat_usage_poll_last_success_timestamp_seconds')}", "Last good poll"), MOMENT),
        Column(Query(f"1000 * ({_of('chat_usage_report_day_timestamp_seconds')} + {TO_ITS_DATE})", "Newest complete day"), DATE, width=170),
        Column(Query(_of("chat_usage_report_companies"), "Companies"), PLAIN, 0),
        Column(Query(_of("chat_usage_report_empty_day"), "Waits for rows"), PLAIN, 0, mappings=states({"1": ("yes", WATCH), "0": ("no", "text")})),
        Column(Query(_of("chat_usage_report_supported"), "Supported"), PLAIN, 0, mappings=states({"1": ("yes", "text"), "0": ("no", WATCH)})),
        Column(Query(_of("chat_usage_poll_duration_seconds"), "Poll took"), SECONDS, 0),
        Column(Query(_of("chat_usage_poll_interval_seconds"), "Every"), SECONDS, 0),
    ]  # fmt: skip
    keys = Keys(
        {"source": "Source", "report": "Report", "outcome": "Outcome"}, (*RELEASE, "Value #A"), widths={"report": 150}
    )
    age = f"time() - max by ({BY_REPORT}) (chat_usage_report_day_timestamp_seconds{{{OF_SOURCE}}})"
    return [
        table(Card("Reports", "A row for each report: how its last poll ended, when the last good poll was, and the newest complete day. An outcome other than ok names the cause: see docs/runbooks.", PLAIN, 24, 11, nothing="–"), keys, columns, "Source", "Report", ascending=True),
        lines(Card("Age of the newest complete day", "It rises until the next day is complete, then falls by 24 h. A report whose line keeps rising is late.", SECONDS, 12, 9, 1, "no report"), Query(age, "{{source}} {{report}}"), many=True),
        timeline(Card("Last poll of each report", "Whether the last poll of each report was good, over time. The log names the cause of a poll that was not good; the table above has it for the last poll.", PLAIN, 12, 9, 0, "no report", ((None, GOOD),), mappings=states({"1": ("not good", BAD), "0": ("good", GOOD)})), Query(f"max by ({BY_REPORT}) (1 - chat_usage_report_up{{{OF_SOURCE}}})", "{{source}} {{report}}")),
    ]  # fmt: skip


def _api() -> list[Panel]:
    requests, seconds = "chat_usage_api_requests_total", "chat_usage_api_request_duration_seconds"
    spread = f"sum by (source, le) (rate({seconds}_bucket{{{OF_SOURCE}}}[$__rate_interval]))"
    failed = f'sum by (source) (rate({requests}{{{OF_SOURCE}, code!="200"}}[$__rate_interval]))'
    everything = f"sum by (source) (rate({requests}{{{OF_SOURCE}}}[$__rate_interval]))"
    waits = f"3600 * sum by (source) (rate(chat_usage_api_retry_wait_seconds_total{{{OF_SOURCE}}}[$__rate_interval]))"
    return [
        lines(Card("Requests an hour, by status", "Requests to the platforms' APIs by the HTTP status of the answer; error is a request without an answer. 429 means that the platform throttles: raise poll.interval.", COUNT, 8), Query(f"3600 * sum by (source, code) (rate({requests}{{{OF_SOURCE}}}[$__rate_interval]))", "{{source}} {{code}}"), many=True),
        lines(Card("Share of failed requests", "Requests that were not answered by 200, as a share of all. Tried again up to three times; above a fifth for hours, ChatUsageAPIErrorRatioHigh fires where it is on.", SHARE, 8, decimals=1, most=1.0), Query(f"({failed} or 0 * {everything}) / ({everything} > 0)", "{{source}}")),
        lines(Card("Duration of requests", "Time to the end of the answer: half (p50) and 95 of 100 (p95) of the requests took no longer.", SECONDS, 8), Query(f"histogram_quantile(0.5, {spread})", "{{source}} p50"), Query(f"histogram_quantile(0.95, {spread})", "{{source}} p95")),
        lines(Card("Polls an hour, by outcome", "Polls by outcome; the log has the cause of each poll that was not ok.", COUNT, 12), Query(f"3600 * sum by (outcome) (rate(chat_usage_polls_total{{{OF_SOURCE}}}[$__rate_interval])) > 0", "{{outcome}}"), many=True),
        lines(Card("Waiting before another attempt", "Seconds an hour that polls waited before another attempt, because the platform throttled or failed.", SECONDS, 6, decimals=0), Query(waits, "{{source}}")),
        lines(Card("Clock of the platform", "By how much the platform's clock is ahead of the exporter's. Above 5 minutes figures may be counted on the wrong day. An old answer from a cache shows here, too.", SECONDS, 6, decimals=0, least=None), Query(f"max by (source) (chat_usage_api_clock_skew_seconds{{{OF_SOURCE}}})", "{{source}}")),
    ]  # fmt: skip


def _trust() -> list[Panel]:
    restated = _of("chat_usage_report_restated_ratio")
    return [
        gauges(Card("Days read, of those in the sums", "Share of the days in the 7-day and 28-day sums that were read after their end, the smaller of the two. Below 100 % the sums are too small: ChatUsageWindowGaps.", SHARE, 8, 11, 0, "no history yet", ((None, BAD), (1.0, GOOD)), most=1.0), Query(_of("chat_usage_report_window_coverage_ratio", "min"), "{{source}} {{report}}")),
        lines(Card("Restated by the platform", "Largest change at the last poll of a day that had been served as complete. Above 10 % ChatUsageRestated fires: reports made from those figures are wrong.", SHARE, 8, 11, 1), Query(restated, "{{source}} {{report}}"), many=True),
        lines(Card("Restatements, 1 day", "Figures (by company, day, measure and label) that changed within a day after they had been served as complete.", COUNT, 8, 11, 0), Query(f"sum by ({BY_REPORT}) (increase(chat_usage_report_restatements_total{{{OF_SOURCE}}}[1d]))", "{{source}} {{report}}"), many=True),
        table(Card("Fields that are not as documented", "Fields of the last good answer that are unknown, missing or of another type. With missing or retyped fields, figures are absent or wrong (ChatUsageSchemaDrift).", PLAIN, 8, 8, 0, "none"), Keys({"source": "Source", "report": "Report", "kind": "Kind"}, RELEASE, widths={"source": 110, "kind": 100}), [Column(Query(_of("chat_usage_schema_drift", by=f"{BY_REPORT}, kind") + " > 0", "Fields"), PLAIN, 0, steps=ANY_IS_ODD)], "Fields"),
        table(Card("Figures that cannot be true", "Rows of the last good answer that contradict each other or the calendar, by the rule that they break (ChatUsageInvariantViolated).", PLAIN, 8, 8, 0, "none"), Keys({"source": "Source", "report": "Report", "invariant": "Broken rule"}, RELEASE, widths={"source": 110, "invariant": 190}), [Column(Query(_of("chat_usage_invariant_violations", by=f"{BY_REPORT}, invariant") + " > 0", "Rows"), PLAIN, 0, steps=ANY_IS_ODD)], "Rows"),
        table(Card("Withdrawn companies", "Companies whose rows disappeared from all requested days: their series are removed, and no limit applies to them (ChatUsageCompaniesWithdrawn).", PLAIN, 8, 8, 0, "none"), Keys({"source": "Source", "report": "Report"}, RELEASE), [Column(Query(_of("chat_usage_report_companies_withdrawn") + " > 0", "Companies"), PLAIN, 0, steps=ANY_IS_ODD)], "Companies"),
    ]  # fmt: skip


def _size() -> list[Panel]:
    families = f'topk(12, count by (__name__) ({{__name__=~"(paradigm|chatcaptain|chat_usage)_.+", {TARGET}}}))'
    dropped = f"sum by (source) (chat_usage_series_dropped{{{OF_SOURCE}}})"
    return [
        gauges(Card("Largest families", "Series by family, the twelve largest. families.exclude removes families.", COUNT, 8, 10, 0), Query(families, "{{__name__}}")),
        lines(Card("Series by source", "Series by source, and series that limits.max_series drops.", COUNT, 8, 10), Query(f"max by (source) (chat_usage_series{{{OF_SOURCE}}})", "{{source}}"), Query(f"{dropped} > 0", "{{source}} dropped")),
        lines(Card("Scrapes", "How long a scrape takes. Figures are rendered after a poll, not at a scrape.", SECONDS, 8, 10, 3), Query(f"max by (instance) (scrape_duration_seconds{{{TARGET}}} {OURS})", "{{instance}}")),
    ]  # fmt: skip


def _process() -> list[Panel]:
    return [
        lines(Card("CPU cores", "CPU cores that the exporter uses. A poll of many companies is a short peak.", PLAIN, 12, 7, None, "no target"), Query(f"rate(process_cpu_seconds_total{{{TARGET}}}[$__rate_interval]) {OURS}", "{{instance}}")),
        lines(Card("Memory", "Resident memory of the exporter. It needs less than 200 MiB for 60 days of 1,000 companies.", BYTES, 12, 7, 0, "no target"), Query(f"process_resident_memory_bytes{{{TARGET}}} {OURS}", "{{instance}}")),
        lines(Card("Evaluation of our alert rules", "How long Prometheus took for the last evaluation of each group of our rules.", SECONDS, 12, 7, 3, NOT_SCRAPED), Query(f"max by (group) ({_group('prometheus_rule_group_last_duration_seconds')})", "{{group}}"), many=True),
        lines(Card("Rules that failed", "Evaluations of our rules that failed within an hour. Above 0, some alert cannot fire.", COUNT, 12, 7, 0, NOT_SCRAPED), Query(f"sum by (group) ({_group('prometheus_rule_evaluation_failures_total', '[1h]')})", "{{group}}"), many=True),
    ]  # fmt: skip
