"""Describes /api/v1 as OpenAPI 3.1, with the sources and measures that there are at the moment."""

from collections.abc import Mapping

from exporter import __version__
from exporter.metrics.daily import DayState, Evidence
from exporter.web.api.query import PARAMETERS, Available, Parameter
from exporter.web.api.write import COLUMNS

Schema = Mapping[str, object]

DATE: Schema = {"type": "string", "format": "date"}
STATES = (
    "`today` runs and is partial; `settling` has ended and may still change; `empty` is a working day without any row, "
    "which waits; `published` is served as complete; `final` is not asked again but by the daily history pass."
)
STATE: Schema = {"type": "string", "enum": [each.value for each in DayState], "description": STATES}
EVIDENCE: Schema = {
    "type": "string",
    "enum": [each.value for each in Evidence],
    "description": "`row`: the platform listed the company on that day; `silence`: it did not, which is a zero.",
}


def _object(properties: Mapping[str, Schema], **more: object) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


TEXT: Schema = {"type": "string"}
FIGURE = _object(
    {
        "date": DATE,
        "source": TEXT,
        "report": TEXT,
        "company_id": TEXT,
        "company": TEXT,
        "measure": {"type": "string", "description": "The name of its metric without the window."},
        "labels": {"type": "object", "additionalProperties": TEXT, "maxProperties": 2},
        "value": {"type": "number"},
        "state": STATE,
        "evidence": EVIDENCE,
    }
)
REPORT = _object(
    {
        "source": TEXT,
        "report": TEXT,
        "timezone": TEXT,
        "stale": {"type": "boolean", "description": "Nothing was read for so long that its figures are not told."},
        "last_day": {"type": ["string", "null"], "format": "date"},
        "days": _list(_object({"date": DATE, "state": STATE})),
    }
)
ANSWER = _object(
    {
        "reports": _list(REPORT),
        "figures": _list(FIGURE),
        "next": {"type": ["string", "null"], "description": "The `cursor` of the next page, null on the last one."},
    }
)
ERROR = _object({"error": {"type": "string", "description": "One line: what, where, how to mend it."}})
HEADERS: Schema = {
    "ETag": {"schema": TEXT, "description": "Another one when a figure changed; a poll that changed none keeps it."},
    "Link": {"schema": TEXT, "description": 'The next page, `rel="next"`; absent on the last one.'},
}


INFO: Schema = {
    "title": "chat-usage-exporter",
    "version": __version__,
    "description": "Daily usage figures of chat platforms per company, with the days that they belong to.",
}


def description(available: Available) -> Schema:
    """Returns the description of the API, with what there is to ask for."""
    known = {"source": list(available.sources), "measure": list(available.measures)}
    days = {
        "operationId": "days",
        "summary": "Figures per company and day, as they are held.",
        "description": "Ordered by source, company and day. The same snapshot as /metrics; no platform is asked.",
        "parameters": [_parameter(each, known.get(each.name, [])) for each in PARAMETERS],
        "responses": {
            "200": {"description": "A page of figures.", "headers": HEADERS, "content": _contents()},
            "304": {"description": "Nothing changed since the version of If-None-Match.", "headers": HEADERS},
            "400": {
                "description": "A parameter is wrong.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "../.."}],
        "paths": {"/api/v1/days": {"get": days}},
        "components": {"schemas": {"Answer": ANSWER, "Error": ERROR}},
    }


def _contents() -> Schema:
    columns = f"RFC 4180, with the columns {', '.join(COLUMNS)}."
    return {
        "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}},
        "text/csv": {"schema": {"type": "string", "description": columns}},
    }


def _parameter(parameter: Parameter, known: list[str]) -> Schema:
    schema = {**parameter.schema, "enum": known} if known else parameter.schema
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "required": False,
        "schema": {"type": "array", "items": schema} if parameter.repeats else schema,
    }
