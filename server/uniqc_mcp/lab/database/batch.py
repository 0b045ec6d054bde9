"""The transaction that writes tasks of one store.

Count, digest, tally and revision of a store change in it, under the lock of the store's row. So the
revisions of a store have no gap, and a later one is committed later.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.database import schema, statements
from uniqc_mcp.lab.database.quota import check_number_of_stores
from uniqc_mcp.lab.database.rows import JOB_COLUMNS, TASK_COLUMNS
from uniqc_mcp.lab.errors import LabOutOfStepError
from uniqc_mcp.lab.exchange import Key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection

    from uniqc_mcp.lab.database.rows import TaskRows

_MODULUS: Final = 2**128

NO_DIGEST: Final = "0" * 32
"""The digest of a store without tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tasks of one store to write in one transaction, at one revision of it or at any."""

    owner: str
    store_id: str
    base: int | None
    tasks: Sequence[TaskRows]
    gone: Sequence[Key]

    @property
    def place(self) -> dict[str, object]:
        """The key of the store."""
        return {"owner": self.owner, "store_id": self.store_id}


class _Sums:
    """The differences that a batch makes to its store: number, digest, and tally."""

    def __init__(self) -> None:
        self.count = 0
        self.digest = 0
        self.tally: Counter[tuple[bool, str, str]] = Counter()

    def add(self, sign: int, fingerprint: str, labels: tuple[bool, str, str]) -> None:
        self.count += sign
        self.digest += sign * int(fingerprint, 16)
        self.tally[labels] += sign


def write_batch(connection: Connection[Any], batch: Batch, max_stores: int) -> tuple[str, int]:
    """Write a batch; return the epoch of the database and the store's revision after it."""
    execute, place = connection.execute, batch.place
    revision, count, digest = _locked(connection, batch, max_stores)
    epoch = schema.epoch_of(connection)
    keys = [task.key for task in batch.tasks]
    before = {
        Key(task_id=row[0], archived=row[1]): row
        for row in execute(statements.BEFORE, {**place, **_arrays(chain(keys, batch.gone))})
    }
    changed = [task for task in batch.tasks if _is_changed(task, before.get(task.key))]
    buried = [key for key in batch.gone if key in before and not before[key][5]]
    if not changed and not buried:
        return epoch, revision
    revision += 1
    place["revision"] = revision
    _save(connection, place, changed)
    if buried:
        execute(statements.BURY, {**place, **_arrays(buried)})
    sums = _sums(changed, buried, before)
    _count(connection, place, sums.tally)
    sum_after = (int(digest, 16) + sums.digest) % _MODULUS
    after = {"task_count": count + sums.count, "digest": f"{sum_after:032x}"}
    execute(statements.SET_STORE, {**place, **after})
    return epoch, revision


def _locked(connection: Connection[Any], batch: Batch, max_stores: int) -> tuple[int, int, str]:
    """Lock the store of a batch; return its revision, its number of tasks and their digest."""
    found = connection.execute(statements.LOCK, {**batch.place, "nothing": NO_DIGEST}).fetchone()
    if found is None:
        raise AssertionError("an upsert returns its row")
    revision, count, digest = found
    if batch.base not in (None, revision):
        raise LabOutOfStepError
    if not revision:
        check_number_of_stores(connection, batch.place, max_stores)
    return revision, count, digest


def _sums(
    changed: Sequence[TaskRows], buried: Sequence[Key], before: Mapping[Key, Sequence[Any]]
) -> _Sums:
    """Return the differences that tasks make, which are changed or gone."""
    sums = _Sums()
    for key in chain((task.key for task in changed), buried):
        if (row := before.get(key)) is not None and not row[5]:
            sums.add(-1, row[2], (key.archived, row[3], row[4]))
    for task in changed:
        sums.add(1, task.fingerprint, (task.key.archived, task.status, task.backend))
    return sums


def _save(connection: Connection[Any], place: dict[str, object], tasks: list[TaskRows]) -> None:
    if not tasks:
        return
    execute = connection.execute
    values = statements.arrays(TASK_COLUMNS, [task.task for task in tasks])
    execute(statements.SAVE_TASKS, {**place, **values})
    keys = _arrays(task.key for task in tasks)
    bodies = statements.arrays(("metadata", "result"), [task.body for task in tasks])
    execute(
        statements.SAVE_BODIES,
        {**place, **bodies, "task_id": keys["task_ids"], "archived": keys["archived"]},
    )
    execute(statements.REMOVE_JOBS, {**place, **keys})
    if jobs := [job for task in tasks for job in task.jobs]:
        execute(statements.SAVE_JOBS, {**place, **statements.arrays(JOB_COLUMNS, jobs)})


def _count(
    connection: Connection[Any],
    place: dict[str, object],
    tally: Counter[tuple[bool, str, str]],
) -> None:
    # Sorted: two transactions that touch the same rows do so in the same order.
    changed = sorted((*labels, tasks) for labels, tasks in tally.items() if tasks)
    if changed:
        names = ("archived", "statuses", "backends", "tasks")
        connection.execute(statements.COUNT, {**place, **statements.arrays(names, changed)})


def _is_changed(task: TaskRows, before: Sequence[Any] | None) -> bool:
    return before is None or before[5] or before[2] != task.fingerprint


def _arrays(keys: Any) -> dict[str, list[object]]:
    listed = [(key.task_id, key.archived) for key in keys]
    return statements.arrays(("task_ids", "archived"), listed)
