"""Output schemas in few words, because every client reads them at each start.

pydantic describes a nested model by a definition under ``$defs`` and a ``$ref`` to it. Here an
answer, and a task in a list, has each of its fields with a type. Models nested deeper, such as the
platform jobs of a task, are only described by the names of their fields.
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
    """Annotation of a field whose model's schema replaces the ``$ref`` to it.

    The field is a model or a list of models. A definition would repeat the model's name twice and
    its description once::

        tasks: Annotated[list[TaskView], Inlined()]
        {"type": "array", "items": {"type": "object", "properties": {"task_id": ...}}}
    """

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of the field with the model's properties in place."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if "items" in schema:
            return {**schema, "items": _inline(handler.resolve_ref_schema(schema["items"]))}
        return _inline(schema)


@dataclass(frozen=True, slots=True)
class Named:
    """Annotation of a field whose description names the model's fields, in place of a schema.

    The field is a model or a list of models. A field of the model that has a description is
    followed by it in parentheses::

        shards: Annotated[list[ShardView], Named("platform jobs;")]
        {"type": "array", "description": "platform jobs; index, platform_task_id, ..."}

    Attributes:
        introduction: The words before the names.
    """

    introduction: str = ""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the type of the field and the names of the model's fields."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        fields = handler.resolve_ref_schema(schema.get("items", schema))["properties"]
        names = ", ".join(_name_and_description(name, field) for name, field in fields.items())
        return {"type": schema["type"], "description": f"{self.introduction} {names}".strip()}


def without_repetition(schema: JsonSchemaValue) -> None:
    """Remove from an object's schema what a client need not read.

    That is the description, which the tool's own repeats, and the defaults, which only matter in
    the schema of an input.
    """
    schema.pop("description", None)
    for field in schema["properties"].values():
        field.pop("default", None)


def _name_and_description(name: str, field: JsonSchemaValue) -> str:
    description: str = field.get("description", "")
    return f"{name} ({description.rstrip('.')})" if description else name


def _inline(schema: JsonSchemaValue) -> JsonSchemaValue:
    without_repetition(schema)
    return {"type": "object", "properties": schema["properties"]}
