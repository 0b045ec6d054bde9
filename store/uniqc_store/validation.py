"""What may be stored: checked by name before anything is written."""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, SupportsIndex, cast

from uniqc_store.errors import InvalidValueError
from uniqc_store.tasks import status_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store.tasks import TaskInfo

_LARGEST = 2**63 - 1

# These are shown as stored although no release writes them, so saving them back loses nothing.
_HARMLESS_DAMAGE = frozenset({"status", "submit_time", "update_time"})


def task_parameters(task: TaskInfo, *, update_time: str) -> dict[str, object]:
    """The columns of a task, each checked.

    Raises:
        InvalidValueError: A field can't be stored as it is; it is named.
    """
    lost = [name for name in task.damaged if name not in _HARMLESS_DAMAGE]
    if lost:
        raise InvalidValueError(
            lost[0],
            "could not be read from the file, and saving would overwrite what is there. Set it, "
            "empty task.damaged, and save again",
        )
    return {
        "task_id": filled_text("task_id", task.task_id),
        "backend": text("backend", task.backend),
        "status": filled_text("status", status_text(task.status)),
        "shots": integer("shots", task.shots),
        "submit_time": text("submit_time", task.submit_time),
        "update_time": update_time,
        "result_json": None if task.result is None else json_text("result", task.result),
        "metadata_json": _metadata_json(task.metadata),
        "error_message": (
            None if task.error_message is None else text("error_message", task.error_message)
        ),
    }


def text(field: str, value: object) -> str:
    """Text that UTF-8 can encode."""
    if not isinstance(value, str):
        raise InvalidValueError(field, f"must be text, not {_kind(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(field, "holds half a surrogate pair") from None
    return value


def filled_text(field: str, value: object) -> str:
    """Text that is not empty."""
    checked = text(field, value)
    if not checked:
        raise InvalidValueError(field, "must not be empty")
    return checked


def integer(field: str, value: object) -> int:
    """An integer of SQLite's 64 bits. NumPy's are integers too; True is none."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise InvalidValueError(field, f"must be an integer, not {_kind(value)}")
    number = operator.index(value)
    if not -_LARGEST - 1 <= number <= _LARGEST:
        raise InvalidValueError(field, "is beyond 64 bits")
    return number


def limit(value: object) -> int:
    """How many rows may be returned."""
    number = integer("limit", value)
    if number < 1:
        raise InvalidValueError("limit", f"must be 1 or more, or None for all, not {number}")
    return min(number, _LARGEST - 1)  # one more is asked for, to see whether there is a next page


def json_text(field: str, value: object) -> str:
    """JSON, where JSON can say all of it.

    Integer keys become text, as ``json`` does it: counts are often keyed by integers.
    """
    try:
        _check_keys(field, value)
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except RecursionError:
        raise InvalidValueError(field, "is nested too deeply, or in itself") from None
    except TypeError as error:
        raise InvalidValueError(field, f"is not JSON: {error}") from None
    except ValueError as error:
        if isinstance(error, InvalidValueError):
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
    """Refuse keys that JSON would change beyond recognition, or merge."""
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
