"""The configuration: a YAML file, environment variables over it, and keys from files.

`yaml_file` reads a tree of texts, each with its place; `environment` lays variables over it; the classes in `options`
validate it; `load` returns the values in `settings`, or one line for each problem.
"""

from exporter.settings.load import load
from exporter.settings.settings import Settings, Source

__all__ = ["Settings", "Source", "load"]
