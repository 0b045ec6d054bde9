"""The reason of a failure in an answer of a platform, whatever its shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store import JsonValue

CANCELLED_AT_PLATFORM: Final = "cancelled at the platform, which uniqc stores as failed"

_SHARD_STATUS: Final = re.compile(
    r"(?:shard \d+: (?:failed|error|none|null)?[;\s]*)+|shard\(s\) failed", re.IGNORECASE
)

_SAYS_NOTHING: Final = frozenset(
    (
        *("", "{}", "[]", "n/a", "none", "null", "unknown", "ok", "true", "false"),
        *("error", "unknown error", "fail", "failed", "failure", "task failed"),
        *("canceled", "cancelled", "finished", "success"),
    )
)

_REASON_KEYS: Final = (
    ("msg", "message", "error", "errormessage", "errormsg", "errmsg", "reason"),
    ("detail", "details", "description", "info", "cause", "traceback"),
)
"""Keys of a payload that name a reason, without underscores; those of the first group win."""

_REASON_KEY: Final = re.compile(
    r"(?:.*(?:msg|message|error|errors|reason|exception|failure))"
    r"|(?:err|fail|exception).*(?:info|details?|text|description|log|cause)"
)
"""Other keys that name a reason. No "error_mitigation" does, nor "failure_stage"."""

_STATUS_KEYS: Final = frozenset({"status", "state", "taskstatus", "jobstatus", "taskstate"})
_CANCELLED: Final = frozenset({"cancelled", "canceled"})
_FAILED: Final = frozenset({"failed", "fail", "failure", "error", "aborted", *_CANCELLED})
_SUCCESS_CODES: Final = frozenset({0, 200})
_MAX_DEPTH: Final = 6
_MAX_VALUES: Final = 1_000


def says_something(error: str) -> bool:
    """Return whether an error says more than that there is one."""
    text = error.strip().rstrip(".!").casefold()
    return text not in _SAYS_NOTHING and not _SHARD_STATUS.fullmatch(error.strip())


def payload_reason(payload: JsonValue) -> str:
    """Return what a platform's answer says of a failure; empty if it says nothing.

    An answer that says "cancelled" has been stored by uniqc as the result of a failed job.
    """
    if isinstance(payload, str):
        payload = _parsed(payload)
    reason = payload if isinstance(payload, str) else _reason_in(payload)
    cancelled = any(status.casefold() in _CANCELLED for status in _statuses_in(payload))
    if not says_something(reason):
        return CANCELLED_AT_PLATFORM if cancelled else ""
    return f"{CANCELLED_AT_PLATFORM}: {reason}" if cancelled else reason


def is_reason_key(key: str) -> bool:
    """Return whether a key names a reason."""
    return _REASON_KEY.fullmatch(_plain(key)) is not None


def states_failure(payload: JsonValue) -> bool:
    """Return whether a status in a payload is one of a failure."""
    return any(status.casefold() in _FAILED for status in _statuses_in(payload))


def _parsed(text: str) -> JsonValue:
    """Return the value of a text that is JSON once more, or the text itself."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def _reason_in(payload: JsonValue) -> str:
    """Return the text under the key of a payload that names a reason best."""
    best, best_rank = "", len(_REASON_KEYS) + 1
    for keys, value in _values_in(payload):
        rank, text = _ranked(keys, value)
        if rank < best_rank and says_something(text):
            best, best_rank = text, rank
    if best:
        return best
    codes = (
        f"code {value}"
        for keys, value in _values_in(payload)
        if isinstance(value, int) and not isinstance(value, bool)
        if keys and keys[-1].endswith("code") and value not in _SUCCESS_CODES
    )
    return next(codes, "")


def _ranked(keys: tuple[str, ...], value: JsonValue) -> tuple[int, str]:
    """Return how well its keys name a value as a reason, 0 best, and the value as text."""
    none = len(_REASON_KEYS) + 1
    if not isinstance(value, str):
        return none, ""
    for rank, names in enumerate(_REASON_KEYS):
        if keys and keys[-1] in names:
            return rank, value
    # {"error": {"text": …}}: a key above the text names it as well.
    return (none - 1 if any(map(_REASON_KEY.fullmatch, keys)) else none), value


def _statuses_in(payload: JsonValue) -> Iterator[str]:
    for keys, value in _values_in(payload):
        if isinstance(value, str) and keys and keys[-1] in _STATUS_KEYS:
            yield value


def _values_in(payload: JsonValue) -> Iterator[tuple[tuple[str, ...], JsonValue]]:
    """Yield the texts and numbers of a payload with their keys, level by level, up to a bound."""
    level: list[tuple[tuple[str, ...], JsonValue]] = [((), payload)]
    left = _MAX_VALUES
    for _ in range(_MAX_DEPTH):
        deeper: list[tuple[tuple[str, ...], JsonValue]] = []
        for keys, value in level[:left]:
            if isinstance(value, dict):
                deeper += (((*keys, _plain(key)), entry) for key, entry in value.items())
            elif isinstance(value, list):
                deeper += ((keys, entry) for entry in value)
            else:
                yield keys, value
        left -= len(level)
        if left <= 0:
            return
        level = deeper


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").casefold()
