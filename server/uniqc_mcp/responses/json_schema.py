"""Output schemas that say what there is in few words, as every client pays for them at each start.

An answer, and a task in a list, has each field with its type. What lies deeper, such as the
platform jobs of a task, is told by the names of its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Inlined:
    """An object, or a list of such, described where it stands: a definition costs two names."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        if "items" in schema:
            return {**schema, "items": _terse(handler.resolve_ref_schema(schema["items"]))}
        return _terse(schema)


@dataclass(frozen=True, slots=True)
class Named:
    """An object, or a list of such, told by the names of its fields after a few words."""

    said: str = ""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        fields = handler.resolve_ref_schema(schema.get("items", schema))["properties"]
        names = ", ".join(_told(name, field) for name, field in fields.items())
        return {"type": schema["type"], "description": f"{self.said} {names}".strip()}


def _told(name: str, field: JsonSchemaValue) -> str:
    description: str = field.get("description", "")
    return f"{name} ({description.rstrip('.')})" if description else name


def _terse(schema: JsonSchemaValue) -> JsonSchemaValue:
    without_repetition(schema)
    return {"type": "object", "properties": schema["properties"]}


def without_repetition(schema: JsonSchemaValue) -> None:
    """Take out of a schema what its tool says, and the defaults, which are for input."""
    schema.pop("description", None)
    for field in schema["properties"].values():
        field.pop("default", None)
