"""One task by an id, and what the file has of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from uniqc_store import rows
from uniqc_store.errors import WouldBlockError
from uniqc_store.query import lookup_statements, statements
from uniqc_store.query.where import Where
from uniqc_store.tasks import UNIQC_ID

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.query.statements import TaskTable
    from uniqc_store.query.where import Parameters
    from uniqc_store.tasks import TaskInfo, TaskRecord, TaskShard

FoundBy = Literal["id", "platform id", "legacy id", "prefix", "nothing"]

SHORTEST_PREFIX = 6
"""Fewest characters that may stand for a whole id."""

MAX_MATCHES = 10
"""Most tasks that are named where an id stands for several."""

MAX_NONBLOCKING_BYTES = 64 * 1024
"""Largest result that a nonblocking read returns; reading and parsing it takes a millisecond."""

_SHARD_BYTES = 1_000
"""Approximate size of a cached shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A task that an id stands for.

    Attributes:
        task_id: As readable text.
        archived: Whether it is in the archive.
        row: Its rowid in the table of live or of archived tasks.
    """

    task_id: str
    archived: bool
    row: int = field(compare=False)

    @property
    def table(self) -> TaskTable:
        """Table that has the task."""
        return "archived_tasks" if self.archived else "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The tasks that an id stands for.

    Attributes:
        by: The first search that found any.
        found: At most ``MAX_MATCHES``. A live task hides an archived one of the same id.
        more: Whether there are more.
    """

    by: FoundBy = "nothing"
    found: tuple[Match, ...] = ()
    more: bool = False

    @classmethod
    def of(cls, by: FoundBy, found: Iterable[Match]) -> Matches:
        """Return each task once, live ones first."""
        by_id: dict[str, Match] = {}
        for match in sorted(found, key=lambda match: match.archived):
            by_id.setdefault(match.task_id, match)
        distinct = tuple(by_id.values())
        return cls(by=by, found=distinct[:MAX_MATCHES], more=len(distinct) > MAX_MATCHES)


def find(session: Session, reference: str) -> Matches:
    """Return the tasks that a whole id, or the beginning of one, stands for.

    See ``Snapshot.find`` for the order of the searches.
    """
    return session.cache.get_or_compute(("find", reference), lambda: _find(session, reference))


def find_archived(session: Session, task_id: str) -> Matches:
    """Return the archived task with this whole id, also where a live one has it too."""
    if not session.layout.has("archived_tasks"):
        return Matches()
    statement = lookup_statements.ids("archived_tasks", lookup_statements.TASK_IS)
    found = _matches(session, statement, "archived_tasks", {"reference": task_id})
    return Matches.of("id", found) if found else Matches()


def task_info(session: Session, match: Match) -> TaskInfo:
    """Return the task with its result parsed."""
    where = Where([lookup_statements.ROW_IS], {"row": match.row})
    statement = statements.full_tasks(session.layout, where, table=match.table)
    (row,) = session.rows(statement, where.parameters)
    return rows.task_info(row)


def task_record(session: Session, match: Match) -> TaskRecord:
    """Return the task without its result, but with the size of the result."""
    # The cache holds rows, not records: a caller may change the metadata of a record.
    row, result_bytes = session.cache.get_or_compute(
        ("record", match.table, match.row),
        lambda: (
            _row(session, lookup_statements.record(session.layout, match.table), match),
            session.size(match.table, "result_json", match.row),
        ),
        size=lambda found: rows.stored_size(found[0]["metadata_json"]),
    )
    return replace(rows.task_record(row), result_bytes=result_bytes)


def result_text(session: Session, match: Match) -> str:
    """Return the result as it is stored, normally JSON; empty if there is none.

    Raises:
        WouldBlockError: It is larger than ``MAX_NONBLOCKING_BYTES`` and the read must not block.
    """
    return session.cache.get_or_compute(
        ("result", match.table, match.row), lambda: _result_text(session, match), size=len
    )


def shards(session: Session, match: Match) -> tuple[TaskShard, ...]:
    """Return the task's platform jobs in order; see ``TaskShard.result``."""
    if not session.layout.has(lookup_statements.shard_table(match.table)):
        return ()
    statement = lookup_statements.shards(session.layout, match.table)
    found = session.cache.get_or_compute(
        ("shards", match.table, match.row),
        lambda: session.rows(statement, {"row": match.row}),
        size=_size_of_shards,
    )
    return tuple(rows.task_shard(row) for row in found)


def shard_result_starts(session: Session, match: Match) -> dict[int, str]:
    """Return the first character of each shard's result by the shard's index."""
    if not session.layout.has(lookup_statements.shard_table(match.table)):
        return {}
    found = session.rows(lookup_statements.shard_result_starts(match.table), {"row": match.row})
    return {row[0]: row[1] for row in found}


def shards_of_tasks(session: Session, task_ids: Sequence[str]) -> dict[str, list[TaskShard]]:
    """Return the platform jobs in order of those live tasks that have any, by their ids."""
    if not task_ids or not session.layout.has("task_shards"):
        return {}
    statement = lookup_statements.shards_of_tasks(session.layout)
    found: dict[str, list[TaskShard]] = {}
    for row in session.rows(statement, {"task_ids": json.dumps(list(task_ids))}):
        shard = rows.task_shard(row)
        found.setdefault(shard.uniqc_task_id, []).append(shard)
    return found


def short_results(session: Session, task_ids: Sequence[str]) -> dict[str, str]:
    """Return the results of those live tasks that have short ones, as stored, by their ids."""
    if not task_ids:
        return {}
    found = session.rows(lookup_statements.SHORT_RESULTS, {"task_ids": json.dumps(list(task_ids))})
    return {rows.readable(task_id)[0]: rows.readable(result)[0] for task_id, result in found}


def shard_results(session: Session, match: Match, *, most_bytes: int) -> tuple[str, ...]:
    """Return the results of the task's jobs as stored, in the order of :func:`shards`.

    Empty if there are no jobs, or if their results have more bytes together.

    Raises:
        WouldBlockError: They are larger than ``MAX_NONBLOCKING_BYTES`` and the read must not block.
    """
    table = lookup_statements.shard_table(match.table)
    if not session.layout.has(table):
        return ()
    found = session.rows(lookup_statements.shard_rowids(match.table), {"row": match.row})
    total = sum(session.size(table, "result_json", row) or 0 for (row,) in found)
    if total > most_bytes:
        return ()
    if session.nonblocking and total > MAX_NONBLOCKING_BYTES:
        raise WouldBlockError
    results = session.rows(lookup_statements.shard_results(match.table), {"row": match.row})
    return tuple(rows.readable(row[0])[0] for row in results)


def archived_twin(session: Session, match: Match) -> TaskRecord | None:
    """Return the archived task that has the id of a live one; None if there is none."""
    if match.archived or not session.layout.has("archived_tasks"):
        return None
    found = session.cache.get_or_compute(
        ("twin", match.row),
        lambda: _matches(
            session, lookup_statements.ARCHIVED_TWIN, "archived_tasks", {"row": match.row}
        ),
    )
    return task_record(session, found[0]) if found else None


def archived_among(session: Session, task_ids: Sequence[str]) -> frozenset[str]:
    """Return those of these ids that archived tasks have."""
    if not task_ids or not session.layout.has("archived_tasks"):
        return frozenset()
    return _ids_among(session, lookup_statements.ARCHIVED_AMONG, task_ids)


def live_among(session: Session, task_ids: Sequence[str]) -> frozenset[str]:
    """Return those of these ids that live tasks have."""
    return _ids_among(session, lookup_statements.LIVE_AMONG, task_ids)


def _ids_among(session: Session, statement: str, task_ids: Sequence[str]) -> frozenset[str]:
    found = session.rows(statement, {"task_ids": json.dumps(list(task_ids))})
    return frozenset(rows.readable(row[0])[0] for row in found)


def task_tables(session: Session) -> tuple[TaskTable, ...]:
    """Return the tables of tasks that the file has, live tasks first."""
    if session.layout.has("archived_tasks"):
        return "tasks", "archived_tasks"
    return ("tasks",)


def _find(session: Session, reference: str) -> Matches:
    parameters: Parameters = {
        "reference": reference,
        # The highest code point ends the range of all texts that begin like this.
        "reference_end": reference + "\U0010ffff",
        "legacy_entry": f'"legacy_platform_id": {json.dumps(reference, ensure_ascii=False)}',
    }
    if found := _by_task(session, lookup_statements.TASK_IS, parameters):
        return Matches.of("id", found)
    if found := _by_shard(session, lookup_statements.PLATFORM_TASK_IS, parameters):
        return Matches.of("platform id", found)
    # Only files with shards have legacy ids, and none of those has the form of uniqc's own ids.
    may_be_legacy = session.layout.has("task_shards") and not reference.startswith(UNIQC_ID)
    if may_be_legacy and (found := _by_task(session, lookup_statements.TASK_HAD_ID, parameters)):
        return Matches.of("legacy id", found)
    if len(reference) < SHORTEST_PREFIX:
        return Matches()
    found = _by_task(session, lookup_statements.TASK_BEGINS, parameters)
    found += _by_shard(session, lookup_statements.PLATFORM_TASK_BEGINS, parameters)
    return Matches.of("prefix", found) if found else Matches()


def _by_task(session: Session, condition: str, parameters: Parameters) -> list[Match]:
    return [
        match
        for table in task_tables(session)
        for match in _matches(session, lookup_statements.ids(table, condition), table, parameters)
    ]


def _by_shard(session: Session, condition: str, parameters: Parameters) -> list[Match]:
    return [
        match
        for table in task_tables(session)
        if session.layout.has(lookup_statements.shard_table(table))
        for match in _matches(
            session, lookup_statements.ids_by_shard(table, condition), table, parameters
        )
    ]


def _matches(
    session: Session, statement: str, table: TaskTable, parameters: Parameters
) -> list[Match]:
    found = session.rows(statement, {**parameters, "limit": MAX_MATCHES + 1})
    archived = table == "archived_tasks"
    return [
        Match(task_id=rows.readable(task_id)[0], archived=archived, row=row)
        for row, task_id in found
    ]


def _size_of_shards(found: Sequence[sqlite3.Row]) -> int:
    return sum(_SHARD_BYTES + rows.stored_size(row["result_json"]) for row in found)


def _result_text(session: Session, match: Match) -> str:
    result_bytes = session.size(match.table, "result_json", match.row) or 0
    if session.nonblocking and result_bytes > MAX_NONBLOCKING_BYTES:
        raise WouldBlockError
    return rows.readable(_row(session, lookup_statements.result(match.table), match)[0])[0]


def _row(session: Session, statement: str, match: Match) -> sqlite3.Row:
    (row,) = session.rows(statement, {"row": match.row})
    return row
