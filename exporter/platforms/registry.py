"""Finds installed platforms, built-in ones and plugins alike, by their entry points."""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from exporter.domain.errors import ConfigError
from exporter.platforms.api import Platform

ENTRY_POINTS = "chat_usage_exporter.sources"


def platforms(entries: Iterable[EntryPoint] | None = None) -> Mapping[str, Platform]:
    """Returns every installed platform by name; ConfigError if one cannot be loaded, or a name is not unique."""
    found: dict[str, Platform] = {}
    for entry in entry_points(group=ENTRY_POINTS) if entries is None else entries:
        try:
            platform = entry.load()
        except Exception as error:
            raise ConfigError(f"{_plugin(entry)} cannot be loaded ({error}); fix or uninstall its package") from error
        if not isinstance(platform, Platform):
            raise ConfigError(f"{_plugin(entry)} is no exporter.platforms.api.Platform; fix or uninstall its package")
        if found.setdefault(entry.name, platform) is not platform:
            raise ConfigError(f"{_plugin(entry)} exists already, from another package; uninstall one of them")
    return dict(sorted(found.items()))


def _plugin(entry: EntryPoint) -> str:
    return f'the platform "{entry.name}" of the entry point {entry.value}'
