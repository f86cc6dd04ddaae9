"""For whoever is responsible for quality: are queries answered, answers grounded and liked, and which companies stand out."""

from grafana_foundation_sdk.models.dashboard import Panel

from grafana_dashboards.src import frame
from grafana_dashboards.src.language import (
    ANSWERED,
    BAD,
    DATE,
    GOOD,
    LIKED,
    NOTHING_YET,
    PLAIN,
    POINTS,
    SHARE,
    WATCH,
    Card,
    Query,
    Style,
)
from grafana_dashboards.src.panels import bars, dots, gauges, stat
from grafana_dashboards.src.queries import (
    COMPANY,
    DOCUMENT_USES,
    FEEDBACKS,
    FLEET,
    GROUNDED,
    LIKES,
    OPINIONS,
    QUERIES,
    RATED,
    RELEASE,
    RESPONSES,
    TO_ITS_DATE,
    TOOL_USES,
    Measure,
    day_of,
    share,
    total,
)
from grafana_dashboards.src.tables import Column, Keys, table

ENOUGH = 100
"""Answers of a window below which a company's share of them says nothing; the alert has the same bound."""
ENOUGH_OPINIONS = 10
FALLING = ((None, BAD), (-10.0, WATCH), (-3.0, GOOD))
"""For what a share has lost against its own past, in percentage points."""


def draft() -> frame.Draft:
    """Returns the dashboard."""
    return frame.Draft(
        name="quality",
        title="Quality",
        text="Are queries answered, are answers grounded in documents, do people like them: overall, over time, and by company.",
        variables=[
            frame.data_source(),
            *frame.releases(),
            frame.sources(),
            frame.companies(),
            frame.modes(),
            frame.history(),
            frame.recorded(),
        ],
        annotations=[frame.built_in(), *frame.alerts(), frame.restarts()],
        rows=[
            frame.Row("Last 7 complete days", _headlines()),
            frame.Row("Over time", _trend()),
            frame.Row("By company", _companies()),
        ],
    )


def _ratio(part: Measure, whole: Measure, window: str, *by: str, least: int = 0) -> str:
    return share(total(FLEET.sums(part, window), *by), total(FLEET.sums(whole, window), *by), least)


def _headlines() -> list[Panel]:
    change = f"100 * (({_ratio(GROUNDED, RESPONSES, '7d')}) - ({_ratio(GROUNDED, RESPONSES, '28d')}))"
    return [
        stat(Card("Newest day", "The newest complete day of any report, the last of the 7 days.", DATE, 4, 5, None, "no report"), Query(f"1000 * (max({day_of(FLEET)}) + {TO_ITS_DATE})", "day")),
        stat(Card("Answered", "Answers as a share of queries, over 7 complete days; report chat-sessions.", SHARE, 3, 5, 1, steps=ANSWERED), Query(_ratio(RESPONSES, QUERIES, "7d"), "answered")),
        stat(Card("Grounded", "Answers that used documents as a share of all answers, over 7 complete days; report chat-sessions.", SHARE, 3, 5, 1), Query(_ratio(GROUNDED, RESPONSES, "7d"), "grounded")),
        stat(Card("Grounded, against 28 days", "The grounded share of 7 days minus that of 28 days, in percentage points (pp). If it is far below zero, retrieval or the index is broken for some company: see the movers below.", POINTS, 4, 5, 1, steps=FALLING, least=None), Query(change, "change")),
        stat(Card("Liked", "Likes as a share of likes and dislikes, over 7 complete days; report chats-feedback.", SHARE, 3, 5, 1, "no feedback", LIKED), Query(_ratio(LIKES, OPINIONS, "7d"), "liked")),
        stat(Card("Rated answers", "Likes and dislikes as a share of answers, over 7 complete days. The smaller it is, the less the share of likes says.", SHARE, 4, 5, 1, "no feedback"), Query(_ratio(OPINIONS, RATED, "7d"), "rated")),
        stat(Card("Tools per answer", "Tool uses per answer, over 7 complete days; reports tools and chat-sessions. Agents use several tools per answer.", PLAIN, 3, 5, 2), Query(_ratio(TOOL_USES, RESPONSES, "7d"), "tools")),
    ]  # fmt: skip


def _trend() -> list[Panel]:
    def of_days(part: Measure, whole: Measure) -> str:
        return share(total(FLEET.days(part), "mode"), total(FLEET.days(whole), "mode"))

    return [
        dots(Card("Answered, by mode", "Answers as a share of queries, by day; report chat-sessions. Weekends have few queries: a low point there means a handful of queries.", SHARE, 8, nothing=NOTHING_YET, least=None, most=1.0), Query(of_days(RESPONSES, QUERIES), "{{mode}}")),
        dots(Card("Grounded, by mode", "Answers that used documents as a share of all answers, by day; report chat-sessions.", SHARE, 8, nothing=NOTHING_YET, most=1.0), Query(of_days(GROUNDED, RESPONSES), "{{mode}}")),
        bars(Card("Feedback", "Likes, dislikes and copies of answers by day; report chats-feedback.", width=8, nothing=NOTHING_YET), Query(total(FLEET.days(FEEDBACKS), "feedback"), "{{feedback}}", Style.BARS)),
        dots(Card("Liked, 7-day share", "Likes as a share of likes and dislikes, over the 7 days that end with each day; report chats-feedback.", SHARE, 12, nothing=NOTHING_YET, most=1.0), Query(share(total(FLEET.days(LIKES, "7d")), total(FLEET.days(OPINIONS, "7d"))), "liked")),
        bars(Card("Uses of documents", "Uses of documents in answers by day; report used-documents. If there are none for a week where there were many before, a document source is detached.", width=12, nothing=NOTHING_YET), Query(total(FLEET.days(DOCUMENT_USES)), "Document uses", Style.BARS)),
    ]  # fmt: skip


def _companies() -> list[Panel]:
    grounded_week = _ratio(GROUNDED, RESPONSES, "7d", *COMPANY, least=ENOUGH)
    grounded_month = _ratio(GROUNDED, RESPONSES, "28d", *COMPANY, least=ENOUGH)
    moved = f"100 * (({grounded_week}) - on ({', '.join(COMPANY)}) ({grounded_month}))"
    liked = _ratio(LIKES, OPINIONS, "28d", *COMPANY, least=ENOUGH_OPINIONS)
    columns = [
        Column(Query(total(FLEET.sums(QUERIES, "7d"), *COMPANY), "Queries, 7 d"), decimals=0, width=130),
        Column(Query(_ratio(RESPONSES, QUERIES, "7d", *COMPANY), "Answered"), SHARE, 1, steps=ANSWERED),
        Column(Query(grounded_week, "Grounded"), SHARE, 0, bar=True, most=1.0),
        Column(Query(moved, "Against 28 days"), POINTS, 1, width=130, steps=FALLING),
        Column(Query(total(FLEET.sums(OPINIONS, "28d"), *COMPANY), "Ratings, 28 d"), decimals=0, width=130),
        Column(Query(liked, "Liked, 28 d"), SHARE, 0, steps=LIKED),
    ]
    link = frame.to_dashboard("company", "This company", "source=Source", "company=Company")
    keys = Keys(
        {"company": "Company", "source": "Source"}, (*RELEASE, "company_id"), {"company": link}, {"source": 110}
    )
    return [
        table(
            Card("Companies compared", f"A row for each company. Grounded shares need {ENOUGH} answers, liked shares {ENOUGH_OPINIONS} likes and dislikes; an empty cell has fewer. If one company's grounded share is far below that of its own 28 days, the company has a problem; if all are, the platform has one.", width=24, height=11, nothing="–"),
            keys, columns, "Queries, 7 d",
        ),
        gauges(Card("Grounding: who moved most", f"Grounded share of 7 days minus that of 28 days, in percentage points (pp): the three largest falls and the three largest rises among companies with at least {ENOUGH} answers. Below half of its 28 days ChatUsageGroundedShareLow fires.", POINTS, 8, 10, 1, "too few answers", FALLING, most=30.0, least=-30.0), Query(f"sort(bottomk(3, {moved}) or topk(3, {moved}))", "{{company}}"), names="top"),
        gauges(Card("Least answered", f"Answers as a share of queries, over 7 complete days: the five lowest among companies with at least {ENOUGH} queries.", SHARE, 8, 10, 1, most=1.0, steps=ANSWERED), Query(f"bottomk(5, {_ratio(RESPONSES, QUERIES, '7d', *COMPANY, least=ENOUGH)})", "{{company}}"), names="top"),
        gauges(Card("Least liked", f"Likes as a share of likes and dislikes, over 28 complete days: the five lowest among companies with at least {ENOUGH_OPINIONS} of them.", SHARE, 8, 10, 0, "too little feedback", LIKED, most=1.0), Query(f"bottomk(5, {liked})", "{{company}}"), names="top"),
    ]  # fmt: skip
