"""Lookup of a task that was cleared, for an id that the store does not have."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from uniqc_mcp.errors import AmbiguousTaskError, UnknownTaskError, explain_store_error
from uniqc_mcp.responses.text import plural, told_time
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import quoted, word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.lookup import find_matches, only_match
from uniqc_store import TERMINAL_STATUSES, StoreFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.questions.store import ClearedCopies, ReadableStore
    from uniqc_mcp.tasks.task_detail import TaskDetail
    from uniqc_store import ClearedMatch, Match, TaskFilter, TaskRecord

Answer = TypeVar("Answer")

_RECEIPT_LIMIT: Final = 60
_STAYS_HELD: Final = "It stays there as long as this task is in the cache; list_cleared names it."


def read_task(
    store: ReadableStore, reference: str, question: Callable[[StoreSnapshot, Match], Answer]
) -> tuple[Answer, ClearedMatch | None]:
    """Return the answer about the task that an id stands for, and the clear that removed it.

    The copies of cleared tasks are searched for an id that the store does not have, and for one
    with which an id in the store only begins, or which is a name there.

    Args:
        store: The store.
        reference: The id.
        question: Called with the store, or with a store that has the cleared task alone.

    Raises:
        UnknownTaskError: There is no such task, cleared or not.
        AmbiguousTaskError: There are several.
    """

    def ask(snapshot: StoreSnapshot) -> Answer:
        matches = find_matches(snapshot, reference)
        # Not a name, nor the beginning of an id, while a cleared task has the whole id.
        if matches.by in {"prefix", "nothing"} and _has_cleared(store, reference):
            raise UnknownTaskError(reference)
        return question(snapshot, only_match(snapshot, reference, matches))

    try:
        return store.read(ask), None
    except UnknownTaskError as unknown:
        match = _find_cleared(store, reference, unknown)
    state = store.read(lambda snapshot: snapshot.state)
    answer = store.cleared_tasks().read(
        match, state, lambda snapshot, found: (question(snapshot, found),)
    )
    # An undo that takes the copy meanwhile has put the task back into the store before.
    return read_task(store, reference, question) if answer is None else (answer[0], match)


def _has_cleared(store: ReadableStore, reference: str) -> bool:
    """Return whether a cleared task has this id; False where the copies can't be read."""
    try:
        return bool(reference and store.cleared_tasks().find(reference, whole=True))
    except StoreFileError:  # told where the id is not found; tasks in the store can be read
        return False


def _find_cleared(store: ReadableStore, reference: str, unknown: UnknownTaskError) -> ClearedMatch:
    if not reference:
        raise unknown
    try:
        found = store.cleared_tasks().find(reference)
        notes = [] if found else _notes_on_held(store, "found by id alone")
    except StoreFileError as error:
        raise UnknownTaskError(
            f"{unknown} Cleared tasks could not be searched. {explain_store_error(error)}"
        ) from error
    match found:
        case (only,):
            return only
        case ():
            raise UnknownTaskError("\n".join([str(unknown), *notes])) from unknown
        case _:
            message = _explain_ambiguous(reference, found)
            candidates = [match.task_id for match in found]
            raise AmbiguousTaskError(message, candidates=candidates, more=False)


def _explain_ambiguous(reference: str, found: Sequence[ClearedMatch]) -> str:
    sanitizer = Sanitizer()
    lines = [f"{quoted(reference)} stands for several cleared tasks. Ask for one by its id:"]
    lines += [f"- {quoted(match.task_id)}, {told_clear(match, sanitizer)}" for match in found]
    return "\n".join(lines)


def as_cleared(detail: TaskDetail, match: ClearedMatch, *, clears: bool) -> TaskDetail:
    """Return the view of a task that was cleared, with the clear and the way back.

    Args:
        detail: The view of the task as it was.
        match: The clear.
        clears: Whether this server may put it back.
    """
    sanitizer = Sanitizer()
    return detail.model_copy(
        update={
            "cleared_at": recorded_time(match.receipt.cleared_at),
            "receipt": shown_receipt(match.receipt.receipt_id, sanitizer),
            "notes": [_cleared_note(match, sanitizer, clears=clears), *detail.notes],
        }
    )


def with_cleared_twin(
    store: ReadableStore, detail: TaskDetail, task: TaskRecord, *, archived: bool, clears: bool
) -> TaskDetail:
    """Return the view of a live or archived task, with a note if one of its id was cleared too.

    Without a file of cleared tasks this takes some microseconds.
    """
    if not store.may_have_cleared or not task.task_id:
        return detail
    copies = store.cleared_tasks()
    search = partial(_twin_notes, copies, task.task_id, archived=archived, clears=clears)
    try:
        state = copies.state
    except StoreFileError as error:
        notes = [_not_searched(error)]
    else:
        key = ("cleared twins", state, task.task_id, archived)
        unknown = state is None
        notes = search() if unknown else store.read(lambda snapshot: snapshot.cached(key, search))
    return detail.model_copy(update={"notes": [*notes, *detail.notes]}) if notes else detail


def _cleared_note(match: ClearedMatch, sanitizer: Sanitizer, *, clears: bool) -> str:
    earlier = ""
    if match.others:
        noun = plural("record", match.others)
        earlier = f" {match.others} earlier {noun} of this id: under other receipts."
    told = told_clear(match, sanitizer)
    return (
        f"{told[0].upper()}{told[1:]}: it is not in the cache any more, and in no list. "
        f"{_how_back(match, sanitizer, clears=clears)}{earlier}"
    )


def _twin_notes(copies: ClearedCopies, task_id: str, *, archived: bool, clears: bool) -> list[str]:
    sanitizer = Sanitizer()
    try:
        found = copies.find_twins(task_id)
    except StoreFileError as error:
        return [_not_searched(error)]
    return [
        f"Another record of this id was {told_clear(match, sanitizer)}. "
        f"{_how_back(match, sanitizer, clears=clears) if archived else _STAYS_HELD}"
        for match in found
    ]


def _not_searched(error: StoreFileError) -> str:
    return f"Cleared tasks could not be searched for this id. {explain_store_error(error)}"


def shown_receipt(receipt_id: str, sanitizer: Sanitizer) -> str:
    """Return the id of a receipt, safe to show."""
    return sanitizer.one_line("receipt", receipt_id, limit=_RECEIPT_LIMIT)


def told_clear(match: ClearedMatch, sanitizer: Sanitizer) -> str:
    """Return the words for the clear of a task: when, and under which receipt."""
    receipt = word(shown_receipt(match.receipt.receipt_id, sanitizer))
    return f"cleared {told_time(recorded_time(match.receipt.cleared_at))} under receipt {receipt}"


def notes_on_cleared(store: ReadableStore, task_filter: TaskFilter) -> list[str]:
    """Return a note on cleared tasks, for a list or a count that found none.

    Active tasks are never cleared, so a filter of these has no note.
    """
    finished = {"any", "finished", *TERMINAL_STATUSES}
    if not store.may_have_cleared or finished.isdisjoint(task_filter.statuses):
        return []
    try:
        return _notes_on_held(store, "in no list")
    except StoreFileError as error:
        return [f"Cleared tasks could not be read. {explain_store_error(error)}"]


def _notes_on_held(store: ReadableStore, why: str) -> list[str]:
    """Return a note on tasks that were cleared and can be put back; none without such."""
    held = sum(receipt.held for receipt in store.cleared_tasks().receipts())
    if not held:
        return []
    were, are = ("was", "is") if held == 1 else ("were", "are")
    return [f"{held} {plural('task', held)} {were} cleared and {are} {why}: see list_cleared."]


def _how_back(match: ClearedMatch, sanitizer: Sanitizer, *, clears: bool) -> str:
    receipt = word(shown_receipt(match.receipt.receipt_id, sanitizer))
    task_id = sanitizer.one_line("task_id", match.task_id)
    if clears:
        return f"undo_clear with this receipt and task_ids=[{quoted(task_id)}] puts it back."
    return f"`uniqc-mcp restore {receipt} --task {word(task_id)}` puts it back."
