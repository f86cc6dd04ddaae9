"""What each dashboard costs a Prometheus when it is opened: its CPU for all queries of open rows, against the bound.

usage: python -m tests.dashboards.cost [--companies 1000] [--days 30] [--bound 3] [--url URL]

It makes blocks of its own (`many`), which takes some minutes and 10 GB for a while. With --url it asks a Prometheus
that runs, whose CPU for others then counts, too.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests import loopback
from tests.dashboards.many import blocks
from tests.dashboards.shipped import an_object, objects, targets, variables
from tests.dashboards.test_answers import DOCUMENTS, answer, chosen, offered
from tests.dashboards.tsdb import Past, Tools, running

GIVEN = {"drop": "0.5", "spike": "3", "baseline": "20", "history": ".+", "recorded": ".+"}
CPU = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cost:
    """A dashboard's queries, their CPU in seconds, and the place of the dearest."""

    queries: int
    whole: float
    slowest: float
    place: str


def everything(past: Past, name: str) -> Mapping[str, str]:
    """Returns what Grafana puts in the place of each variable at first: all, or the first that is offered."""
    found: dict[str, str] = {}
    for key, each in variables(DOCUMENTS[name]).items():
        if key in GIVEN or each["type"] == "datasource":
            found |= {key: GIVEN[key]} if key in GIVEN else {}
        elif key != "activity" and each["includeAll"]:
            found[key] = chosen(each, None)
        else:
            found[key] = (
                "user_queries" if key == "activity" else next(iter(offered(past, str(each["definition"]), found)), "")
            )
    return found


def costs(past: Past, name: str) -> Iterator[tuple[float, str]]:
    """Yields the CPU that each query of a dashboard takes, in seconds; those of closed rows are not asked."""
    values, opened = everything(past, name), objects(DOCUMENTS[name]["panels"])
    for panel, target in targets({"panels": [each for each in opened if each["type"] != "row"]}):
        before = used(past)
        answer(past, target, values)
        yield used(past) - before, f"{panel['title']}/{target['refId']}"


def used(past: Past) -> float:
    """Returns the CPU that Prometheus says it has used, in seconds."""
    found = CPU.search(loopback.get(f"{past.url}/metrics").text)
    assert found, "no process_cpu_seconds_total"
    return float(found[1])


def cost(past: Past, name: str) -> Cost:
    """Opens a dashboard as a viewer does, with the time range that it has at first."""
    days = re.findall(r"now-(\d+)d", str(an_object(DOCUMENTS[name]["time"])["from"]))[0]
    begin = past.now.replace(hour=0) - timedelta(days=int(days))
    found = sorted(costs(replace(past, begin=begin), name), reverse=True)
    return Cost(len(found), sum(seconds for seconds, _ in found), *found[0])


def main(arguments: argparse.Namespace) -> int:
    """Prints a line for each dashboard; returns 1 if one is above the bound."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    begin = now.replace(hour=0) - timedelta(days=arguments.days)
    with tempfile.TemporaryDirectory(prefix="chat-usage-cost-") as folder:
        if arguments.url:
            opened: AbstractContextManager[Past] = nullcontext(Past(arguments.url, begin, now))
        else:
            tools = Tools.found()
            blocks(arguments.companies, begin, now, tools, Path(folder))
            opened = running(tools, Path(folder), begin, now)
        with opened as past:
            found = {name: cost(past, name) for name in DOCUMENTS}
    sys.stdout.write(f"{'dashboard':<26} queries   CPU s   bound   dearest query\n")
    for name, each in found.items():
        dearest = f"{each.slowest:.2f} s {each.place}{'' if each.whole <= arguments.bound else '   ABOVE THE BOUND'}"
        sys.stdout.write(f"{name:<26} {each.queries:>7} {each.whole:>7.2f} {arguments.bound:>7.2f}   {dearest}\n")
    return int(any(each.whole > arguments.bound for each in found.values()))


def options() -> argparse.ArgumentParser:
    """Returns the command's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30, help="that the Prometheus holds")
    parser.add_argument("--bound", type=float, default=3.0, help="CPU seconds that a dashboard may cost")
    parser.add_argument("--url", default="", help="ask this Prometheus instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(options().parse_args()))
