"""Checks of values before anything is written; an error names the field."""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, cast

from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import status_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_INTEGER = 2**63 - 1
"""The largest integer that SQLite stores."""

# A damaged field of these keeps its stored text (see ``rows``), so saving it back loses nothing.
_DAMAGE_KEEPS_TEXT = frozenset({"status", "submit_time", "update_time"})

_ABSENT = object()


class SavableTask(Protocol):
    """A task that can be saved: ``TaskInfo`` of this package, or of any release of uniqc.

    Some also have ``error_message`` and ``damaged``.
    """

    task_id: str
    backend: str
    status: str
    result: Any
    shots: int
    submit_time: str
    update_time: str
    metadata: Any


def task_parameters(task: SavableTask, *, update_time: str) -> dict[str, object]:
    """Return the values of a task's columns, by the names of the columns.

    Without ``error_message`` for a task that does not have it, so that what is stored stays.

    Args:
        task: The task to be saved. uniqc's own has no ``damaged``, and that of the earliest
            releases no ``error_message``.
        update_time: The time of the save, stored in place of the task's own.

    Raises:
        InvalidValueError: A field can't be stored as it is, or it could not be read before and
            saving it would overwrite what is stored.
    """
    damaged: Sequence[str] = getattr(task, "damaged", ())
    lost = [name for name in damaged if name not in _DAMAGE_KEEPS_TEXT]
    if lost:
        raise InvalidValueError(
            lost[0],
            "could not be read from the file, and saving would overwrite what is there. Set it, "
            "empty task.damaged, and save again",
        )
    parameters: dict[str, object] = {
        "task_id": filled_text("task_id", task.task_id),
        "backend": text("backend", task.backend),
        "status": filled_text("status", status_text(task.status)),
        "shots": integer("shots", task.shots),
        "submit_time": text("submit_time", task.submit_time),
        "update_time": update_time,
        "result_json": None if task.result is None else json_text("result", task.result),
        "metadata_json": _metadata_json(task.metadata),
    }
    message: object = getattr(task, "error_message", _ABSENT)
    if message is not _ABSENT:
        parameters["error_message"] = None if message is None else text("error_message", message)
    return parameters


def text(field: str, value: object) -> str:
    """Return the value if it is text that UTF-8 can encode.

    Raises:
        InvalidValueError: It is not.
    """
    if not isinstance(value, str):
        raise InvalidValueError(field, f"must be text, not {_kind(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(field, "holds half a surrogate pair") from None
    return value


def filled_text(field: str, value: object) -> str:
    """Return the value if it is text as in :func:`text` and not empty.

    Raises:
        InvalidValueError: It is not.
    """
    checked = text(field, value)
    if not checked:
        raise InvalidValueError(field, "must not be empty")
    return checked


def integer(field: str, value: object) -> int:
    """Return the value as an integer of SQLite's 64 bits.

    NumPy's integers are accepted; True and False are not.

    Raises:
        InvalidValueError: It is not such an integer.
    """
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise InvalidValueError(field, f"must be an integer, not {_kind(value)}")
    number = operator.index(value)
    if not -_MAX_INTEGER - 1 <= number <= _MAX_INTEGER:
        raise InvalidValueError(field, "is beyond 64 bits")
    return number


def limit(value: object) -> int:
    """Return the value as a number of rows to return, at least 1.

    Raises:
        InvalidValueError: It is not a positive integer of 64 bits.
    """
    number = integer("limit", value)
    if number < 1:
        raise InvalidValueError("limit", f"must be 1 or more, or None for all, not {number}")
    return min(number, _MAX_INTEGER - 1)  # a query adds 1, to see if there is a next page


def offset(value: object) -> int:
    """Return the value as a number of rows to skip, at least 0.

    Raises:
        InvalidValueError: It is a negative number, or no integer of 64 bits.
    """
    number = integer("offset", value)
    if number < 0:
        raise InvalidValueError("offset", f"must be 0 or more, or None, not {number}")
    return number


def json_text(field: str, value: object) -> str:
    """Return the value as JSON text, if reading that text gives the same value again.

    Integer keys are an exception and become text, as in ``json.dumps``: counts are often keyed by
    integers. NaN, infinity and every other kind of key are refused.

    Raises:
        InvalidValueError: The value can't be written as JSON without loss.
    """
    try:
        _check_keys(field, value)
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except RecursionError:
        raise InvalidValueError(field, "is nested too deeply, or in itself") from None
    except TypeError as error:
        raise InvalidValueError(field, f"is not JSON: {error}") from None
    except ValueError as error:
        if isinstance(error, InvalidValueError):  # from _check_keys, which named the place
            raise
        raise InvalidValueError(field, f"is not JSON: {error}") from None
    return text(field, encoded)


def _metadata_json(metadata: object) -> str:
    if metadata is None:
        return "{}"
    if not isinstance(metadata, dict):
        raise InvalidValueError("metadata", f"must be a dict, not {_kind(metadata)}")
    return json_text("metadata", cast("object", metadata))


def _check_keys(place: str, value: object) -> None:
    """Raise ``InvalidValueError`` for a key that JSON would turn into another one."""
    if isinstance(value, dict):
        items = cast("dict[object, object]", value)
        for key, item in items.items():
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise InvalidValueError(place, f"has the key {key!r}, which is not text")
            if not isinstance(key, str) and str(key) in items:
                raise InvalidValueError(place, f"has the key {key} both as a number and as text")
            if isinstance(item, dict | list | tuple):
                _check_keys(f"{place}.{key}", cast("object", item))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("Sequence[object]", value)):
            if isinstance(item, dict | list | tuple):
                _check_keys(f"{place}[{index}]", cast("object", item))


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
