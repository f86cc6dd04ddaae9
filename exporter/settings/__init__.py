"""What an operator may set: a YAML file, the environment over it, keys from files; knows nothing of what uses it.

The road: `document` (file → tree of texts with lines) and `environment` (variables → tree of texts with names) are
laid over each other by `load`, judged by the classes in `options`, and leave as the plain values in `values`.
"""

from exporter.domain.selectors import Companies
from exporter.settings.load import load
from exporter.settings.settings import Families, Limits, Poll, Settings, Source

__all__ = ["Companies", "Families", "Limits", "Poll", "Settings", "Source", "load"]
