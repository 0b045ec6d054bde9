"""The arguments of a call as the host means them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic import BaseModel

_ADDED_BY_HOSTS: Final = frozenset({"wait_for_previous", "toolCallId"})
"""Arguments that a host adds to every call for itself: Gemini CLI, and n8n."""

_MAX_DIGITS: Final = 9


def as_meant(arguments: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the arguments as hosts mean them; all others are left for the model to refuse.

    Arguments that hosts add for themselves are dropped, and so are null and an empty text for an
    optional argument: they mean that it is not given. An integer may come as text, or as 5.0 from
    a host that keeps numbers as doubles.
    """
    meant: dict[str, Any] = {}
    for name, value in arguments.items():
        field = model.model_fields.get(name)
        if field is None:
            if name not in _ADDED_BY_HOSTS:
                meant[name] = value
        elif value not in (None, "") or field.is_required():
            meant[name] = _integer(value) if field.annotation is int else value
    return meant


def _integer(value: object) -> object:
    """Return 5 for 5.0 and for "5"; any other value as it is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value) if len(value) <= _MAX_DIGITS else value
    return value
