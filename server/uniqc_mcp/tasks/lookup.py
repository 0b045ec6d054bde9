"""From the id that a caller gives to the one task that is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from uniqc_mcp.errors import AmbiguousTaskError, UnknownTaskError, nearest
from uniqc_mcp.safety.display import quoted
from uniqc_store import SHORTEST_PREFIX, Matches

if TYPE_CHECKING:
    from uniqc_store import Match, Snapshot, StoreState, TaskRecord, TaskShard


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTask:
    """One task with all that a file says of it, read from one state of the file.

    Attributes:
        result_text: The result as it is stored; empty where there is none, or where it is larger
            than ``MAX_SUMMARISED``.
    """

    record: TaskRecord
    shards: tuple[TaskShard, ...]
    result_text: str
    state: StoreState

    @classmethod
    def find(cls, snapshot: Snapshot, *, reference: str) -> Self:
        """The task that an id stands for; see :func:`find_task`."""
        match = find_task(snapshot, reference)
        record = snapshot.record(match)
        readable = (record.result_bytes or 0) <= MAX_SUMMARISED
        return cls(
            record=record,
            shards=snapshot.shards(match),
            result_text=snapshot.result_text(match) if readable else "",
            state=snapshot.state,
        )


MAX_SUMMARISED = 64 * 2**20
"""Bytes of a result that are read for a summary; a 20-qubit histogram stores some 28 MB."""

_AMONG_NEWEST = 200
"""Tasks whose ids are compared with one that is not known."""


def find_task(snapshot: Snapshot, task_id: str) -> Match:
    """The task of this id, of this platform's id, or of an id that begins like this.

    Raises:
        UnknownTaskError: There is none; says which ids come nearest.
        AmbiguousTaskError: There are several; says which.
    """
    matches = snapshot.find(task_id) if task_id else Matches()
    match matches.found:
        case (only,):
            return only
        case ():
            said = snapshot.cached(
                ("unknown", task_id), lambda: _unknown(snapshot, task_id), size=len
            )
            raise UnknownTaskError(said)
        case _:
            raise AmbiguousTaskError(_ambiguous(snapshot, task_id, matches))


def _unknown(snapshot: Snapshot, task_id: str) -> str:
    if not snapshot.state.exists:
        return f"There is no task {quoted(task_id)}: uniqc has no task cache yet."
    if len(task_id) < SHORTEST_PREFIX:
        return (
            f"No task has the id {quoted(task_id)}, and {SHORTEST_PREFIX} characters are needed "
            "where the beginning of an id is given. list_tasks shows ids."
        )
    known = snapshot.neighbouring_ids(task_id, 3) + snapshot.newest_ids(_AMONG_NEWEST)
    close = nearest(task_id, dict.fromkeys(known), most=3)
    hint = f" Nearest: {', '.join(map(quoted, close))}." if close else ""
    return f"No task has the id {quoted(task_id)}.{hint} list_tasks with status=any shows ids."


def _ambiguous(snapshot: Snapshot, task_id: str, matches: Matches) -> str:
    lines = [f"{quoted(task_id)} stands for several tasks, by their {matches.by}. Ask for one:"]
    for match in matches.found:
        record = snapshot.record(match)
        name = f" {quoted(record.name)}" if record.name else ""
        place = ", archived" if match.archived else ""
        lines.append(
            f"- {quoted(match.task_id)}{name} {quoted(record.status)} on "
            f"{quoted(record.backend)}{place}"
        )
    if matches.more:
        lines.append("- and more: give more characters")
    return "\n".join(lines)
