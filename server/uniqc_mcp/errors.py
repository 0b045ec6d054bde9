"""What a caller is told when a question can't be answered: what was wrong, and what to do.

Tools and resources raise these and let the store's own errors pass. How each becomes an error
of the protocol is decided in one place for tools (``contract``) and one for resources.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from uniqc_mcp.safety.display import quoted, without_home
from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import (
    AmbiguousIdError,
    InvalidValueError,
    RestoreError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreForeignError,
    StoreUnreadableError,
    UnknownReceiptError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_core import ErrorDetails


class RequestError(Exception):
    """The question can't be answered as it was asked; the message is for the caller."""


class InvalidArgumentError(RequestError):
    """An argument that can't be meant."""


class UnknownTaskError(RequestError):
    """No task answers to the id."""


class AmbiguousTaskError(RequestError):
    """Several tasks answer to the id."""


def nearest(name: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """The known names that look most like this one."""
    return difflib.get_close_matches(name[:200], list(known), n=most, cutoff=0.5)


_ASK_DOCTOR = "\nThe user can run `uniqc-mcp doctor` to see what is wrong with it."


def explain_store_error(error: StoreError, *, advice: str = _ASK_DOCTOR) -> str:
    """What a store error means for the caller of a tool or a reader of a resource."""
    text = safe_text(without_home(str(error)), limit=500).text
    match error:
        case StoreBusyError():
            return f"The task store is busy. {text}"
        case StoreForeignError() | StoreDamagedError() | StoreUnreadableError():
            return f"The task store can't be read, so nothing is known of any task. {text}{advice}"
        case AmbiguousIdError() | InvalidValueError() | RestoreError() | UnknownReceiptError():
            return text
        case _:
            return f"The task store could not answer. {text}"


def explain_arguments(tool: str, known: Sequence[str], problems: list[ErrorDetails]) -> str:
    """What is wrong with the arguments of a call, a line each, and what is allowed."""
    lines = [_explain(problem, known) for problem in problems[:3]]
    if len(problems) > len(lines):
        lines.append(f"and {len(problems) - len(lines)} more.")
    return f"{tool} was not run. " + "\n".join(lines)


_WANTED = {
    "int_type": "an integer",
    "string_type": "a text",
    "sequence_str": "a list of texts",
    "is_instance_of": "a list of texts",
}
"""What an argument should have been, by what pydantic says of it."""


def _explain(problem: ErrorDetails, known: Sequence[str]) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "arguments"
    allowed = problem.get("ctx", {})
    given = quoted(problem["input"])
    match problem["type"]:
        case "extra_forbidden":
            close = nearest(name, known)
            hint = f" Did you mean {close[0]}?" if close else ""
            return f"There is no argument {quoted(name)}.{hint} Known are: {', '.join(known)}."
        case "missing":
            return f"The argument {name} is required."
        case "literal_error":
            return f"{name} must be one of {allowed['expected']}, not {given}."
        case "greater_than_equal" | "less_than_equal":
            bound = allowed.get("ge", allowed.get("le"))
            side = "at least" if "ge" in allowed else "at most"
            return f"{name} must be {side} {bound}, not {given}."
        case kind:
            wanted = _WANTED.get(kind, "valid text")
            what = name if len(problem["loc"]) == 1 else f"Each of {name}"
            return f"{what} must be {wanted}, not {given} ({type(problem['input']).__name__})."
