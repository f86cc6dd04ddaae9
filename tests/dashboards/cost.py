"""What each dashboard costs a Prometheus when it is opened, against the bound: the seconds of all its questions.

usage: python -m tests.dashboards.cost URL [MOMENT]    of an installation or a test; seconds since 1970
"""

import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from tests.dashboards.shipped import objects, targets, variables
from tests.dashboards.test_answers import DOCUMENTS, answer, chosen, offered
from tests.dashboards.tsdb import Past

BOUND_S = 3.0
"""Of a dashboard of 1,000 companies, all its questions added up."""
GIVEN = {"drop": "0.5", "spike": "3", "baseline": "20", "history": ".+"}


def everything(past: Past, name: str) -> Mapping[str, str]:
    """Returns what Grafana puts in the place of each variable at first: all, or the first that is offered."""
    found: dict[str, str] = {}
    for key, each in variables(DOCUMENTS[name]).items():
        if key in GIVEN or each["type"] == "datasource":
            found |= {key: GIVEN[key]} if key in GIVEN else {}
        elif key != "activity" and each["includeAll"]:
            found[key] = chosen(each, None)
        else:
            found[key] = "user_queries" if key == "activity" else offered(past, str(each["definition"]), found)[0]
    return found


def costs(past: Past, name: str) -> Iterator[tuple[float, str]]:
    """Yields the seconds that each question of a dashboard takes; those of closed rows are not asked."""
    values, opened = everything(past, name), objects(DOCUMENTS[name]["panels"])
    for panel, target in targets({"panels": [each for each in opened if each["type"] != "row"]}):
        began = time.perf_counter()
        answer(past, target, values)
        yield time.perf_counter() - began, f"{panel['title']}/{target['refId']}"


def main(url: str, moment: str = "") -> int:
    """Prints a line for each dashboard; returns 1 if one is above the bound."""
    now = datetime.fromtimestamp(float(moment), UTC) if moment else datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    past, dear = Past(url, midnight - timedelta(days=14), now), 0
    for name in DOCUMENTS:
        found = sorted(costs(past, name), reverse=True)
        whole, (slowest, place) = sum(seconds for seconds, _ in found), found[0]
        dear += whole > BOUND_S
        line = f"{name}: {whole:.2f} s in {len(found)} questions, bound {BOUND_S} s; {slowest:.2f} s for {place}\n"
        sys.stdout.write(line)
    return int(dear > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
