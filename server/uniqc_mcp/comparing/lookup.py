"""Lookup of the tasks to compare: some ids, or the newest tasks, of one name or of any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from uniqc_mcp.comparing import FEWEST
from uniqc_mcp.comparing.sides import MAX_ALIGNED
from uniqc_mcp.errors import (
    AmbiguousTaskError,
    InvalidArgumentError,
    RequestError,
    UnknownTaskError,
)
from uniqc_mcp.responses.store_notes import why_empty
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.cleared_lookup import read_task
from uniqc_mcp.tasks.lookup import FoundTask, find_matches
from uniqc_store import TaskFilter, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.questions.store import ReadableStore
    from uniqc_store import Match, StoreState


_PAGE: Final = 100
_MAX_PAGES: Final = 10


def tasks_by_id(store: ReadableStore, references: Sequence[str]) -> list[FoundTask]:
    """Return some tasks in the order of their ids; cleared ones are found too.

    Raises:
        UnknownTaskError: There is no task for the first that is wrong.
        RequestError: The first that is wrong stands for several tasks. Either message names all
            that are wrong.
        InvalidArgumentError: Two of them stand for the same task.
    """
    found: list[FoundTask] = []
    wrong: list[RequestError] = []
    whole = store.read(lambda snapshot: [_by_whole_id(snapshot, one) for one in references])
    for reference, task in zip(references, whole, strict=True):
        try:
            found.append(task or _read_cleared(store, reference))
        except (UnknownTaskError, AmbiguousTaskError) as error:
            wrong.append(error)
    if wrong:
        kind = UnknownTaskError if isinstance(wrong[0], UnknownTaskError) else RequestError
        raise kind("\n".join(dict.fromkeys(map(str, wrong))))
    for place, task in enumerate(found):
        if any(_is_same(task, earlier) for earlier in found[:place]):
            both = "Both ids stand" if len(found) == FEWEST else "Several ids stand"
            raise InvalidArgumentError(
                f"{both} for the task {quoted(task.record.task_id)}; give different ones."
            )
    return found


def _by_whole_id(snapshot: StoreSnapshot, reference: str) -> FoundTask | None:
    """Return the task of a whole id, so that all of these are read from one state of the file."""
    matches = find_matches(snapshot, reference)
    if matches.by in {"prefix", "nothing"} or len(matches.found) != 1:
        return None
    return _read(snapshot, matches.found[0])


def _read(snapshot: StoreSnapshot, match: Match) -> FoundTask:
    return FoundTask.of(snapshot, match, most_bytes=MAX_ALIGNED)


def _read_cleared(store: ReadableStore, reference: str) -> FoundTask:
    """Return the task of an id that no task in the store has whole."""
    task, cleared = read_task(store, reference, _read)
    return replace(task, cleared=cleared)


def _is_same(one: FoundTask, other: FoundTask) -> bool:
    return one.match == other.match and one.record == other.record


def newest_tasks(store: ReadableStore, name: str, newest: int) -> list[FoundTask]:
    """Return the newest live tasks with a name, the newest first; of any name if it is empty.

    The letter case of the name does not matter. Tasks without a readable submit time come last.

    Raises:
        UnknownTaskError: Fewer than two tasks have the name.
    """

    def question(snapshot: StoreSnapshot) -> list[FoundTask]:
        task_filter, folded, cursor = TaskFilter(name_contains=name), name.casefold(), ""
        ids: list[str] = []
        undated: list[str] = []
        for _ in range(_MAX_PAGES):
            page = snapshot.search(task_filter, limit=_PAGE, cursor=cursor)
            for one in page.records:
                if one.name.casefold() == folded or not name:
                    known = parse_time(one.submit_time) is not None
                    (ids if known else undated).append(one.task_id)
            cursor = page.next_cursor
            if len(ids) >= newest or not cursor:
                break
        ids += undated
        if len(ids) < FEWEST:
            raise UnknownTaskError(_explain_few(name, ids, snapshot.state, searched=not cursor))
        found = (_match_of(snapshot, task_id) for task_id in ids[:newest])
        return [_read(snapshot, match) for match in found]

    return store.read(question)


def _match_of(snapshot: StoreSnapshot, task_id: str) -> Match:
    return next(
        match
        for match in snapshot.find(task_id).found
        if match.task_id == task_id and not match.archived
    )


def _explain_few(name: str, ids: Sequence[str], state: StoreState, *, searched: bool) -> str:
    if not name:
        return why_empty(state) or "There are fewer than two tasks, and two are needed."
    have = f"Only {quoted(ids[0])} has" if ids else "No task has"
    where = "" if searched else " among those that were searched"
    return (
        f"{have} the name {quoted(name)}{where}; two are needed. list_tasks with name_contains and "
        "status=any finds names and ids."
    )
