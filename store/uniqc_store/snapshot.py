"""Queries over one consistent state of the file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from uniqc_store import rows, validation
from uniqc_store.cursors import Cursor, TouchCursor
from uniqc_store.database import integrity
from uniqc_store.errors import StoreUnsafeError
from uniqc_store.filters import Archived, Column, Order, TaskFilter
from uniqc_store.query import archive, completion, lookup, pagination, planner, statements, stored
from uniqc_store.query import counts as query_counts
from uniqc_store.query.conditions import filter_sql
from uniqc_store.query.measures import Measures, measures
from uniqc_store.query.time_conditions import where_later_than

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from uniqc_store.database.connection import Session
    from uniqc_store.database.integrity import Integrity
    from uniqc_store.query.completion import Completions
    from uniqc_store.query.lookup import Match, Matches
    from uniqc_store.query.pages import Page
    from uniqc_store.query.stored import StoredTask
    from uniqc_store.query.where import Index, Parameters, Where
    from uniqc_store.tasks import TaskInfo, TaskRecord, TaskShard

Value = TypeVar("Value")

_EVERYTHING = TaskFilter()
_DIGEST_OF_NOTHING = bytes(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine that sends the tasks of its file to a store of several people.

    Attributes:
        owner: The person whose file it is.
        name: The machine's name.
        heard_at: When it was last heard of. Aware.
    """

    owner: str
    name: str
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """The file that an answer came from.

    Attributes:
        path: The file.
        exists: False if there is none; that is why every count is then zero.
        blank: True if it has no table of tasks, such as a file of no bytes; counts are zero too.
        vanished: True if there is none any more, though this process has read it before.
        schema_version: Its ``user_version``; 0 if nothing was committed to it yet.
        damage: The damage that a check of a small file found, in words; counts may be wrong then.
        where: The place in words, of a store that is no file.
        machines: The machines whose tasks a store of several people has, heard of last first.
    """

    path: Path
    exists: bool
    schema_version: int
    blank: bool = False
    vanished: bool = False
    damage: str = ""
    where: str = ""
    machines: tuple[Machine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The number of tasks with one status and backend; empty is the one not grouped by."""

    status: str = ""
    backend: str = ""
    count: int


class Snapshot:
    """One consistent state of the file: all answers of one snapshot fit together.

    It is valid only inside the call to ``TaskStore.read`` that passes it.
    """

    def __init__(self, session: Session, path: Path) -> None:
        """Wrap one read transaction of the file."""
        self._session = session
        self._path = path

    @property
    def state(self) -> StoreState:
        """The file that is read; a small one is checked for damage, once for each state of it."""
        session = self._session
        return StoreState(
            path=self._path,
            exists=session.exists,
            schema_version=session.layout.version,
            blank=session.blank,
            vanished=session.vanished,
            damage=integrity.damage_of(session),
        )

    def check(self) -> Integrity:
        """Check the whole file, which is read in full: a gigabyte takes some seconds."""
        return integrity.check(self._session)

    def check_sound(self) -> None:
        """Check the file as far as a clear needs; a million tasks take 2.5 s.

        Raises:
            StoreUnsafeError: It is damaged.
        """
        if damage := integrity.damage_before_clear(self._session):
            raise StoreUnsafeError(self._path, damage)

    def cached(
        self,
        key: Hashable,
        compute: Callable[[], Value],
        *,
        size: Callable[[Value], int] | None = None,
    ) -> Value:
        """Return the value for a key, computed at most once until the file is written to.

        The store keeps some values with the signature of the file that they were computed from.
        As long as the signature is the same, a later snapshot returns them without opening the
        file. The value must follow from the file and the key alone, and nobody may change it.
        A recent write makes the signature uncertain; nothing is kept then.

        Args:
            key: Identifies the computation and its arguments among those of all callers.
            compute: Called if there is no value yet; by two threads, possibly twice.
            size: Returns the bytes of a value. A value above 64 KiB is not kept. Without this
                argument every value is kept, so its size should be bounded.
        """
        return self._session.cache.get_or_compute(("caller", key), compute, size=size)

    # Many tasks

    def search(
        self,
        task_filter: TaskFilter,
        *,
        limit: int,
        cursor: str = "",
        order: Order = "newest",
        archived: Archived = "exclude",
    ) -> Page:
        """Return one page of tasks.

        Args:
            task_filter: Selects the tasks.
            limit: Most tasks of the page.
            cursor: ``next_cursor`` of the page before; empty for the first.
            order: By submit time as text, as uniqc sorts them, or by the moment of the last
                update. ``Page.recent_only`` says where the latter is not the order of all tasks.
            archived: Whether tasks of the archive are on the page. Then every task is read.

        Raises:
            InvalidValueError: The cursor is not one, or belongs to another filter or order; or
                the limit is not positive.
        """
        session, limit = self._session, validation.limit(limit)
        if archived != "exclude":
            request = archive.ArchiveRequest(
                session=session,
                task_filter=task_filter,
                archived=archived,
                order=order,
                limit=limit,
                start=archive.decode(cursor, task_filter, order, archived) if cursor else None,
            )
            return pagination.archive_page(request)
        if order == "updated":
            touched = TouchCursor.decode(cursor, task_filter) if cursor else None
            return pagination.touched_page(session, task_filter, limit=limit, start=touched)
        start = Cursor.decode(cursor, task_filter, order) if cursor else None
        return pagination.page(session, task_filter, order=order, limit=limit, start=start)

    def reads_all(self, task_filter: TaskFilter) -> bool:
        """Return whether a count of a large file has to read every task.

        No index has the update time or the name, and none leaves few tasks.
        """
        if task_filter.only_by_label or task_filter.by_time:
            return False
        return planner.choose_index(self._session, filter_sql(self._session, task_filter)) is None

    def tally(
        self,
        task_filter: TaskFilter,
        *,
        by: Sequence[Column] = ("status", "backend"),
        archived: Archived = "exclude",
    ) -> tuple[Group, ...]:
        """Return the number of tasks for each status, backend, or both; largest group first."""
        counts: Counter[tuple[str, ...]] = Counter()
        for labels, count in archive.counted(self._session, task_filter, archived, by).items():
            counts[tuple(rows.readable(label)[0] for label in labels)] += count
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            Group(**dict(zip(by, labels, strict=True)), count=count) for labels, count in ordered
        )

    def count(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks that pass."""
        return query_counts.count(self._session, task_filter)

    def digest(self, task_filter: TaskFilter = _EVERYTHING) -> str:
        """Return a digest of all columns of the tasks that pass, and of their platform jobs.

        32 hexadecimal digits, the same wherever the same records are stored in any order. The
        time grows with the store: some 10 s for a million tasks.
        """
        if not self._session.layout.has("tasks"):
            return _DIGEST_OF_NOTHING.hex()
        where = self.where(task_filter)
        statement = statements.digest_of_all(self._session.layout, where)
        (digest,) = self._session.rows(statement, where.parameters)[0]
        return (digest or _DIGEST_OF_NOTHING).hex()

    def measures(
        self, task_filter: TaskFilter = _EVERYTHING, *, names: bool = False
    ) -> Iterator[Measures]:
        """Yield the figures of the tasks that pass, in no order; names are empty if not asked for.

        The time grows with the number of tasks: some 2 s for a million of them.
        """
        return measures(self._session, task_filter, names=names)

    def undated(self, task_filter: TaskFilter = _EVERYTHING) -> int:
        """Return the number of tasks without a readable submit time.

        The filter's times are ignored. The time grows with the store: every task is read.
        """
        return self.count_where(filter_sql(self._session, task_filter).undated())

    def count_later_than(self, moment: datetime) -> int:
        """Return the number of tasks with a submit or update time later than an aware moment.

        The time grows with the store: the update time of every task is read.
        """
        return self.count_where(where_later_than(moment))

    def without_date(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks whose submit time does not begin with a digit.

        The filter's times are ignored. The index finds them, so the time does not grow with the
        store.
        """
        return self.count_where(filter_sql(self._session, task_filter).without_date())

    def doubled(self) -> int:
        """Return the number of copies that two concurrent upgrades to version 5 left behind.

        Copies share ``metadata.legacy_platform_id``.
        """
        return self._session.number(statements.COUNT_DOUBLED)

    def archived(self, task_filter: TaskFilter = _EVERYTHING) -> int:
        """Return the number of tasks in the archive that pass."""
        if not self._session.layout.has("archived_tasks"):
            return 0
        where = filter_sql(self._session, task_filter, table="archived_tasks").where()
        statement = statements.count(where, table="archived_tasks")
        return self._session.number(statement, where.parameters)

    def archived_among(self, task_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that tasks in the archive have."""
        return lookup.archived_among(self._session, task_ids)

    def live_among(self, task_ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that live tasks have."""
        return lookup.live_among(self._session, task_ids)

    def twins(self) -> int:
        """Return the number of ids that a live and an archived task have."""
        if not self._session.layout.has("archived_tasks"):
            return 0
        return self._session.number(statements.COUNT_TWINS)

    def without_job(self, task_filter: TaskFilter) -> int:
        """Return the number of tasks that pass and never reached a platform.

        It is 0 where the file has no table of jobs, because it is not known there.
        """
        return self.count_where(self._without_job(task_filter)) if self.has_shards else 0

    def ids_without_job(self, task_filter: TaskFilter, *, limit: int) -> tuple[str, ...]:
        """Return the ids of tasks that :meth:`without_job` counts, at most so many."""
        if not self.has_shards:
            return ()
        where = self._without_job(task_filter)
        parameters: Parameters = {**where.parameters, "limit": validation.limit(limit)}
        return self._texts(statements.ids_of(where), parameters)

    def shards_of_tasks(self, task_ids: Sequence[str]) -> Mapping[str, Sequence[TaskShard]]:
        """Return the platform jobs in order of those live tasks that have any, by their ids."""
        return lookup.shards_of_tasks(self._session, task_ids)

    def short_results(self, task_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the results of these live tasks as stored, by their ids, without long ones."""
        return lookup.short_results(self._session, task_ids)

    def stored_after(
        self, after: bytes, *, upto: bytes | None = None, limit: int
    ) -> Generator[StoredTask]:
        """Yield live and archived tasks as they are stored, with their jobs, in order of their ids.

        Tasks whose id is no text are left out; :meth:`without_id` counts them. Nothing else may be
        asked of this snapshot meanwhile.

        Args:
            after: The bytes of the id that the first one follows; empty for the first of all.
            upto: The bytes of the last id; None for no end.
            limit: Most tasks.
        """
        return stored.stored_after(self._session, after, upto=upto, limit=validation.limit(limit))

    def stored_tasks(self, task_ids: Sequence[str]) -> Generator[StoredTask]:
        """Yield the tasks with one of these ids, as :meth:`stored_after` does."""
        return stored.stored_tasks(self._session, task_ids)

    def any_in_table(self, task_ids: Sequence[str]) -> bool:
        """Return whether a live task has one of these ids, whatever the indexes say."""
        return stored.any_in_table(self._session, task_ids)

    def without_id(self) -> int:
        """Return the number of live and archived tasks whose id is no text."""
        return stored.without_id(self._session)

    def backends(self) -> tuple[str, ...]:
        """Return the backend labels of all tasks, sorted."""
        return self._texts(statements.BACKENDS, {"limit": -1})

    def newest_ids(self, limit: int) -> tuple[str, ...]:
        """Return the ids of the newest tasks."""
        return self._texts(statements.NEWEST_IDS, {"limit": validation.limit(limit)})

    def neighbouring_ids(self, task_id: str, limit: int) -> tuple[str, ...]:
        """Return the *limit* ids before this one in order, and as many from it on."""
        parameters: Parameters = {
            "task_id": validation.text("task_id", task_id),
            "limit": validation.limit(limit),
        }
        below = self._texts(statements.IDS_BELOW, parameters)
        return below + self._texts(statements.IDS_FROM, parameters)

    # Completion

    def complete_id(self, text: str, *, among: TaskFilter = _EVERYTHING, limit: int) -> Completions:
        """Return ids that the beginning of an id, or a part of a name, may stand for.

        Ids of recent tasks come first. Then come other ids and platforms' ids that begin with the
        text, archived ones included, then ids of tasks with the text in their name. A platform's
        id that several tasks share is replaced by their ids. Names are searched among the newest
        tasks only, and not for a text that begins as uniqc's own ids do.

        Args:
            text: The text so far.
            among: A filter of the status and the backend only.
            limit: Most values returned.

        Raises:
            InvalidValueError: UTF-8 cannot encode the text.
        """
        return completion.complete_id(
            self._session,
            validation.text("task_id", text),
            among=among,
            limit=validation.limit(limit),
            tables=lookup.task_tables(self._session),
        )

    def complete_backend(self, text: str, *, limit: int) -> Completions:
        """Return platforms and whole labels: those that begin with a text, then those with it."""
        return completion.complete_backend(
            self._session, validation.text("backend", text), limit=validation.limit(limit)
        )

    # One task

    def find(self, reference: str) -> Matches:
        """Return the tasks, archived ones included, that an id stands for.

        Each search runs only if the one before found nothing: uniqc's own id; a platform's id
        among the shards; the platform's id that version 5 kept in the metadata (a scan, skipped
        for an id of uniqc's own form); the first ``SHORTEST_PREFIX`` or more characters of an id
        or of a platform's id.

        Raises:
            InvalidValueError: It is empty, or UTF-8 cannot encode it.
        """
        return lookup.find(self._session, validation.filled_text("task_id", reference))

    def find_archived(self, task_id: str) -> Matches:
        """Return the archived task with this whole id, which :meth:`find` hides behind a live one.

        Raises:
            InvalidValueError: The id is empty, or UTF-8 cannot encode it.
        """
        return lookup.find_archived(self._session, validation.filled_text("task_id", task_id))

    def state_of(self, match: Match) -> StoreState:
        """Return the state of the file that a task is in."""
        return self.state

    def info(self, match: Match) -> TaskInfo:
        """Return the task with its result parsed, as uniqc's API returns it."""
        return lookup.task_info(self._session, match)

    def record(self, match: Match) -> TaskRecord:
        """Return the task without its result, but with the size of the result."""
        return lookup.task_record(self._session, match)

    def result_text(self, match: Match) -> str:
        """Return the result as it is stored, normally JSON; empty if there is none."""
        return lookup.result_text(self._session, match)

    def shards(self, match: Match) -> tuple[TaskShard, ...]:
        """Return the task's platform jobs in order; see ``TaskShard.result``."""
        return lookup.shards(self._session, match)

    def shard_result_starts(self, match: Match) -> dict[int, str]:
        """Return the first character of the result of each platform job, by the job's index.

        It tells an object from a list. A job without a result is left out.
        """
        return lookup.shard_result_starts(self._session, match)

    def shard_results(self, match: Match, *, most_bytes: int) -> tuple[str, ...]:
        """Return the results of the task's jobs as stored, in the order of :meth:`shards`.

        Empty if there are no jobs, or if their results have more bytes together.
        """
        return lookup.shard_results(self._session, match, most_bytes=most_bytes)

    def archived_twin(self, match: Match) -> TaskRecord | None:
        """Return the archived task that has the id of a live one; None if there is none."""
        return lookup.archived_twin(self._session, match)

    @property
    def has_shards(self) -> bool:
        """True if the file has a table of shards."""
        return self._session.layout.has("task_shards")

    @property
    def has_errors(self) -> bool:
        """True if the file has error messages of tasks."""
        return "error_message" in self._session.layout.columns("tasks")

    # Conditions instead of a filter, within this package

    def infos(self, where: Where, *, limit: int | None, offset: int) -> list[TaskInfo]:
        """Return tasks with their results parsed, newest first."""
        statement = statements.full_tasks(self._session.layout, where, limited=True)
        # A negative limit is none.
        parameters = {**where.parameters, "limit": -1 if limit is None else limit, "offset": offset}
        return [rows.task_info(row) for row in self._session.rows(statement, parameters)]

    def where(self, task_filter: TaskFilter, *, index: Index | None = None) -> Where:
        """Return what a filter says in SQL; see ``FilterSql.where``."""
        return filter_sql(self._session, task_filter).where(index=index)

    def count_where(self, where: Where) -> int:
        """Return the number of tasks."""
        return self._session.number(statements.count(where), where.parameters)

    def count_by_status(self, where: Where) -> Counter[str]:
        """Return the number of tasks by status, as text that can be shown."""
        counts: Counter[str] = Counter()
        statement = statements.tally(("status",), where)
        for status, count in self._session.rows(statement, where.parameters):
            counts[rows.readable(status)[0]] += count
        return counts

    def planned_rows(self, where: Where, *, limit: int | None) -> list[sqlite3.Row]:
        """Return what a plan needs of each task; see ``statements.planned_rows``."""
        statement = statements.planned_rows(self._session.layout, where, limited=limit is not None)
        return self._session.rows(statement, {**where.parameters, "limit": limit})

    def holds(self, stored: tuple[object, ...]) -> bool:
        """Return True if a live task has these values; see ``statements.STORED_TASK``."""
        found = self._session.connection.execute(statements.STORED_TASK, {"task_id": stored[1]})
        return any(row == stored for row in found)

    def _texts(self, statement: str, parameters: Parameters) -> tuple[str, ...]:
        return tuple(rows.readable(row[0])[0] for row in self._session.rows(statement, parameters))

    def _without_job(self, task_filter: TaskFilter) -> Where:
        # Few tasks are active, and each of them has to be looked up.
        where = self.where(task_filter, index="status")
        where.add(statements.WITHOUT_JOB)
        return where
