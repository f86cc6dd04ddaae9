"""What an operator may set: a YAML file, the environment over it, keys from files; knows nothing of what uses it.

The road: `document` (file → tree of texts with lines) and `environment` (variables → tree of texts with names) are
laid over each other by `load`, judged by the classes in `options`, and leave as the plain values in `values`.
"""

from exporter.settings.load import load
from exporter.settings.values import Companies, Families, Poll, Settings, Source

__all__ = ["Companies", "Families", "Poll", "Settings", "Source", "load"]
