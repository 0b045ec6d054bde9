"""Output schemas in few words, because every client reads them at each start.

pydantic describes a nested model by a definition under ``$defs`` and a ``$ref`` to it. Here an
answer has each of its fields with a type. A model in it, such as a task, is only described by the
names of its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Named:
    """Annotation of a field whose description names the model's fields, in place of a schema.

    The field is a model or a list of models. A field of the model that has a description is
    followed by it in parentheses::

        shards: Annotated[list[ShardView], Named("platform jobs;")]
        {"type": "array", "description": "platform jobs; index, platform_task_id, ..."}

    Attributes:
        introduction: The words before the names.
        beyond: A model whose fields are not named; the introduction says where they are.
    """

    introduction: str = ""
    beyond: type[BaseModel] | None = None

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the type of the field and the names of the model's fields."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        fields = handler.resolve_ref_schema(schema.get("items", schema))["properties"]
        known = self.beyond.model_fields if self.beyond is not None else {}
        names = ", ".join(
            _name_and_description(name, field)
            for name, field in fields.items()
            if name not in known
        )
        return {"type": schema["type"], "description": f"{self.introduction} {names}".strip()}


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Annotation of a field whose model is not described, as its fields name themselves.

    Attributes:
        description: The description of the field, if it needs one.
    """

    description: str = ""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the type of the field, and its description."""
        schema: JsonSchemaValue = {"type": handler.resolve_ref_schema(handler(core_schema))["type"]}
        return {**schema, "description": self.description} if self.description else schema


def without_repetition(schema: JsonSchemaValue) -> None:
    """Remove from an object's schema what a client need not read.

    That is the description, which the tool's own repeats, and the defaults, which only matter in
    the schema of an input.
    """
    schema.pop("description", None)
    for field in schema["properties"].values():
        field.pop("default", None)


def _name_and_description(name: str, field: JsonSchemaValue) -> str:
    # An object or a list of them names its own fields in an answer.
    nested = field.get("type") in {"array", "object"} or "anyOf" in field
    description: str = "" if nested else field.get("description", "")
    return f"{name} ({description.rstrip('.')})" if description else name
