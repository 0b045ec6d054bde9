"""What can be asked of one consistent state of the file."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from uniqc_store import cleared_queries, conditions, queries, rows, values
from uniqc_store.filters import Cursor, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from uniqc_store.conditions import Index, Parameters, Where
    from uniqc_store.connection import Session
    from uniqc_store.queries import TaskTable
    from uniqc_store.tasks import TaskInfo, TaskRecord, TaskShard

Column = Literal["status", "backend"]
FoundBy = Literal["id", "platform id", "legacy id", "prefix", "nothing"]

SHORTEST_PREFIX = 6
"""Characters of an id that may stand for the whole of it."""

FEW_TASKS = 5_000
"""Tasks that are sorted sooner than the time index is walked to find them."""

MOST_MATCHES = 10
"""Tasks that are named where an id stands for several."""


_EVERYTHING = TaskFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """Which file an answer came from.

    Attributes:
        path: The file.
        exists: False where there is none; every count is zero then because of that.
        schema_version: Its ``user_version``; 0 where nothing was committed to it yet.
    """

    path: Path
    exists: bool
    schema_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the tasks that a filter lets through, newest first.

    Attributes:
        records: At most as many as were asked for.
        total: How many there are in all.
        next_cursor: Where the next page begins; empty on the last one.
    """

    records: tuple[TaskRecord, ...]
    total: int
    next_cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How many tasks share a status and a backend; empty is what was not grouped by."""

    status: str = ""
    backend: str = ""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A task that answers to an id.

    Attributes:
        task_id: As readable text.
        archived: Whether it is in the archive.
        row: Its row there, which tells it whatever its id is made of.
    """

    task_id: str
    archived: bool
    row: int = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The tasks that answer to an id.

    Attributes:
        by: The first way that found any.
        found: At most ``MOST_MATCHES``; a live task hides an archived one of the same id.
        more: Whether there are more.
    """

    by: FoundBy = "nothing"
    found: tuple[Match, ...] = ()
    more: bool = False


class Snapshot:
    """One state of the file: all that is asked of one snapshot fits together.

    It is good inside the call to ``TaskStore.read`` that it is handed to, and no longer.
    """

    def __init__(self, session: Session, path: Path) -> None:
        self._layout = session.layout
        self._cursor = session.connection.cursor()
        self._cursor.row_factory = sqlite3.Row
        conditions.add_functions(session.connection)
        self.state = StoreState(
            path=path, exists=session.exists, schema_version=session.layout.version
        )

    # Many tasks

    def search(self, task_filter: TaskFilter, *, limit: int, cursor: str = "") -> Page:
        """One page of tasks, newest first by submit time as text, as uniqc sorts them.

        Raises:
            InvalidValueError: The cursor is none, or belongs to another filter; the limit is
                not positive.
        """
        limit = values.limit(limit)
        index = self._best_index(task_filter)
        total = self._total(task_filter, index)
        where = conditions.where_matching(task_filter, index=index)
        if cursor:
            conditions.start_after(where, Cursor.decode(cursor, task_filter), index=index)
        found = self._rows(
            queries.page(self._layout, where, order_by=conditions.order_by(index)),
            {**where.parameters, "limit": limit + 1},
        )
        return Page(
            records=tuple(rows.task_record(row) for row in found[:limit]),
            total=total,
            next_cursor=_cursor_at(found[limit - 1], task_filter) if len(found) > limit else "",
        )

    def tally(
        self, task_filter: TaskFilter, *, by: Sequence[Column] = ("status", "backend")
    ) -> tuple[Group, ...]:
        """How many tasks there are by status and backend, or by one of them; most first."""
        where = conditions.where_matching(task_filter)
        counts: Counter[tuple[str, ...]] = Counter()
        for *labels, count in self._rows(queries.tally(by, where), where.parameters):
            counts[tuple(rows.readable(label)[0] for label in labels)] += count
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            Group(**dict(zip(by, labels, strict=True)), count=count) for labels, count in ordered
        )

    def count(self, task_filter: TaskFilter) -> int:
        """How many tasks the filter lets through."""
        return self._total(task_filter, self._best_index(task_filter))

    def undated(self, task_filter: TaskFilter = _EVERYTHING) -> int:
        """How many tasks have no submit time that can be read, whatever the filter's times."""
        return self.count_where(conditions.where_undated(task_filter))

    def doubled(self) -> int:
        """How many tasks are copies, as uniqc's upgrade to version 5 leaves them when it is raced.

        Copies share ``metadata.legacy_platform_id``.
        """
        (row,) = self._rows(queries.COUNT_DOUBLED)
        return int(row[0])

    def archived(self) -> int:
        """How many tasks are in the archive."""
        if not self._layout.has("archived_tasks"):
            return 0
        (row,) = self._rows(queries.COUNT_ARCHIVED)
        return int(row[0])

    def backends(self) -> tuple[str, ...]:
        """Every backend label of a task, in order."""
        return self._texts(queries.BACKENDS)

    def newest_ids(self, limit: int) -> tuple[str, ...]:
        """The ids of the newest tasks."""
        return self._texts(queries.NEWEST_IDS, {"limit": values.limit(limit)})

    def neighbouring_ids(self, task_id: str, limit: int) -> tuple[str, ...]:
        """The ids on either side of where this one stands in order, or would stand."""
        parameters: Parameters = {
            "task_id": values.text("task_id", task_id),
            "limit": values.limit(limit),
        }
        below = self._texts(queries.IDS_BELOW, parameters)
        return below + self._texts(queries.IDS_FROM, parameters)

    # One task

    def find(self, reference: str) -> Matches:
        """The tasks, archived ones included, that answer to an id.

        In this order, each tried only where the one before found nothing: uniqc's own id, a
        platform's id among the shards, the platform's id that version 5 kept in the metadata,
        and the first ``SHORTEST_PREFIX`` or more characters of an id or a platform's id.

        Raises:
            InvalidValueError: It is empty, or no text that could be stored.
        """
        values.filled_text("task_id", reference)
        legacy_entry = f'"legacy_platform_id": {json.dumps(reference, ensure_ascii=False)}'
        parameters: Parameters = {
            "reference": reference,
            # The highest code point ends the range of all texts that begin like this.
            "reference_end": reference + "\U0010ffff",
            "legacy_entry": legacy_entry,
        }
        if found := self._tasks(queries.TASK_IS, parameters):
            return _matches("id", found)
        if found := self._tasks_by_shard(queries.PLATFORM_TASK_IS, parameters):
            return _matches("platform id", found)
        if self._layout.has("task_shards") and (
            found := self._tasks(queries.TASK_HAD_ID, parameters)
        ):
            return _matches("legacy id", found)
        if len(reference) < SHORTEST_PREFIX:
            return Matches()
        found = self._tasks(queries.TASK_BEGINS, parameters)
        found += self._tasks_by_shard(queries.PLATFORM_TASK_BEGINS, parameters)
        return _matches("prefix", found) if found else Matches()

    def info(self, match: Match) -> TaskInfo:
        """The task with its result parsed, as uniqc's API gives it."""
        where = conditions.Where()
        where.add(queries.ROW_IS, row=match.row)
        statement = queries.full_tasks(self._layout, where, table=_table(match))
        (row,) = self._rows(statement, where.parameters)
        return rows.task_info(row)

    def record(self, match: Match) -> TaskRecord:
        """The task, and how large its result is."""
        return rows.task_record(self._one(queries.record(self._layout, _table(match)), match))

    def result_text(self, match: Match) -> str:
        """The result as it is stored, normally JSON; empty where there is none."""
        return rows.readable(self._one(queries.result(_table(match)), match)[0])[0]

    def shards(self, match: Match) -> tuple[TaskShard, ...]:
        """The task's platform jobs in order, without their results."""
        table = _table(match)
        if not self._layout.has(queries.shard_table(table)):
            return ()
        statement = queries.shards(self._layout, table)
        return tuple(rows.task_shard(row) for row in self._rows(statement, {"row": match.row}))

    # By conditions of the caller's own

    def infos(self, where: Where, *, limit: int | None) -> list[TaskInfo]:
        """Tasks with their results parsed, newest first."""
        statement = queries.full_tasks(self._layout, where, limited=limit is not None)
        parameters = {**where.parameters, "limit": limit}
        return [rows.task_info(row) for row in self._rows(statement, parameters)]

    def count_where(self, where: Where) -> int:
        """How many tasks there are."""
        (row,) = self._rows(queries.count(where), where.parameters)
        return int(row[0])

    # For a plan to clear tasks

    @property
    def has_shards(self) -> bool:
        """Whether the file knows platform jobs."""
        return self._layout.has("task_shards")

    def planned_rows(self, where: Where, *, limit: int | None) -> list[sqlite3.Row]:
        """See ``cleared_queries.planned_rows``."""
        statement = cleared_queries.planned_rows(where, limited=limit is not None)
        return self._rows(statement, {**where.parameters, "limit": limit})

    # Plumbing

    def _total(self, task_filter: TaskFilter, index: Index) -> int:
        # Nothing is sorted in counting: what many tasks have is best counted in its own index.
        by = None if index == "time" else index
        return self.count_where(conditions.where_matching(task_filter, index=by))

    def _best_index(self, task_filter: TaskFilter) -> Index:
        """That of a label that few tasks have, else that of time.

        Told by a bounded count in the label's index: without statistics in the file, which is
        not ours to write, SQLite can't know.
        """
        for index, where in conditions.selective(task_filter):
            statement = queries.count_at_most(where)
            (row,) = self._rows(statement, {**where.parameters, "bound": FEW_TASKS})
            if row[0] < FEW_TASKS:
                return index
        return "time"

    def _tasks(self, condition: str, parameters: Parameters) -> list[Match]:
        return [
            match
            for table in self._task_tables()
            for match in self._ids(queries.ids(table, condition), table, parameters)
        ]

    def _tasks_by_shard(self, condition: str, parameters: Parameters) -> list[Match]:
        return [
            match
            for table in self._task_tables()
            if self._layout.has(queries.shard_table(table))
            for match in self._ids(queries.ids_by_shard(table, condition), table, parameters)
        ]

    def _ids(self, statement: str, table: TaskTable, parameters: Parameters) -> list[Match]:
        found = self._rows(statement, {**parameters, "limit": MOST_MATCHES + 1})
        archived = table == "archived_tasks"
        return [
            Match(task_id=rows.readable(task_id)[0], archived=archived, row=row)
            for row, task_id in found
        ]

    def _task_tables(self) -> Iterator[TaskTable]:
        yield "tasks"
        if self._layout.has("archived_tasks"):
            yield "archived_tasks"

    def _texts(self, statement: str, parameters: Parameters | None = None) -> tuple[str, ...]:
        return tuple(rows.readable(row[0])[0] for row in self._rows(statement, parameters))

    def _one(self, statement: str, match: Match) -> sqlite3.Row:
        (row,) = self._rows(statement, {"row": match.row})
        return row

    def _rows(self, statement: str, parameters: Parameters | None = None) -> list[sqlite3.Row]:
        return self._cursor.execute(statement, parameters or {}).fetchall()


def _table(match: Match) -> TaskTable:
    return "archived_tasks" if match.archived else "tasks"


def _matches(by: FoundBy, found: list[Match]) -> Matches:
    """Each task once: live ones come first."""
    once: dict[str, Match] = {}
    for match in sorted(found, key=lambda match: match.archived):
        once.setdefault(match.task_id, match)
    distinct = tuple(once.values())
    return Matches(by=by, found=distinct[:MOST_MATCHES], more=len(distinct) > MOST_MATCHES)


def _cursor_at(row: sqlite3.Row, task_filter: TaskFilter) -> str:
    return Cursor(
        time=row["cursor_time"],
        is_text=bool(row["cursor_is_text"]),
        rowid=row["cursor_rowid"],
    ).encode(task_filter)
