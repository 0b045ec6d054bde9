"""What can be asked of one consistent state of the file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from uniqc_store import rows, validation
from uniqc_store.errors import WouldBlockError
from uniqc_store.filters import Column, Cursor, TaskFilter
from uniqc_store.query import counts as query_counts
from uniqc_store.query import pagination, statements
from uniqc_store.query.conditions import FilterSql
from uniqc_store.query.where import Where
from uniqc_store.tasks import UNIQC_ID

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from pathlib import Path

    from uniqc_store.database.connection import Session
    from uniqc_store.query.completion import Completions
    from uniqc_store.query.pages import Page
    from uniqc_store.query.statements import TaskTable
    from uniqc_store.query.where import Parameters
    from uniqc_store.tasks import TaskInfo, TaskRecord, TaskShard

FoundBy = Literal["id", "platform id", "legacy id", "prefix", "nothing"]

Found = TypeVar("Found")

SHORTEST_PREFIX = 6
"""Characters of an id that may stand for the whole of it."""

MAX_NONBLOCKING_BYTES = 64 * 1024
"""Bytes of a result that who can't wait is given; reading and parsing it takes a millisecond."""

MAX_MATCHES = 10
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
        found: At most ``MAX_MATCHES``; a live task hides an archived one of the same id.
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
        self._session = session
        self.state = StoreState(
            path=path, exists=session.exists, schema_version=session.layout.version
        )

    def cached(
        self,
        key: Hashable,
        compute: Callable[[], Found],
        *,
        size: Callable[[Found], int] | None = None,
    ) -> Found:
        """What follows from this state of the file alone, found out once for as long as it stays.

        Args:
            key: Tells it from all else that callers have remembered.
            find_out: Gives it. Who gets it must not change it.
            size: Its bytes; what is large is found out anew each time.
        """
        return self._session.cache.get_or_compute(("of a caller", key), compute, size=size)

    # Many tasks

    def search(self, task_filter: TaskFilter, *, limit: int, cursor: str = "") -> Page:
        """One page of tasks, newest first by submit time as text, as uniqc sorts them.

        Raises:
            InvalidValueError: The cursor is none, or belongs to another filter; the limit is
                not positive.
        """
        start = Cursor.decode(cursor, task_filter) if cursor else None
        return pagination.page(
            self._session, task_filter, limit=validation.limit(limit), start=start
        )

    def tally(
        self, task_filter: TaskFilter, *, by: Sequence[Column] = ("status", "backend")
    ) -> tuple[Group, ...]:
        """How many tasks there are by status and backend, or by one of them; most first."""
        counts: Counter[tuple[str, ...]] = Counter()
        for labels, count in query_counts.tally(self._session, task_filter, by).items():
            counts[tuple(rows.readable(label)[0] for label in labels)] += count
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            Group(**dict(zip(by, labels, strict=True)), count=count) for labels, count in ordered
        )

    def count(self, task_filter: TaskFilter) -> int:
        """How many tasks the filter lets through."""
        return query_counts.count(self._session, task_filter)

    def undated(self, task_filter: TaskFilter = _EVERYTHING) -> int:
        """How many tasks have no submit time that can be read, whatever the filter's times.

        Every task is looked at.
        """
        return self.count_where(FilterSql(task_filter).undated())

    def without_date(self, task_filter: TaskFilter) -> int:
        """How many of these have a submit time that doesn't even begin like a date.

        An index tells, in no time that grows with the store.
        """
        return self.count_where(FilterSql(task_filter).without_date())

    def doubled(self) -> int:
        """How many tasks are copies, as uniqc's upgrade to version 5 leaves them when it is raced.

        Copies share ``metadata.legacy_platform_id``.
        """
        return self._session.number(statements.COUNT_DOUBLED)

    def archived(self) -> int:
        """How many tasks are in the archive."""
        if not self._session.layout.has("archived_tasks"):
            return 0
        return self._session.number(statements.COUNT_ARCHIVED)

    def backends(self) -> tuple[str, ...]:
        """Every backend label of a task, in order."""
        return self._texts(statements.BACKENDS, {"limit": -1})

    def newest_ids(self, limit: int) -> tuple[str, ...]:
        """The ids of the newest tasks."""
        return self._texts(statements.NEWEST_IDS, {"limit": validation.limit(limit)})

    def neighbouring_ids(self, task_id: str, limit: int) -> tuple[str, ...]:
        """The ids on either side of where this one stands in order, or would stand."""
        parameters: Parameters = {
            "task_id": validation.text("task_id", task_id),
            "limit": validation.limit(limit),
        }
        below = self._texts(statements.IDS_BELOW, parameters)
        return below + self._texts(statements.IDS_FROM, parameters)

    # For somebody who is typing

    def complete_id(self, text: str, *, among: TaskFilter = _EVERYTHING, limit: int) -> Completions:
        """What may be meant by the beginning of an id, or by part of a name; newest first.

        Ids that begin like it, then platforms' ids that do, archived ones included, then the ids
        of tasks with it in their name. A platform's id that several tasks share stands for none:
        theirs are there instead. Names are searched among the newest tasks, and not for a text
        that begins as uniqc's own ids do.

        Args:
            text: What there is so far.
            among: Status and backend that the tasks have.
            limit: How many at most.

        Raises:
            InvalidValueError: It is no text that could be stored.
        """
        from uniqc_store.query import completion  # noqa: PLC0415 - for those who type, and no one else

        return completion.complete_id(
            self._session,
            validation.text("task_id", text),
            among=among,
            limit=validation.limit(limit),
            tables=list(self._task_tables()),
        )

    def complete_backend(self, text: str, *, limit: int) -> Completions:
        """Platforms and whole labels that begin like a text, then those that it is part of."""
        from uniqc_store.query import completion  # noqa: PLC0415 - likewise

        return completion.complete_backend(
            self._session, validation.text("backend", text), limit=validation.limit(limit)
        )

    # One task

    def find(self, reference: str) -> Matches:
        """The tasks, archived ones included, that answer to an id.

        In this order, each tried only where the one before found nothing: uniqc's own id, a
        platform's id among the shards, the platform's id that version 5 kept in the metadata
        (a scan, which an id of uniqc's own form is spared), and the first ``SHORTEST_PREFIX`` or
        more characters of an id or a platform's id.

        Raises:
            InvalidValueError: It is empty, or no text that could be stored.
        """
        validation.filled_text("task_id", reference)
        return self._session.cache.get_or_compute(
            ("find", reference), lambda: self._find(reference)
        )

    def _find(self, reference: str) -> Matches:
        parameters: Parameters = {
            "reference": reference,
            # The highest code point ends the range of all texts that begin like this.
            "reference_end": reference + "\U0010ffff",
            "legacy_entry": f'"legacy_platform_id": {json.dumps(reference, ensure_ascii=False)}',
        }
        if found := self._tasks(statements.TASK_IS, parameters):
            return _matches("id", found)
        if found := self._tasks_by_shard(statements.PLATFORM_TASK_IS, parameters):
            return _matches("platform id", found)
        if (
            self._session.layout.has("task_shards")
            and not reference.startswith(UNIQC_ID)
            and (found := self._tasks(statements.TASK_HAD_ID, parameters))
        ):
            return _matches("legacy id", found)
        if len(reference) < SHORTEST_PREFIX:
            return Matches()
        found = self._tasks(statements.TASK_BEGINS, parameters)
        found += self._tasks_by_shard(statements.PLATFORM_TASK_BEGINS, parameters)
        return _matches("prefix", found) if found else Matches()

    def info(self, match: Match) -> TaskInfo:
        """The task with its result parsed, as uniqc's API gives it."""
        where = Where()
        where.add(statements.ROW_IS, row=match.row)
        statement = statements.full_tasks(self._session.layout, where, table=_table(match))
        (row,) = self._session.rows(statement, where.parameters)
        return rows.task_info(row)

    def record(self, match: Match) -> TaskRecord:
        """The task, and how large its result is."""
        table = _table(match)
        # Rows are remembered: what is made of them may be changed by who gets it.
        row, size = self._session.cache.get_or_compute(
            ("record", table, match.row),
            lambda: (
                self._one(statements.record(self._session.layout, table), match),
                self._session.size(table, "result_json", match.row),
            ),
            size=lambda found: len(found[0]["metadata_json"] or ""),
        )
        return replace(rows.task_record(row), result_bytes=size)

    def result_text(self, match: Match) -> str:
        """The result as it is stored, normally JSON; empty where there is none."""
        return self._session.cache.get_or_compute(
            ("result", _table(match), match.row), lambda: self._result_text(match), size=len
        )

    def _result_text(self, match: Match) -> str:
        size = self._session.size(_table(match), "result_json", match.row) or 0
        if self._session.nonblocking and size > MAX_NONBLOCKING_BYTES:
            raise WouldBlockError
        return rows.readable(self._one(statements.result(_table(match)), match)[0])[0]

    def shards(self, match: Match) -> tuple[TaskShard, ...]:
        """The task's platform jobs in order, without their results."""
        table = _table(match)
        if not self._session.layout.has(statements.shard_table(table)):
            return ()
        statement = statements.shards(self._session.layout, table)
        found = self._session.cache.get_or_compute(
            ("shards", table, match.row),
            lambda: self._session.rows(statement, {"row": match.row}),
            size=lambda found: 1_000 * len(found),
        )
        return tuple(rows.task_shard(row) for row in found)

    # By conditions of the caller's own

    def infos(self, where: Where, *, limit: int | None) -> list[TaskInfo]:
        """Tasks with their results parsed, newest first."""
        statement = statements.full_tasks(self._session.layout, where, limited=limit is not None)
        parameters = {**where.parameters, "limit": limit}
        return [rows.task_info(row) for row in self._session.rows(statement, parameters)]

    def count_where(self, where: Where) -> int:
        """How many tasks there are."""
        return self._session.number(statements.count(where), where.parameters)

    # For a plan to clear tasks

    @property
    def has_shards(self) -> bool:
        """Whether the file knows platform jobs."""
        return self._session.layout.has("task_shards")

    def planned_rows(self, where: Where, *, limit: int | None) -> list[sqlite3.Row]:
        """See ``statements.planned_rows``."""
        statement = statements.planned_rows(where, limited=limit is not None)
        return self._session.rows(statement, {**where.parameters, "limit": limit})

    # Plumbing

    def _tasks(self, condition: str, parameters: Parameters) -> list[Match]:
        return [
            match
            for table in self._task_tables()
            for match in self._ids(statements.ids(table, condition), table, parameters)
        ]

    def _tasks_by_shard(self, condition: str, parameters: Parameters) -> list[Match]:
        return [
            match
            for table in self._task_tables()
            if self._session.layout.has(statements.shard_table(table))
            for match in self._ids(statements.ids_by_shard(table, condition), table, parameters)
        ]

    def _ids(self, statement: str, table: TaskTable, parameters: Parameters) -> list[Match]:
        found = self._session.rows(statement, {**parameters, "limit": MAX_MATCHES + 1})
        archived = table == "archived_tasks"
        return [
            Match(task_id=rows.readable(task_id)[0], archived=archived, row=row)
            for row, task_id in found
        ]

    def _task_tables(self) -> Iterator[TaskTable]:
        yield "tasks"
        if self._session.layout.has("archived_tasks"):
            yield "archived_tasks"

    def _texts(self, statement: str, parameters: Parameters | None = None) -> tuple[str, ...]:
        return tuple(rows.readable(row[0])[0] for row in self._session.rows(statement, parameters))

    def _one(self, statement: str, match: Match) -> sqlite3.Row:
        (row,) = self._session.rows(statement, {"row": match.row})
        return row


def _table(match: Match) -> TaskTable:
    return "archived_tasks" if match.archived else "tasks"


def _matches(by: FoundBy, found: list[Match]) -> Matches:
    """Each task once: live ones come first."""
    once: dict[str, Match] = {}
    for match in sorted(found, key=lambda match: match.archived):
        once.setdefault(match.task_id, match)
    distinct = tuple(once.values())
    return Matches(by=by, found=distinct[:MAX_MATCHES], more=len(distinct) > MAX_MATCHES)
