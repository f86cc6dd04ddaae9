"""What an operator may set: a YAML file, the environment over it, keys from files; knows nothing of what uses it.

`yaml_file` (file → tree of texts with lines) and `environment` (variables → tree of texts with names) are laid over
each other by `load`, validated by the classes in `options`, and leave as the values in `settings`.
"""

from exporter.settings.load import load
from exporter.settings.settings import Settings, Source

__all__ = ["Settings", "Source", "load"]
