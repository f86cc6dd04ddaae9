"""Names in the log the selectors that match nothing, each once until that changes or the configuration is read anew."""

import logging

from exporter.domain.text import enumerated, printable
from exporter.metrics.unmatched import Unmatched

log = logging.getLogger(__name__)
NAMED = 50


class SelectorLog:
    """Remembers what was logged; one per process."""

    def __init__(self) -> None:
        self._logged: frozenset[tuple[str, str, str]] = frozenset()

    def reloaded(self) -> None:
        """Has everything be logged again."""
        self._logged = frozenset()

    def note(self, unmatched: Unmatched) -> None:
        """Logs one line per source and option with what was not logged before."""
        now = set[tuple[str, str, str]]()
        for source, by_option in sorted(unmatched.items()):
            for option, selectors in sorted(by_option.items()):
                now |= {(source, option, each) for each in selectors}
                if new := [each for each in selectors if (source, option, each) not in self._logged]:
                    named = enumerated([printable(each) for each in new], NAMED)
                    log.warning(
                        "selectors match nothing", extra={"source": source, "option": option, "selectors": named}
                    )
        self._logged = frozenset(now)
