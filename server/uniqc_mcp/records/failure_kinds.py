"""Kinds of failures: what the reasons of several tasks have in common.

A reason names the task, a place in a file or a number that no other task's reason has. Without
these, 59 reasons are one kind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.related_rows import RelatedRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import TaskFilter

_PAGE: Final = 1_000
"""Failed tasks that are read at a time."""

_LEFT_OUT: Final = "…"
_STATUS_CODE: Final = re.compile(
    r"(?:HTTP|status|code|error)\W{0,3}(?:code\W{0,3})?[1-5]\d\d\b", re.IGNORECASE
)
_VARIABLE: Final = re.compile(
    r"""
    \w+://[^\s"')\]]+                       # an address
    | (?:[A-Za-z]:)?(?:[\\/][\w.@~+-]+){2,}  # a path
    | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b
    | \b(?:uqt_|0x)[0-9a-f]+\b
    | \b(?=[A-Za-z_-]*\d)[\w-]{8,}\b         # an id: a long word with a digit
    | \b\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?
    | [-+]?\b\d+(?:[.:,]\d+)*\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_REPEATED: Final = re.compile(rf"{_LEFT_OUT}(?:[\s,:;/.-]*{_LEFT_OUT})+")


def kind_of(reason: str) -> str:
    """Return a reason without what differs between tasks: ids, numbers, paths and addresses.

    A status code such as the 401 of ``HTTP 401`` stays.
    """
    parts: list[str] = []
    end = 0
    for code in _STATUS_CODE.finditer(reason):
        parts += (_VARIABLE.sub(_LEFT_OUT, reason[end : code.start()]), code.group())
        end = code.end()
    parts.append(_VARIABLE.sub(_LEFT_OUT, reason[end:]))
    return _REPEATED.sub(_LEFT_OUT, " ".join("".join(parts).split()))


def failure_kinds(
    snapshot: StoreSnapshot, task_filter: TaskFilter, sanitizer: Sanitizer
) -> Iterator[tuple[str, str]]:
    """Yield the ids of tasks that give a reason, each with the kind of that reason.

    Args:
        snapshot: The state of the file.
        task_filter: The tasks to read; those without a reason are left out.
        sanitizer: Redacts each reason before its kind is told.
    """
    kinds: dict[str, str] = {}
    cursor = ""
    while True:
        page = snapshot.search(task_filter, limit=_PAGE, cursor=cursor)
        related = RelatedRows.of(snapshot, page.records)
        for record in page.records:
            if reason := related.remarks(record).error:
                if reason not in kinds:
                    kinds[reason] = kind_of(sanitizer.one_line("tasks.error", reason))
                yield record.task_id, kinds[reason]
        if not (cursor := page.next_cursor):
            return
