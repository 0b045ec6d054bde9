"""One read of a watch: the revision of each store, and the tasks with a later one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.database.tables import ACTIVE
from uniqc_mcp.lab.store.state import WHERE
from uniqc_store import TERMINAL_STATUSES, StoreState, TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from uniqc_mcp.lab.store.session import Row, Session

MAX_ACTIVE: Final = 20_000
"""Most active tasks that are tracked."""

MAX_CHANGED: Final = 20_000
"""Most changed tasks that are told one by one; after more, all is read as at first."""

MAX_KNOWN: Final = 30_000
"""Most tasks whose state is kept, before finished ones are forgotten."""

_NEWEST: Final = 1_000

Revisions = dict[tuple[str, str], int]

_COLUMNS: Final = """
    task.owner, task.store_id, task.task_id, task.backend, task.name, task.status,
    task.submit_time, task.update_time
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedTask:
    """A live task that changed since the revision seen last, or that is gone.

    Attributes:
        key: Tells it from every other task.
        state: Its last state.
        is_new: Whether it came after that revision.
        is_gone: Whether it is gone.
        archived: Whether the archive of its file has it.
    """

    key: str
    state: TaskState
    is_new: bool
    is_gone: bool
    archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The findings of one read.

    Attributes:
        state: The store as a whole.
        revisions: The revision of each store.
        total: The number of live tasks.
        changed: The tasks that changed since the revisions seen last.
        newest: Where there were none, or too much changed, or other tasks came in sight: the
            newest and the active tasks by their keys. None otherwise.
        asked: The tasks with the ids asked for.
        all_active: Whether every active task is among them.
    """

    state: StoreState
    revisions: Revisions
    total: int
    changed: tuple[ChangedTask, ...] = ()
    newest: dict[str, TaskState] | None = None
    asked: dict[str, TaskState] = field(default_factory=dict[str, TaskState])
    all_active: bool = True


def scan(
    session: Session,
    seen: Revisions | None,
    asked: Collection[str],
    *,
    other_viewer: bool = False,
) -> Scan:
    """Read what changed.

    Args:
        session: One state of the database.
        seen: The revisions of the last scan; None before the first.
        asked: Ids of tasks whose state is to be known from now on.
        other_viewer: Whether the last scan was of other tasks. Those of stores that it did not
            see did not change: they only came in sight.
    """
    where = session.scope.conditions("store")
    found = session.rows(
        f"SELECT owner, store_id, revision, schema_version FROM store WHERE {where.sql}",
        where.parameters,
    )
    now = {(row["owner"], row["store_id"]): row["revision"] for row in found}
    version = max((row["schema_version"] for row in found), default=0)
    facts: dict[str, Any] = {
        "state": StoreState(path=Path(), where=WHERE, exists=True, schema_version=version),
        "revisions": now,
        "asked": _asked(session, asked),
        "total": _total(session),
    }
    if seen == now:
        return Scan(**facts)
    came_in_sight = set[tuple[str, str]]()
    if seen is not None and other_viewer:
        came_in_sight = now.keys() - seen.keys()
    compared = {place: now[place] for place in now.keys() - came_in_sight}
    changed = None if seen is None else _changed(session, seen, compared)
    if changed is not None and not came_in_sight:
        return Scan(**facts, changed=tuple(changed))
    newest, all_active = _newest(session)
    return Scan(**facts, changed=tuple(changed or ()), newest=newest, all_active=all_active)


def _total(session: Session) -> int:
    where = session.scope.conditions("tally")
    statement = f"SELECT sum(tasks) FROM tally WHERE {where.sql} AND NOT tally.archived"
    return session.number(statement, where.parameters)


def _changed(session: Session, seen: Revisions, now: Revisions) -> list[ChangedTask] | None:
    """Return the tasks that changed; None if there are too many, or a store went back.

    Those of a store that is no longer shared are left out.
    """
    later: list[tuple[str, str, int]] = []
    for place, revision in now.items():
        before = seen.get(place, 0)
        if revision < before:  # a backup was restored
            return None
        if revision > before:
            later.append((*place, before))
    if not later:
        return []
    where = session.scope.conditions("task")
    owners, stores, revisions = (list(column) for column in zip(*later, strict=True))
    rows = session.rows(
        f"""
            SELECT {_COLUMNS}, task.first_revision > since.revision AS is_new,
                task.gone_at IS NOT NULL AS is_gone, EXISTS (
                    SELECT 1 FROM task AS twin WHERE twin.owner = task.owner
                        AND twin.store_id = task.store_id AND twin.task_id = task.task_id
                        AND twin.archived AND twin.gone_at IS NULL
                ) AS archived
            FROM unnest(%(of_owners)s::text[], %(of_stores)s::text[], %(since)s::bigint[])
                AS since (owner, store_id, revision)
            JOIN task ON task.owner = since.owner AND task.store_id = since.store_id
                AND task.revision > since.revision
            WHERE {where.sql} AND NOT task.archived LIMIT {MAX_CHANGED + 1}
        """,
        {**where.parameters, "of_owners": owners, "of_stores": stores, "since": revisions},
    )
    if len(rows) > MAX_CHANGED:
        return None
    return [
        ChangedTask(
            key=_key(row),
            state=_state(row),
            is_new=row["is_new"],
            is_gone=row["is_gone"],
            archived=row["archived"],
        )
        for row in rows
    ]


def _newest(session: Session) -> tuple[dict[str, TaskState], bool]:
    """Return the active and the newest tasks, and whether these are all active ones."""
    active = _select(session, f"{ACTIVE} LIMIT {MAX_ACTIVE + 1}", {})
    order = "submit_time DESC, place DESC, owner DESC, store_id DESC"
    newest = _select(session, f"TRUE ORDER BY {order} LIMIT {_NEWEST}", {})
    return newest | active, len(active) <= MAX_ACTIVE


def _asked(session: Session, task_ids: Collection[str]) -> dict[str, TaskState]:
    if not task_ids:
        return {}
    ids = [one for one in task_ids if "\0" not in one]
    return _select(session, "task.task_id = ANY(%(ids)s::text[])", {"ids": ids})


def _select(session: Session, rest: str, more: Mapping[str, Any]) -> dict[str, TaskState]:
    where = session.scope.conditions("task")
    rows = session.rows(
        f"SELECT {_COLUMNS} FROM task WHERE {where.sql} AND task.live AND {rest}",
        {**where.parameters, **more},
    )
    return {_key(row): _state(row) for row in rows}


def key_prefix(owner: str, store_id: str) -> str:
    """Return the beginning of the keys of one store's tasks."""
    return f"{owner}\n{store_id}\n"


def _key(row: Row) -> str:
    return f"{key_prefix(row['owner'], row['store_id'])}{row['task_id']}"


def _state(row: Row) -> TaskState:
    return TaskState(
        task_id=row["task_id"],
        backend=row["backend"],
        name=row["name"],
        status=row["status"],
        active=row["status"] not in TERMINAL_STATUSES,
        submit_time=row["submit_time"],
        update_time=row["update_time"],
        owner=row["owner"],
    )
