"""Describes /api/v1 as OpenAPI 3.1, from the query model and the response types."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from exporter import __version__
from exporter.web.api.query import Available, DaysQuery
from exporter.web.api.write import COLUMNS, DaysDocument

Schema = Mapping[str, object]


class Error(msgspec.Struct, forbid_unknown_fields=True):
    """Why a request was refused."""

    error: Annotated[str, msgspec.Meta(description="One line: what is wrong, where, and how to fix it.")]


(DOCUMENT, ERROR), SCHEMAS = msgspec.json.schema_components(
    [DaysDocument, Error], ref_template="#/components/schemas/{name}"
)
PROPERTIES: Mapping[str, Schema] = msgspec.json.schema(DaysQuery)["$defs"]["DaysQuery"]["properties"]
TEXT: Schema = {"type": "string"}
HEADERS: Schema = {
    "ETag": {"schema": TEXT, "description": "Changes when a figure changes; a poll without changes keeps it."},
    "Link": {"schema": TEXT, "description": 'The next page, `rel="next"`; absent on the last page.'},
}
RESPONSES: Schema = {
    "200": {
        "description": "A page of figures.",
        "headers": HEADERS,
        "content": {
            "application/json": {"schema": DOCUMENT},
            "text/csv": {"schema": {**TEXT, "description": f"RFC 4180, with the columns {', '.join(COLUMNS)}."}},
        },
    },
    "304": {"description": "Unchanged since the version in If-None-Match.", "headers": HEADERS},
    "400": {"description": "A parameter is wrong.", "content": {"application/json": {"schema": ERROR}}},
}


def description(available: Available) -> Schema:
    days = {
        "operationId": "days",
        "summary": "Figures per company and day.",
        "description": "Ordered by source, company and day. The same data as /metrics; no platform is asked.",
        "parameters": [_parameter(name, schema, available.get(name, ())) for name, schema in PROPERTIES.items()],
        "responses": RESPONSES,
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chat-usage-exporter",
            "version": __version__,
            "description": "Daily usage of chat platforms per company, with dates.",
        },
        "servers": [{"url": "../.."}],
        "paths": {"/api/v1/days": {"get": days}},
        "components": {"schemas": SCHEMAS},
    }


def _parameter(name: str, property_: Schema, known: Sequence[str]) -> Schema:
    """Describes a parameter by its property of the query, without empty defaults."""
    schema = {key: value for key, value in property_.items() if key != "description" and value}
    if known:
        schema["items"] = {**TEXT, "enum": known}
    return {"name": name, "in": "query", "description": property_["description"], "required": False, "schema": schema}
