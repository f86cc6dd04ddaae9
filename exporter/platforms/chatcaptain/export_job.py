"""ChatCaptain's asynchronous export of statistics: requests and the meaning of answers; pure.

Documented (docs.chatcaptain.com, API, Statistics): a POST answers 202 with `exportId`; the possible words of the status
are not listed; there is a `downloadUrl` on completion and an `error` on failure. So the word is only shown.
"""

from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from exporter.domain.errors import PlatformError, SchemaError
from exporter.domain.model import Days
from exporter.domain.wording import one_line
from exporter.platforms import json_outline, json_values
from exporter.platforms.api import Request
from exporter.platforms.chatcaptain.statistics_report import LocalDay, statistics_path

REPORT = "export"
LONGEST_WORD = 60
LONGEST_ID = 200
COMPLETE = frozenset({"complete", "completed", "done", "finished", "ready", "success", "succeeded"})
"""Lower-case words after which there should be a link."""


class Progress(NamedTuple):
    """The state of an export: the platform's own `word`, and the `link` to the file once it is complete.

    The link is a secret: it opens the file to anybody. `claimed`: the word promises a link.
    """

    word: str
    link: str | None
    claimed: bool = False


def start(chatbot_id: str, days: Days, zone: ZoneInfo) -> Request:
    """Returns the request that starts an export; the end is inclusive, as in reports."""
    first, last = LocalDay(days.first, zone).limits[0], LocalDay(days.last, zone).limits[1]
    return Request(REPORT, statistics_path(chatbot_id, REPORT), {"from": first, "to": last}, days, method="POST")


def ask(chatbot_id: str, export_id: str, days: Days) -> Request:
    return Request(REPORT, f"{statistics_path(chatbot_id, REPORT)}/{quote(export_id, safe='')}", {}, days)


def started(body: bytes) -> str:
    """Reads the id of an export; raises NotJsonError, SchemaError (no id) or PlatformError."""
    answer = _answer(body)
    export_id = answer.get("exportId")
    if not isinstance(export_id, str) or not export_id.strip():
        raise SchemaError(f"expected an exportId, not {json_outline.summary(answer)}; the export may not have started")
    if len(export_id) > LONGEST_ID or not export_id.isprintable():
        raise SchemaError(f"the exportId is not valid: it is longer than {LONGEST_ID} or contains control characters")
    return export_id


def progress(body: bytes) -> Progress:
    """Reads the state of an export, pending without a link; raises what `started` does."""
    answer = _answer(body)
    word, link = answer.get("status"), answer.get("downloadUrl")
    shown = word if isinstance(word, str) else "(no status)"
    if not isinstance(link, str | None):
        raise SchemaError(f"expected a link as downloadUrl, not {json_outline.summary(link)}")
    return Progress(one_line(shown)[:LONGEST_WORD], (link or "").strip() or None, shown.strip().lower() in COMPLETE)


def _answer(body: bytes) -> dict[str, object]:
    answer = json_values.parse(body)
    if not isinstance(answer, dict):
        raise SchemaError(f"expected an object, not {json_outline.summary(answer)}")
    if error := answer.get("error"):
        raise PlatformError(f"the platform says: {one_line(str(error))[:LONGEST_WORD]}")
    return answer
