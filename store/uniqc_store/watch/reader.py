"""The reads of a watch in one state of the file: little of many tasks, and more of a few."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from uniqc_store import rows
from uniqc_store.filters import ACTIVE, TaskFilter
from uniqc_store.query.conditions import FilterSql
from uniqc_store.watch import statements
from uniqc_store.watch.changes import TaskState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.watch.change_log import Key

MAX_ACTIVE = 20_000
"""Most active tasks that are tracked. A file with more is too large to be watched whole."""

Fingerprint = tuple[int, "Key", object, object]
"""Rowid, id, status and update time as they are stored. Saving a task changes at least one."""

SortKey = tuple[tuple[int, object], int]
"""Place of a task by submit time, as SQLite orders it, then by rowid."""

LOWEST: SortKey = ((-1, None), 0)
"""Sorts before every task."""

HIGHEST: SortKey = ((4, None), 0)
"""Sorts after every task."""

_MAX_PARAMETERS = 500
"""Parameters of one statement. Older releases of SQLite allow 999."""

_ACTIVE = TaskFilter(status=ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTask:
    """A task as the last scan found it."""

    row: int
    sort_key: SortKey
    state: TaskState


class WatchReader:
    """Reads of one consistent state of the file."""

    def __init__(self, session: Session) -> None:
        """Read within one transaction."""
        self._session = session

    def active(self) -> tuple[dict[Key, Fingerprint], bool]:
        """Return the active tasks, up to ``MAX_ACTIVE``, and whether these are all of them."""
        where = FilterSql(_ACTIVE).where(index="status")
        parameters = {**where.parameters, "limit": MAX_ACTIVE + 1}
        found = self._session.rows(statements.active(where), parameters)
        return _by_key(found[:MAX_ACTIVE]), len(found) <= MAX_ACTIVE

    def newest(self, limit: int) -> dict[Key, Fingerprint]:
        """Return the newest tasks, newest first."""
        return _by_key(self._session.rows(statements.NEWEST, {"limit": limit}))

    def by_id(self, keys: Collection[Key]) -> dict[Key, Fingerprint]:
        """Return the tasks with these ids, as far as they exist."""
        found: dict[Key, Fingerprint] = {}
        for ids, parameters in _batches(keys):
            found |= _by_key(self._session.rows(statements.by_id(ids), parameters))
        return found

    def archived(self, keys: Collection[Key]) -> frozenset[Key]:
        """Return those of the ids that are in the archive."""
        if not self._session.layout.has("archived_tasks"):
            return frozenset()
        return frozenset(
            key
            for ids, parameters in _batches(keys)
            for (key,) in self._session.rows(statements.ids_in("archived_tasks", ids), parameters)
        )

    def totals(self) -> tuple[int, int]:
        """Return the number of tasks and the highest rowid."""
        ((total, highest),) = self._session.rows(statements.TOTALS)
        return total, highest or 0

    def details(self, fingerprints: Iterable[Fingerprint]) -> dict[Key, TrackedTask]:
        """Return the shown columns of these tasks."""
        keys = {fingerprint[0]: fingerprint[1] for fingerprint in fingerprints}
        if not keys:
            return {}
        statement = statements.details(self._session.layout.columns("tasks"))
        found = self._session.rows(statement, {"rows": json.dumps(list(keys))})
        return {keys[row]: _tracked_task(keys[row], row, columns) for row, *columns in found}


def _by_key(found: Iterable[sqlite3.Row]) -> dict[Key, Fingerprint]:
    by_key: dict[Key | None, tuple[Any, ...]] = {row[1]: tuple(row) for row in found}
    # Tasks without an id, as in a file made by hand, cannot be told apart.
    by_key.pop(None, None)
    return cast("dict[Key, Fingerprint]", by_key)


def _tracked_task(key: Key, row: int, columns: Sequence[Any]) -> TrackedTask:
    backend, status, submit_time, update_time, metadata_json = columns
    return TrackedTask(
        row=row,
        sort_key=_sort_key(submit_time, row),
        state=TaskState(
            task_id=rows.readable(key)[0],
            backend=rows.readable(backend)[0],
            name=_name(metadata_json),
            status=rows.readable(status)[0],
            active=_ACTIVE.matches_status(status),
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


def _sort_key(submit_time: object, row: int) -> SortKey:
    """Order storage classes as SQLite does: NULL, numbers, text by its bytes, BLOBs."""
    match submit_time:
        case str():
            return (2, submit_time.encode("utf-8", "surrogateescape")), row
        case bytes():
            return (3, submit_time), row
        case None:
            return (0, 0), row
        case _:
            return (1, submit_time), row


def _batches(keys: Iterable[Key]) -> Iterator[tuple[list[str], dict[str, object]]]:
    """Yield SQL expressions for up to ``_MAX_PARAMETERS`` ids at a time, and their parameters."""
    ids = list(keys)
    for start in range(0, len(ids), _MAX_PARAMETERS):
        batch = {f"id_{at}": key for at, key in enumerate(ids[start : start + _MAX_PARAMETERS])}
        expressions = [
            f"CAST(:{name} AS TEXT)" if isinstance(key, str) else f":{name}"
            for name, key in batch.items()
        ]
        yield expressions, {name: _bindable(key) for name, key in batch.items()}


def _bindable(key: Key) -> object:
    """Return a text as bytes: text that is not UTF-8 cannot be bound as text."""
    return key.encode("utf-8", "surrogateescape") if isinstance(key, str) else key
