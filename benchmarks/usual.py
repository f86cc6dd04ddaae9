"""The usual way to write an exporter: gauges of prometheus-client, set in a loop, rendered at each scrape.

usage: python -m benchmarks.usual PAGE PORT

PAGE contains the same series in the text format. Serves until it is stopped.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from threading import Event

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


def gauges(families: Iterable[Metric]) -> CollectorRegistry:
    """Sets a gauge for each sample of the families that are gauges."""
    registry = CollectorRegistry()
    for family in families:
        if family.type != "gauge" or not family.samples:
            continue
        names = tuple(family.samples[0].labels)
        gauge = Gauge(family.name, family.documentation, names, registry=registry)
        for sample in family.samples:
            (gauge.labels(**sample.labels) if names else gauge).set(sample.value)
    return registry


def main() -> None:
    """Serves."""
    page, port = sys.argv[1:]
    registry = gauges(text_string_to_metric_families(Path(page).read_text()))
    start_http_server(int(port), "127.0.0.1", registry)
    Event().wait()


if __name__ == "__main__":
    main()
