"""LightOn Paradigm: its reporting endpoints, and the measures of their fields.

Sources of all facts here: the pages of the reporting API, for chat-sessions the OpenAPI document of the release
xenial-xerus (docs.lighton.ai/api-reference-v2/reporting/get-company-chat-sessions-report.md), and the guide
"Reporting". Open points and assumptions are in docs/development/platform-apis.md.
"""

from collections.abc import Mapping
from dataclasses import replace

from exporter.domain.errors import ConfigError
from exporter.domain.model import Activity, Column, Kind, Measure
from exporter.platforms import json_values
from exporter.platforms.api import LabelLimit, Override, Platform, Report
from exporter.platforms.paradigm.documented_array import HERE, Array, Field, Items
from exporter.platforms.paradigm.report import API, DocumentedReport, base_url
from exporter.platforms.paradigm.self_described import DescribedReport, MappedReport
from exporter.platforms.reading_builder import ALL, Invariant

MODE = ("mode",)


def _sum(name: str, text: str, labels: tuple[str, ...], *activities: Activity) -> Measure:
    return Measure(f"paradigm_{name}", text, Kind.SUM, labels, activities=activities)


SESSIONS = _sum("sessions", "Sessions or agent threads", MODE, Activity("sessions"))
QUERIES = _sum("user_queries", "User queries", MODE, Activity("user_queries", usual_limits=True))
ANSWERED_SHARE = Activity("answered_share", share_of=((QUERIES.family, ""),), min_volume=100)
RESPONSES = _sum("model_responses", "Model responses", MODE, Activity("model_responses"), ANSWERED_SHARE)
GROUNDED_SHARE = Activity("grounded_share", share_of=((RESPONSES.family, ""),), min_volume=100)
WITH_DOCS = "model_responses_with_docs"
GROUNDED = _sum(WITH_DOCS, "Responses using documents", MODE, Activity(WITH_DOCS), GROUNDED_SHARE)
MODELS = Measure("paradigm_unique_models", "Distinct models used", Kind.DISTINCT, MODE)
LENGTH = Measure("paradigm_session_length_average", "Average session length", Kind.AVERAGE, MODE)  # unit as reported
LAST_RESPONSE = Measure(
    "paradigm_last_model_response_timestamp_seconds", "Time of the newest model response", Kind.INSTANT, MODE
)


def _count(key: str, family: str, *label_values: str, optional: bool = False) -> Field:
    return Field(key, Column(family, label_values), json_values.count, optional)


def _mode(mode: str, conversation: str) -> Mapping[str, tuple[Field, ...]]:
    """Returns the fields of a row: the two arrays differ in names; `agents` holds counts and lists no agents."""
    return {
        f"{conversation}s": (
            _count(f"{conversation}s_count", SESSIONS.family, mode),
            _count("unique_models_count", MODELS.family, mode),
            Field(f"average_{conversation}_length", Column(LENGTH.family, (mode,)), json_values.number),
        ),
        f"{mode}s": (
            _count("user_queries_count", QUERIES.family, mode),
            # The guide's own sample, of an older release, lacks it.
            _count("model_responses_with_docs_count", GROUNDED.family, mode, optional=True),
            _count("model_responses_count", RESPONSES.family, mode),
            # "Required and not nullable", which a day without a response cannot fulfil.
            Field("last_model_response_date", Column(LAST_RESPONSE.family, (mode,)), json_values.moment, optional=True),
        ),
    }


CHAT_SESSIONS = DocumentedReport(
    name="chat-sessions",
    path=f"{API}/reporting/chat-sessions/",
    day_bytes=600,  # two rows as in the documentation's sample, without white space
    measures=(SESSIONS, QUERIES, RESPONSES, GROUNDED, MODELS, LENGTH, LAST_RESPONSE),
    arrays=(
        Array("reporting", "chat", _mode("chat", "session")),
        Array("reporting_agents", "agent", _mode("agent", "thread")),
    ),
    checks=tuple(
        Invariant("with_docs_gt_responses", (Column(GROUNDED.family, (mode,)),), Column(RESPONSES.family, (mode,)))
        for mode in ("chat", "agent")
    ),
)

RATINGS = (("paradigm_feedbacks", "like"), ("paradigm_feedbacks", "dislike"))
LIKED_SHARE = Activity("liked_share", "like", share_of=RATINGS, min_volume=30)
_RATED = (Activity("likes", "like"), Activity("dislikes", "dislike"), Activity("copies", "copy"), LIKED_SHARE)
FEEDBACKS = _sum("feedbacks", "Likes, dislikes and copies", ("feedback",), *_RATED)
RATEABLE = _sum("feedback_model_responses", "Responses open to feedback", ())
_FEEDBACK = {
    "feedbacks": (
        _count("likes_count", FEEDBACKS.family, "like"),
        _count("dislikes_count", FEEDBACKS.family, "dislike"),
        _count("copies_count", FEEDBACKS.family, "copy"),
    ),
    HERE: (_count("model_responses_count", RATEABLE.family),),
}
_OPINIONS = (Column(FEEDBACKS.family, ("like",)), Column(FEEDBACKS.family, ("dislike",)))
CHATS_FEEDBACK = DocumentedReport(
    name="chats-feedback",
    path=f"{API}/reporting/chats-feedback/",  # plural "chats", singular "feedback"
    day_bytes=120,
    measures=(FEEDBACKS, RATEABLE),
    arrays=(Array("reporting", ALL, _FEEDBACK),),
    checks=(Invariant("likes_dislikes_gt_responses", _OPINIONS, Column(RATEABLE.family)),),
)

DOCUMENT_USES = _sum("document_uses", "Document uses in responses", (), Activity("document_uses"))
DOCUMENTS_USED = Measure("paradigm_documents_used", "Distinct documents used", Kind.DISTINCT)
_NAMES = frozenset({"document_filename", "document_title"})
_DOCUMENT_COLUMNS = Column(DOCUMENT_USES.family), Column(DOCUMENTS_USED.family)
_DOCUMENTS = Items("documents", "document_id", "usage_count", _NAMES, *_DOCUMENT_COLUMNS)
USED_DOCUMENTS = DocumentedReport(
    name="used-documents",
    path=f"{API}/reporting/used-documents/",
    day_bytes=2000,  # some fifteen documents; nothing bounds their number
    measures=(DOCUMENT_USES, DOCUMENTS_USED),
    arrays=(Array("reporting", ALL, {}, _DOCUMENTS),),
)

MEMBERS_ACTIVE = Measure("paradigm_members_active", "Currently active members", Kind.LEVEL, people=True)
MEMBERS_EVER = Measure("paradigm_members_ever", "All members ever", Kind.LEVEL, people=True)
_MEMBERS = (
    _count("current_active_members", MEMBERS_ACTIVE.family),
    _count("total_historical_members", MEMBERS_EVER.family),
)
USERS = DocumentedReport(
    name="users",
    path=f"{API}/reporting/users/",
    day_bytes=1,  # an answer is as large for a year as for a day
    measures=(MEMBERS_ACTIVE, MEMBERS_EVER),
    arrays=(Array("reporting", ALL, {HERE: _MEMBERS}, dated=False),),
    checks=(Invariant("active_gt_ever", (Column(MEMBERS_ACTIVE.family),), Column(MEMBERS_EVER.family)),),
)

_TOOL_USES = _sum("tool_uses", "Tool uses", ("tool",), Activity("tool_uses"))
TOOLS = DescribedReport(
    name="tools",
    path=f"{API}/reporting/tools/",
    day_bytes=400,
    measure=replace(_TOOL_USES, today=False, limits=("tools",), needs_read_marker=True),
    likely=("usage_count", "uses_count", "calls_count", "tool_uses_count", "count"),
)
ACTIVE_USERS = Measure(
    "paradigm_active_users", "Distinct active users", Kind.DISTINCT, people=True, activities=(Activity("active_users"),)
)
USER_ACTIVITIES = DescribedReport(
    name="user-activities",
    path=f"{API}/reporting/user-activities/",  # inferred from the title of its page; no page names it
    day_bytes=100,
    measure=ACTIVE_USERS,
    likely=("active_users_count", "active_users", "users_count"),
)
REPORTS: Mapping[str, DocumentedReport | DescribedReport] = {
    report.name: report for report in (CHAT_SESSIONS, CHATS_FEEDBACK, TOOLS, USED_DOCUMENTS, USERS, USER_ACTIVITIES)
}


def overridden(name: str, override: Override) -> Report:
    report = REPORTS[name]
    report = replace(report, path=override.path or report.path)
    if override.fields is None:
        return report
    if not isinstance(report, DescribedReport):
        raise ConfigError(f"the shape of {name} is documented, so only path can be set; leave fields out")
    if report.measure.labels and not (override.fields.items and override.fields.label):
        raise ConfigError(f"{name} is counted by {report.measure.labels[0]}; set items and label too")
    if override.fields.label and not report.measure.labels:
        raise ConfigError(f"{name} has one figure per company and no label; leave label out")
    fields, measure = override.fields, report.measure
    if fields.days is None:  # its figures are levels of now
        fields, measure = replace(fields, date=None), replace(measure, kind=Kind.LEVEL)
    return MappedReport(name, report.path, report.day_bytes, measure, fields)


PLATFORM = Platform(
    name="paradigm",
    title="LightOn Paradigm",
    default_base_url="https://paradigm.lighton.ai",
    base_url=base_url,
    headers=lambda key: {"Authorization": f"Bearer {key}"},  # OpenAPI: `http`, scheme `bearer`
    reports=REPORTS,
    overridden=overridden,
    field_defaults={"entries": "reporting", "company_id": "company.id", "company": "company.name", "date": "date"},
    label_limits=(
        LabelLimit("tools", 50, "Maximum number of tools per company, a whole number; the rest adds up as other."),
    ),
    key_variable="PARADIGM_API_KEY",
    url_variable="PARADIGM_BASE_URL",
    version=2,
    remedies={403: "its owner needs the role admin or company admin"},
)
