"""Errors of requests, and the messages that explain them and the store's errors to a caller.

Tools and resources raise a `RequestError` and let the store's errors pass. ``protocol.strict_tool``
turns both into errors of a tool, ``protocol.errors`` into errors of a resource::

    RequestError
    ├── InvalidArgumentError
    ├── UnknownTaskError
    └── AmbiguousTaskError
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from uniqc_mcp.safety.display import without_home
from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import (
    CLEARED_FILENAME,
    AmbiguousIdError,
    InvalidValueError,
    PlanAlteredError,
    RestoreError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFileError,
    StoreForeignError,
    StoreNewerError,
    StoreUnreadableError,
    StoreUnsafeError,
    StoreUnwritableError,
    UnknownReceiptError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_COMPARED: Final = 200
"""Characters of a name that are compared: the time grows with their square."""

_MIN_SIMILARITY: Final = 0.5
_MAX_STORE_ERROR: Final = 500


class RequestError(Exception):
    """A request that cannot be answered as it stands; the message is for the caller."""


class InvalidArgumentError(RequestError):
    """An argument with an impossible value."""


class UnknownTaskError(RequestError):
    """An id that no task has."""


class AmbiguousTaskError(RequestError):
    """An id that stands for several tasks.

    Attributes:
        candidates: The ids of these tasks, or of some.
        more: Whether there are others.
    """

    def __init__(self, message: str, *, candidates: Sequence[str], more: bool) -> None:
        """Create the error with its message for the caller."""
        super().__init__(message)
        self.candidates = candidates
        self.more = more


def nearest(name: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """Return the known names that look most like this one, the most similar first."""
    return difflib.get_close_matches(
        name[:_MAX_COMPARED], list(known), n=most, cutoff=_MIN_SIMILARITY
    )


_ASK_DOCTOR: Final = "\nThe user can run `uniqc-mcp doctor` to see what is wrong with it."


def explain_store_error(error: StoreError, *, advice: str = _ASK_DOCTOR) -> str:
    """Return a message on what a store error means for a client.

    Args:
        error: The error.
        advice: The sentence that ends the message if the store can't be read.
    """
    text = safe_text(without_home(_sentence(error)), limit=_MAX_STORE_ERROR).text
    match error:
        case StoreBusyError():
            return f"The task store is busy. {text}"
        case StoreUnwritableError() | StoreNewerError() | StoreUnsafeError():
            return text
        case StoreFileError() if error.path.name == CLEARED_FILENAME:
            return f"The file of cleared tasks can't be used; tasks can still be read. {text}"
        case StoreForeignError() | StoreDamagedError() | StoreUnreadableError():
            return f"The task store can't be read, so nothing is known of any task. {text}{advice}"
        case (
            AmbiguousIdError()
            | InvalidValueError()
            | PlanAlteredError()
            | RestoreError()
            | UnknownReceiptError()
        ):
            return text
        case _:
            return f"The task store could not answer. {text}"


def _sentence(error: StoreError) -> str:
    """Return the message of an error; that of a value, ``cursor: is not …``, as a sentence."""
    if isinstance(error, InvalidValueError):
        return f"{error.field} {str(error).removeprefix(f'{error.field}: ')}."
    return str(error)
