"""What a watch reads of one state of the file: little of many tasks, and all of a few."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from uniqc_store import rows
from uniqc_store.filters import ACTIVE, TaskFilter
from uniqc_store.query.conditions import FilterSql
from uniqc_store.tasks import TERMINAL_STATUSES
from uniqc_store.watch import statements
from uniqc_store.watch.changes import TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.query.statements import TaskTable
    from uniqc_store.watch.change_log import Key

Item = TypeVar("Item")

MAX_ACTIVE = 20_000
"""Active tasks that are known; a file with more of them is no longer one to be watched whole."""

Mark = tuple[int, "Key", object, object]
"""Row, id, status and update time as they are stored: another one tells that a task was saved."""

Place = tuple[tuple[int, object], int]
"""Where a task stands among the others: by its submit time, as SQLite orders it, and its row."""

_AT_ONCE = 500
"""Parameters of a statement: SQLite allowed 999 for long."""

BEFORE_ALL: Place = ((-1, None), 0)
AFTER_ALL: Place = ((4, None), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTask:
    """A task as it was seen."""

    row: int
    place: Place
    state: TaskState


class WatchReader:
    """What is read of one consistent state of the file."""

    def __init__(self, session: Session) -> None:
        self._connection = session.connection
        self._layout = session.layout

    def active(self) -> tuple[dict[Key, Mark], bool]:
        """The active tasks, and whether these are all."""
        where = FilterSql(TaskFilter(status=ACTIVE)).where(index="status")
        statement = statements.active(where)
        found = self._rows(statement, {**where.parameters, "limit": MAX_ACTIVE + 1})
        return _by_key(found[:MAX_ACTIVE]), len(found) <= MAX_ACTIVE

    def newest(self, limit: int) -> dict[Key, Mark]:
        """The newest tasks, newest first."""
        return _by_key(self._rows(statements.NEWEST, {"limit": limit}))

    def by_id(self, keys: Collection[Key]) -> dict[Key, Mark]:
        """Those of some tasks that are there."""
        found: dict[Key, Mark] = {}
        for places, values in _in_places(keys):
            found |= _by_key(self._rows(statements.by_id(places), values))
        return found

    def archived(self, keys: Collection[Key]) -> frozenset[Key]:
        """Those of some tasks that are in the archive."""
        table: TaskTable = "archived_tasks"
        if not self._layout.has(table):
            return frozenset()
        return frozenset(
            key
            for places, values in _in_places(keys)
            for (key,) in self._rows(statements.ids_in(table, places), values)
        )

    def totals(self) -> tuple[int, int]:
        """How many tasks there are, and the greatest row."""
        ((total, last_row),) = self._rows(statements.TOTALS)
        return total, last_row or 0

    def told(self, marks: Iterable[Mark]) -> dict[Key, KnownTask]:
        """All that is told of some tasks."""
        keys = {mark[0]: mark[1] for mark in marks}
        tasks: dict[Key, KnownTask] = {}
        for some in _chunks(list(keys)):
            statement = statements.details(self._layout.columns("tasks"), len(some))
            for row, *columns in self._rows(statement, some):
                tasks[keys[row]] = _known_task(keys[row], row, columns)
        return tasks

    def _rows(
        self, statement: str, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[tuple[Any, ...]]:
        """Rows, read by a text factory in C: a third of the time is spent in one in Python.

        That one takes over where a text is no UTF-8.
        """
        careful = self._connection.text_factory
        self._connection.text_factory = str
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError:
            self._connection.text_factory = careful
            return self._connection.execute(statement, values).fetchall()
        finally:
            self._connection.text_factory = careful


def _by_key(marks: Sequence[Mark]) -> dict[Key, Mark]:
    """A task without an id, as a file made by hand may have, can't be told from another."""
    by_key: dict[Key | None, Mark] = {mark[1]: mark for mark in marks}
    by_key.pop(None, None)
    return cast("dict[Key, Mark]", by_key)


def _known_task(key: Key, row: int, columns: Sequence[Any]) -> KnownTask:
    backend, status, submit_time, update_time, metadata_json = columns
    return KnownTask(
        row=row,
        place=_place(submit_time, row),
        state=TaskState(
            task_id=rows.readable(key)[0],
            backend=rows.readable(backend)[0],
            name=_name(metadata_json),
            status=rows.readable(status)[0],
            active=status is not None and status not in TERMINAL_STATUSES,
            submit_time=rows.readable(submit_time)[0],
            update_time=rows.readable(update_time)[0],
        ),
    )


def _name(metadata_json: object) -> str:
    try:
        metadata = rows.parse_json(metadata_json) if isinstance(metadata_json, str) else None
    except ValueError:
        return ""
    name = metadata.get("task_name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _place(submit_time: object, row: int) -> Place:
    """NULL comes first, then numbers, texts by their bytes, and BLOBs."""
    match submit_time:
        case str():
            return (2, submit_time.encode("utf-8", "surrogateescape")), row
        case bytes():
            return (3, submit_time), row
        case None:
            return (0, 0), row
        case _:
            return (1, submit_time), row


def _in_places(keys: Iterable[Key]) -> Iterator[tuple[list[str], list[object]]]:
    """Some ids at a time: the places for them in a statement, and what to put there."""
    for chunk in _chunks(list(keys)):
        texts = [isinstance(key, str) for key in chunk]
        places = [statements.TEXT_PLACE if text else statements.PLACE for text in texts]
        yield places, [_bindable(key) for key in chunk]


def _bindable(key: Key) -> object:
    """A text as its bytes: one that isn't UTF-8 can't be bound as text."""
    return key.encode("utf-8", "surrogateescape") if isinstance(key, str) else key


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))
