"""The signature by which the SDK knows the arguments of a function."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def set_signature(function: Callable[..., Any], signature: inspect.Signature) -> None:
    """Make a function show this signature, both to the SDK and to pydantic.

    The SDK reads ``__signature__``; pydantic takes the types from ``__annotations__``. What wraps
    the function copies the first with a method's ``self``, and from Python 3.14 on not the second,
    so that it needs its own.
    """
    hints = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    known = {name: hint for name, hint in hints.items() if hint is not inspect.Parameter.empty}
    vars(function)["__signature__"] = signature
    function.__annotations__ = {**known, "return": signature.return_annotation}
