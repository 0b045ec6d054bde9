"""Statuses and results that only some releases of uniqc write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.responses.text import plural
from uniqc_store import parse_json

if TYPE_CHECKING:
    from uniqc_store import JsonValue, TaskRecord

CANCELLED_BY_OTHERS: Final = (
    "uniqc 0.1.1 has no cancel and stores a job that was cancelled at the platform as failed; an "
    "older release or another program wrote this status."
)

_MAX_CHARACTERS: Final = 64 * 1024
"""The longest result that is searched for lost ones; a lost result has two characters."""


def lost_originq_results(record: TaskRecord, result_text: str) -> str:
    """Return a note on the results that uniqc lost; empty if it lost none.

    Releases before 0.0.17.post1 stored ``{}`` for some successful jobs of OriginQ.
    """
    platform = record.backend.partition(":")[0]
    if platform != "originq" or record.status != "success":
        return ""
    lost = _empty_results(result_text)
    if not lost:
        return ""
    subject = "The result is" if lost == 1 else f"{lost} {plural('result', lost)} are"
    return (
        f"{subject} empty: uniqc before 0.0.17.post1 lost results of OriginQ. `uniqc result ID` of "
        "a later release fetches them from the platform."
    )


def _empty_results(result_text: str) -> int:
    if not 0 < len(result_text) <= _MAX_CHARACTERS or "{}" not in result_text:
        return 0
    try:
        result: JsonValue = parse_json(result_text)
    except ValueError:
        return 0
    if result == {}:
        return 1
    return sum(entry == {} for entry in result) if isinstance(result, list) else 0
