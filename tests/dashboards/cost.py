"""Measures Prometheus' CPU time for the queries of each dashboard, without those in collapsed rows.

usage: python -m tests.dashboards.cost [--companies 1000] [--days 30] [--bound 3] [--url URL]

It writes its own blocks, which takes minutes and 10 GB of disk. With --url it queries a running Prometheus, whose CPU
time for other clients then counts, too.
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
from tests.dashboards.company_blocks import blocks
from tests.dashboards.prometheus import Prometheus, Tools, running
from tests.dashboards.shipped import an_object, objects, targets, variables
from tests.dashboards.test_answers import DOCUMENTS, answer, chosen, offered

GIVEN = {"drop": "0.5", "spike": "3", "baseline": "20", "history": ".+", "recorded": ".+"}
CPU = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cost:
    """Number of queries, CPU seconds of all and of the most expensive one, and the panel of that one."""

    queries: int
    whole: float
    slowest: float
    place: str


def everything(prometheus: Prometheus, name: str) -> Mapping[str, str]:
    """Returns Grafana's initial value of each variable."""
    found: dict[str, str] = {}
    for key, each in variables(DOCUMENTS[name]).items():
        if key in GIVEN or each["type"] == "datasource":
            found |= {key: GIVEN[key]} if key in GIVEN else {}
        elif key != "activity" and each["includeAll"]:
            found[key] = chosen(each, None)
        else:
            found[key] = (
                "user_queries"
                if key == "activity"
                else next(iter(offered(prometheus, str(each["definition"]), found)), "")
            )
    return found


def costs(prometheus: Prometheus, name: str) -> Iterator[tuple[float, str]]:
    """Yields the CPU seconds of each query of a dashboard."""
    values, opened = everything(prometheus, name), objects(DOCUMENTS[name]["panels"])
    for panel, target in targets({"panels": [each for each in opened if each["type"] != "row"]}):
        before = used(prometheus)
        answer(prometheus, target, values)
        yield used(prometheus) - before, f"{panel['title']}/{target['refId']}"


def used(prometheus: Prometheus) -> float:
    """Returns the CPU seconds that Prometheus has used so far."""
    found = CPU.search(loopback.get(f"{prometheus.url}/metrics").text)
    assert found, "no process_cpu_seconds_total"
    return float(found[1])


def cost(prometheus: Prometheus, name: str) -> Cost:
    """Measures a dashboard with its default time range."""
    days = re.findall(r"now-(\d+)d", str(an_object(DOCUMENTS[name]["time"])["from"]))[0]
    begin = prometheus.now.replace(hour=0) - timedelta(days=int(days))
    found = sorted(costs(replace(prometheus, begin=begin), name), reverse=True)
    return Cost(len(found), sum(seconds for seconds, _ in found), *found[0])


def main(arguments: argparse.Namespace) -> int:
    """Prints a line per dashboard; returns 1 if one is above the bound."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    begin = now.replace(hour=0) - timedelta(days=arguments.days)
    with tempfile.TemporaryDirectory(prefix="chat-usage-cost-") as folder:
        if arguments.url:
            opened: AbstractContextManager[Prometheus] = nullcontext(Prometheus(arguments.url, begin, now))
        else:
            tools = Tools.found()
            blocks(arguments.companies, begin, now, tools, Path(folder))
            opened = running(tools, Path(folder), begin, now)
        with opened as prometheus:
            found = {name: cost(prometheus, name) for name in DOCUMENTS}
    sys.stdout.write(f"{'dashboard':<26} queries   CPU s   bound   most expensive query\n")
    for name, each in found.items():
        most_expensive = (
            f"{each.slowest:.2f} s {each.place}{'' if each.whole <= arguments.bound else '   ABOVE THE BOUND'}"
        )
        sys.stdout.write(
            f"{name:<26} {each.queries:>7} {each.whole:>7.2f} {arguments.bound:>7.2f}   {most_expensive}\n"
        )
    return int(any(each.whole > arguments.bound for each in found.values()))


def options() -> argparse.ArgumentParser:
    """Returns the command's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30, help="days of samples")
    parser.add_argument("--bound", type=float, default=3.0, help="CPU seconds that a dashboard may cost")
    parser.add_argument("--url", default="", help="query this Prometheus instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(options().parse_args()))
