"""The schemas of a tool's arguments and of its answer, in a form that every host accepts.

Hosts convert an input schema for their model, and each drops or refuses something else. A
description is the only part that all of them keep, so it says the range and the default as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp.server.mcpserver.tools import Tool
    from pydantic import BaseModel

_DEFAULT: Final = " Default "


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
        # The words have it; what has no default in words and is not required may be left out.
        field.pop("default", None)
    return schema


def refer_to_first(tools: Sequence[Tool]) -> None:
    """Refer to the first tool for the words and the values of an argument that it has too.

    A host lists all tools to its model, and pays for every word at each start. A value that is
    none of those is refused all the same.
    """
    first, *others = tools
    known = {name: _meaning(field) for name, field in first.parameters["properties"].items()}
    for tool in others:
        for name, field in tool.parameters["properties"].items():
            meaning = _meaning(field)
            if meaning == known.get(name):
                field["description"] = f"See {first.name}.{field['description'][len(meaning) :]}"
                for values in (field, field.get("items", {})):
                    values.pop("enum", None)


def _meaning(field: dict[str, Any]) -> str:
    """Return a description without the default."""
    described: str = field["description"]
    return described.partition(_DEFAULT)[0]


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
    default: str | int | list[str] | None = field.get("default")
    if default:
        told = ", ".join(default) if isinstance(default, list) else default
        yield f"{_DEFAULT.lstrip()}{told}."


class _UntitledSchema(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
