"""`make chart`: updates the chart's copies of rules, dashboards and routes, and its schema; tests compare them.

A chart can read only files of its own folder, so these files are copied. In the schema, `sources` and `config` accept
the options of the exporter.

usage: VENV/bin/python tools/chart.py
"""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from exporter.platforms.registry import platforms
from exporter.settings.option_groups import Group, group_of, is_listed
from exporter.settings.options import options_of, own_options
from exporter.settings.source_options import SourceOptions
from tools.options import is_named, meanings

ROOT = Path(__file__).parents[1]
CHART = ROOT / "helm" / "chat-usage-exporter"
SCHEMA = CHART / "values.schema.json"
COPIES = (
    ("alert_rules", "**/*.yml", "rules"),
    ("grafana_dashboards", "*.json", "dashboards"),
    ("config", "alertmanager.example.yml", "files"),
)
"""Folder, pattern of its files, and the folder of the chart that they are copied to."""
OF_THE_CHART = {"api_key", "api_key_file", "sources", "state_file"}
"""Options that the chart sets itself."""
KEY: Mapping[str, object] = {
    "existingSecret": {
        "description": "The Secret that holds the API key, and the entry that holds it there.",
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {"name": {"$ref": "#/definitions/name"}, "key": {"type": "string", "minLength": 1}},
    },
    "apiKey": {"description": "The API key itself, for a trial.", "type": "string", "minLength": 1},
}
"""Options of a source in the values that replace its key."""

Schema = Mapping[str, object]


def originals() -> Mapping[Path, Path]:
    """Returns the original of each copy in the chart."""
    return {
        CHART / to / original.relative_to(ROOT / folder): original
        for folder, pattern, to in COPIES
        for original in sorted((ROOT / folder).glob(pattern))
    }


def copies() -> frozenset[Path]:
    """Returns the files that exist in the folders of copies."""
    return frozenset(path for _, _, to in COPIES for path in (CHART / to).rglob("*") if path.is_file())


def schema_of(groups: Iterable[type[Group]], more: Schema | None = None) -> Schema:
    """Returns the schema of groups of options. It checks only their names; the exporter checks their values."""
    options = [(name, field, meanings(group)[name]) for group in groups for name, field in group.model_fields.items()]
    properties: dict[str, object] = dict(more or {})
    for name, field, meaning in options:
        if name in OF_THE_CHART:
            continue
        properties[name] = {"description": meaning}
        if inner := group_of(field):
            found = schema_of([inner])
            if is_listed(field):
                found = {"type": "array", "items": found}
            elif is_named(field):
                found = {"type": "object", "additionalProperties": found}
            properties[name] = {"description": meaning, **found}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def definitions() -> Mapping[str, Schema]:
    """Returns the definitions of the schema that come from the exporter's options."""
    installed = platforms().values()
    own = [own_options(platform.options) for platform in installed if platform.options]
    described = {"required": ["platform"], **schema_of([SourceOptions, *own], KEY)}
    return {"source": described, "config": schema_of([options_of(platforms())])}


def schema() -> str:
    """Returns the schema with current definitions."""
    written = json.loads(SCHEMA.read_text())
    written["definitions"].update(definitions())
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Updates copies and schema; returns the exit status."""
    wanted = originals()
    for stale in copies() - wanted.keys():
        stale.unlink()
    for copy, original in wanted.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
    SCHEMA.write_text(schema())
    return 0


if __name__ == "__main__":
    sys.exit(main())
