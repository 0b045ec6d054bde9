"""Lookup of the one task that an id stands for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.errors import AmbiguousTaskError, RequestError, UnknownTaskError, nearest
from uniqc_mcp.records.lost_results import may_hold_copies
from uniqc_mcp.records.meaning import ResultRecord
from uniqc_mcp.records.partial_results import PartialResults
from uniqc_mcp.records.progress import Progress, has_outcomes
from uniqc_mcp.responses.store_notes import damage_note, why_empty
from uniqc_mcp.responses.text import told_time
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.named import NamedTasks
from uniqc_mcp.tasks.uris import ARCHIVED
from uniqc_store import SHORTEST_PREFIX, Matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import ClearedMatch, Match, StoreState, TaskRecord, TaskShard


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTask:
    """One task with its jobs and its result, all read from one state of the file.

    Attributes:
        match: Its place in the file.
        record: The task.
        shards: Its platform jobs, in order.
        result_text: Its result as it is stored, or that of its finished jobs; empty if there is
            none, or if it is larger than `MAX_SUMMARISED`.
        assembled: The results of its finished jobs, where it has no result of its own.
        twin: The archived task with the same id.
        state: The file it was read from.
        result_starts: The first character of the result of each job, by its index, where the
            meaning of the task's result depends on it.
        has_job_table: Whether that file has a table of jobs.
        cleared: The clear that removed it; None for a task in the store.
    """

    match: Match
    record: TaskRecord
    shards: tuple[TaskShard, ...]
    result_text: str
    assembled: PartialResults | None
    twin: TaskRecord | None
    state: StoreState
    result_starts: Mapping[int, str]
    has_job_table: bool
    cleared: ClearedMatch | None = None

    @classmethod
    def find(cls, snapshot: StoreSnapshot, *, reference: str) -> Self:
        """Return the task that an id stands for; see :func:`find_task`."""
        return cls.of(snapshot, find_task(snapshot, reference))

    @classmethod
    def of(cls, snapshot: StoreSnapshot, match: Match, *, most_bytes: int | None = None) -> Self:
        """Return a task with what the file has of it, its result if it has at most these bytes."""
        record, shards = snapshot.record(match), snapshot.shards(match)
        result_bytes = record.result_bytes or 0
        assembled = None if result_bytes else _assembled(snapshot, match, record, shards)
        if assembled is not None:
            result_text = assembled.text
        else:
            readable = result_bytes <= (MAX_SUMMARISED if most_bytes is None else most_bytes)
            result_text = snapshot.result_text(match) if readable else ""
        return cls(
            match=match,
            record=record,
            shards=shards,
            result_text=result_text,
            assembled=assembled,
            twin=snapshot.archived_twin(match),
            state=snapshot.state_of(match),
            result_starts=(
                snapshot.shard_result_starts(match) if may_hold_copies(record, shards) else {}
            ),
            has_job_table=snapshot.has_shards,
        )

    @property
    def result_record(self) -> ResultRecord:
        """The task as far as it tells what its result means."""
        return ResultRecord(
            task=self.record,
            shards=self.shards,
            schema_version=self.state.schema_version,
            result_starts=self.result_starts,
        )

    @property
    def result_elsewhere(self) -> bool:
        """True if nothing of its result is held here, though there is one."""
        return self.record.result_elsewhere and self.assembled is None

    @property
    def progress(self) -> Progress:
        """The circuits that were submitted, and those that have results."""
        return Progress.of(self.record, self.shards, has_job_table=self.has_job_table)


RESULT_ELSEWHERE: Final = (
    "The result stayed on the machine that the task came from: it is larger than 1 MiB, or could "
    "not be redacted. Only its size is known here."
)

SOME_RESULTS_ELSEWHERE: Final = (
    "Results of some jobs stayed on the machine that the task came from: they are larger than "
    "1 MiB, or could not be redacted. get_task tells those that are known here."
)

METADATA_ELSEWHERE: Final = (
    "The circuits and other metadata stayed on the machine that the task came from: they are "
    "larger than 1 MiB, or could not be redacted."
)

MAX_SUMMARISED: Final = 64 * 2**20
"""The most bytes of a result that are read for a summary; a 20-qubit histogram has some 28 MB."""

_MIN_CLOSENESS: Final = 0.8
"""The similarity, from 0 to 1, of an id that is named as the one that may be meant."""

_NEWEST_COMPARED: Final = 200
"""The newest tasks, whose ids are compared with an unknown one to find those that look like it."""


def find_task(snapshot: StoreSnapshot, task_id: str) -> Match:
    """Return the task of this id, of this platform's id, of an id that begins like this, or name.

    A name is looked for where no id is found.

    Raises:
        UnknownTaskError: There is none; the message names similar ids, or tasks with this as a
            part of their name.
        AmbiguousTaskError: There are several; the message names them.
    """
    return only_match(snapshot, task_id, find_matches(snapshot, task_id))


def find_matches(snapshot: StoreSnapshot, task_id: str) -> Matches:
    """Return the tasks that an id stands for; none for an empty one.

    ``archived:ID`` stands for the archived task with that whole id, which may be live as well,
    unless a live task has an id like this.
    """
    archived_id = task_id.removeprefix(ARCHIVED)
    if archived_id not in ("", task_id) and not snapshot.live_among([task_id]):
        # Before the searches that may read every task.
        archived = snapshot.find_archived(archived_id)
        if archived.found:
            return archived
    return snapshot.find(task_id) if task_id else Matches()


def only_match(snapshot: StoreSnapshot, task_id: str, matches: Matches) -> Match:
    """Return the only task that was found for an id, or raise as :func:`find_task` does."""
    match matches.found:
        case (only,):
            return only
        case ():
            named = NamedTasks.find(snapshot, task_id)
            if (match := named.only_match(snapshot)) is not None:
                return match
            if named.records:
                message = _explain_names(task_id, named)
                if not named.exact:  # a part of a name stands for no task
                    raise UnknownTaskError(message)
                candidates = [record.task_id for record in named.records]
                raise AmbiguousTaskError(message, candidates=candidates, more=named.more)
            message = snapshot.cached(
                ("unknown", task_id), lambda: _explain_unknown(snapshot, task_id), size=len
            )
            raise UnknownTaskError(message)
        case _:
            message = _explain_ambiguous(snapshot, task_id, matches)
            candidates = [match.task_id for match in matches.found]
            raise AmbiguousTaskError(message, candidates=candidates, more=matches.more)


def stored_result(snapshot: StoreSnapshot, match: Match) -> str:
    """Return the result of a task, or that of its finished jobs, as JSON; empty if none is stored.

    Unlike :meth:`FoundTask.find` it bounds the results of jobs only, which have to be parsed.

    Raises:
        RequestError: The store knows of a result that it does not hold.
    """
    if stored := snapshot.result_text(match):
        return stored
    record = snapshot.record(match)
    if record.result_elsewhere:
        raise RequestError(RESULT_ELSEWHERE if record.result_bytes else SOME_RESULTS_ELSEWHERE)
    assembled = _assembled(snapshot, match, record, snapshot.shards(match))
    return "" if assembled is None else assembled.text


def _assembled(
    snapshot: StoreSnapshot, match: Match, record: TaskRecord, shards: Sequence[TaskShard]
) -> PartialResults | None:
    if not any(map(has_outcomes, shards)):
        return None
    stored = snapshot.shard_results(match, most_bytes=MAX_SUMMARISED)
    return PartialResults.of(record, shards, stored) if stored else None


def _explain_unknown(snapshot: StoreSnapshot, task_id: str) -> str:
    state = snapshot.state
    message = _nothing_found(snapshot, task_id)
    return f"{message} {damage_note(state)}" if state.damage else message


def _nothing_found(snapshot: StoreSnapshot, task_id: str) -> str:
    if reason := why_empty(snapshot.state):
        return f"There is no task {quoted(task_id)}: {reason}"
    if len(task_id) < SHORTEST_PREFIX:
        return (
            f"No task has the id {quoted(task_id)}, and {SHORTEST_PREFIX} characters are needed "
            "where the beginning of an id is given. list_tasks shows ids."
        )
    known_ids = snapshot.neighbouring_ids(task_id, 3) + snapshot.newest_ids(_NEWEST_COMPARED)
    similar = [
        near
        for near in nearest(task_id, dict.fromkeys(known_ids), most=3)
        if _is_close(task_id, near)
    ]
    hint = f" Nearest: {', '.join(map(quoted, similar))}." if similar else ""
    return f"No task has the id {quoted(task_id)}.{hint} list_tasks with status=any shows ids."


def _explain_names(name: str, named: NamedTasks) -> str:
    have = "have this name" if named.exact else "have this in their names"
    lines = [f"No task has the id {quoted(name)}. These {have}; ask for one by its id:"]
    lines += [
        f"{_candidate(record, record.task_id, archived=False)}, submitted "
        f"{told_time(recorded_time(record.submit_time))}"
        for record in named.records
    ]
    if named.more:
        lines.append("- perhaps others: list_tasks with name_contains and status=any")
    return "\n".join(lines)


def _candidate(record: TaskRecord, task_id: str, *, archived: bool) -> str:
    name = f" {quoted(record.name)}" if record.name else ""
    where = f" on {quoted(record.backend)}"
    if record.owner:  # in a store of several people, who may have copies of one file
        where += f" of {quoted(record.owner)} ({quoted(record.machine)})"
    if archived:
        where += ", archived"
    return f"- {quoted(task_id)}{name} {quoted(record.status)}{where}"


def _is_close(task_id: str, known: str) -> bool:
    """Return True if an id is likely meant for a known one, or for the beginning of it."""
    beginning = known[: len(task_id)]
    return any(
        SequenceMatcher(None, task_id, other, autojunk=False).ratio() >= _MIN_CLOSENESS
        for other in (known, beginning)
    )


def _explain_ambiguous(snapshot: StoreSnapshot, task_id: str, matches: Matches) -> str:
    lines = [f"{quoted(task_id)} stands for several tasks, by their {matches.by}. Ask for one:"]
    lines += [
        _candidate(snapshot.record(match), match.task_id, archived=match.archived)
        for match in matches.found
    ]
    if matches.more:
        lines.append("- and more: give more characters")
    return "\n".join(lines)
