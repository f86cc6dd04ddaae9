"""The one line that a poll leaves in the log."""

import logging

from exporter.polling.report_state import ReportState
from exporter.polling.transitions import PollResult

log = logging.getLogger("exporter.polling.poller")


def tell(source: str, report: str, state: ReportState, came: PollResult) -> None:
    """Logs the line of a poll, by the state after it."""
    fields: dict[str, object] = {
        "source": source,
        "report": report,
        "outcome": state.health.outcome,
        "seconds": round(state.health.duration or 0.0, 3),
        "companies": len(state.ledger.names),
        "days": len(state.ledger.blocks),
    }
    if came.read is not None:
        note = " ".join(f"{kind}={count}" for kind, count in sorted(came.read.surprises.items()))
        fields |= {"left_out": note} if note else {}
    if came.error is None:
        log.info("polled", extra=fields)
    elif state.health.supported:
        log.warning("poll failed", extra=fields | {"reason": str(came.error)})
    else:
        reason = {"reason": str(came.error)}
        log.info("the platform lacks the report; asked again in a day", extra=fields | reason)
