"""The log of polls: one line each, and unmatched selectors, once until they change."""

import logging

from msgspec import Struct

from exporter.domain.text import enumerated, printable
from exporter.metrics.report_health import Unmatched
from exporter.polling.poll_result import PollResult
from exporter.polling.target import ReportState

log = logging.getLogger(__name__)
NAMED = 50


def log_poll(source: str, report: str, state: ReportState, result: PollResult) -> None:
    """Logs the one line of a poll, by the state after it."""
    fields: dict[str, object] = {
        "source": source,
        "report": report,
        "outcome": state.health.outcome,
        "seconds": round(state.health.duration or 0.0, 3),
        "companies": len(state.ledger.names),
        "days": len(state.ledger.blocks),
    }
    for name, counts in (("left_out", result.left_out), ("unread", result.unread)):
        if counts:
            fields[name] = " ".join(f"{each}={count}" for each, count in sorted(counts.items()))
    if result.reason:
        fields["reason"] = result.reason
    if result.error is None and not result.reason:
        log.info("polled", extra=fields)
    elif result.error is None:
        log.warning("polled in part", extra=fields)
    elif state.health.supported:
        log.warning("poll failed", extra=fields)
    else:
        log.info("the platform lacks the report; it is asked again in a day", extra=fields)


class SelectorLog(Struct):
    """Logs selectors that match nothing, once until they change or the configuration is reloaded."""

    logged: Unmatched = {}

    def note(self, unmatched: Unmatched, *, reloaded: bool = False) -> None:
        """Logs one line per source and option with new unmatched selectors; all are new after a reload."""
        before, self.logged = {} if reloaded else self.logged, unmatched
        for source, by_option in sorted(unmatched.items()):
            for option, selectors in sorted(by_option.items()):
                known = before.get(source, {}).get(option, ())
                if new := [printable(each) for each in selectors if each not in known]:
                    fields = {"source": source, "option": option, "selectors": enumerated(new, NAMED)}
                    log.warning("selectors match nothing", extra=fields)
