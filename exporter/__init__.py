"""Serves the daily usage figures of chat platforms as Prometheus gauges (docs/development/architecture.md)."""

from importlib.metadata import version

__version__ = version("chat-usage-exporter")
