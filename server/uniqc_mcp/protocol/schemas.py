"""The schemas of a tool's arguments and of its answer, in a form that every host accepts.

Hosts convert an input schema for their model, and each drops or refuses something else. A
description is the only part that all of them keep, so it says the range and the default as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a tool's arguments.

    The key ``additionalProperties`` is left out, because google-genai 3.6.1 raises on it. The model
    refuses unknown arguments all the same.
    """
    schema = output_schema(model)
    schema.pop("additionalProperties", None)
    for field in schema["properties"].values():
        words = (field.get("description", ""), *_bounds_in_words(field))
        field["description"] = " ".join(filter(None, words))
    return schema


def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema without titles and without null for absent fields."""
    schema = model.model_json_schema(schema_generator=_UntitledSchema, mode="serialization")
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
        for field in part["properties"].values():
            if field.get("default", ...) is None:
                del field["default"]
    return schema


def _bounds_in_words(field: dict[str, Any]) -> Iterator[str]:
    """Yield the range and the default of an argument; none for an empty default."""
    if "minimum" in field and "maximum" in field:
        yield f"{field['minimum']} to {field['maximum']}."
    if "maxItems" in field:
        yield f"At most {field['maxItems']}."
    if default := field.get("default"):
        yield f"Default {', '.join(default) if isinstance(default, list) else default}."


class _UntitledSchema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
