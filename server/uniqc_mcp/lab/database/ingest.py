"""The receipt of what machines send: comparisons, and the tasks that differ.

Count, digest, tally and revision of a store change in the transaction that writes its tasks, under
the lock of the store's row. So the revisions of a store have no gap, and a later one is committed
later.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from psycopg import errors

from uniqc_mcp.lab.database import schema, statements
from uniqc_mcp.lab.database.comparison import Comparison
from uniqc_mcp.lab.database.quota import MAX_STORES, check_number_of_stores
from uniqc_mcp.lab.database.redaction import Redaction
from uniqc_mcp.lab.database.rows import JOB_COLUMNS, TASK_COLUMNS, RefusedTaskError, rows_of
from uniqc_mcp.lab.database.viewer import check_owner
from uniqc_mcp.lab.errors import LabOutOfStepError, LabRefusedError
from uniqc_mcp.lab.exchange import VERSION, Compared, Key, Pushed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection

    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.database.rows import TaskRows
    from uniqc_mcp.lab.exchange import Compare, Push

_MODULUS: Final = 2**128
NO_DIGEST: Final = "0" * 32
"""The digest of a store without tasks."""

_UNFIT = (errors.DataError, errors.ProgramLimitExceeded, errors.IntegrityError)
"""Errors about a value, not about the database."""


class Ingest:
    """The receipt of messages into one database.

    Args:
        database: Whose role may write.
        max_stores: Most stores of one member.
    """

    def __init__(self, database: Database, *, max_stores: int = MAX_STORES) -> None:
        """Receive into a database."""
        self._database = database
        self._max_stores = max_stores

    def compare(self, owner: str, message: Compare) -> Compared:
        """Return what the server holds where it differs from a machine's store.

        Args:
            owner: From the token of the request.
            message: The digests of the machine.

        Raises:
            LabRefusedError: The version is another one, the ranges are not one after the other, or
                the owner has too many stores.
            LabUnavailableError: The database can't be reached.
        """
        _check_version(message.version)
        comparison = Comparison(check_owner(owner), message, max_stores=self._max_stores)
        return self._database.write(owner, comparison.run)

    def push(self, owner: str, message: Push) -> Pushed:
        """Keep tasks, and mark others as gone; what is unchanged is left alone.

        Each task that can't be kept is named in the answer, and all others are kept.

        Args:
            owner: From the token of the request.
            message: Tasks, and keys of tasks that are gone.

        Raises:
            LabRefusedError: The version is another one, or the owner has too many stores.
            LabOutOfStepError: Another message was taken since this one was made.
            LabUnavailableError: The database can't be reached; nothing of the message was kept.
        """
        _check_version(message.version)
        check_owner(owner)
        redaction = Redaction()
        tasks: dict[Key, TaskRows] = {}
        refused: dict[Key, str] = {}
        for task in message.tasks:
            try:
                tasks[task.key] = rows_of(task, redaction)
            except RefusedTaskError as error:
                refused[task.key] = str(error)
        gone = [key for key in dict.fromkeys(message.gone) if key not in tasks and _can_be_id(key)]
        batch = _Batch(
            owner=owner,
            store_id=message.store_id,
            base=message.revision,
            tasks=[*tasks.values()],
            gone=gone,
        )
        epoch, revision = self._keep(batch, refused)
        return Pushed(epoch=epoch, revision=revision, refused=tuple(refused.items()))

    def _keep(self, batch: _Batch, refused: dict[Key, str]) -> tuple[str, int]:
        """Write a batch; if a value of it does not fit, halve it until the task is found."""
        try:
            write = partial(_write, batch=batch, max_stores=self._max_stores)
            return self._database.write(batch.owner, write)
        except _UNFIT as error:
            if len(batch.tasks) <= 1:
                if not batch.tasks:
                    raise
                refused[batch.tasks[0].key] = type(error).__name__
                return self._keep(replace(batch, tasks=[]), refused)
        middle = len(batch.tasks) // 2
        _, revision = self._keep(replace(batch, tasks=batch.tasks[:middle], gone=[]), refused)
        base = None if batch.base is None else revision
        return self._keep(replace(batch, tasks=batch.tasks[middle:], base=base), refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Tasks of one store to write in one transaction, at one revision of it or at any."""

    owner: str
    store_id: str
    base: int | None
    tasks: Sequence[TaskRows]
    gone: Sequence[Key]

    @property
    def place(self) -> dict[str, object]:
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


def _write(connection: Connection[Any], batch: _Batch, max_stores: int) -> tuple[str, int]:
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


def _locked(connection: Connection[Any], batch: _Batch, max_stores: int) -> tuple[int, int, str]:
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


def _can_be_id(key: Key) -> bool:
    """Return whether the database can hold an id; a task with another one was never kept."""
    try:
        key.task_id.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in key.task_id


def _check_version(version: int) -> None:
    if version != VERSION:
        raise LabRefusedError(
            f"Messages of version {version} are not taken, only of version {VERSION}. "
            f"Update uniqc-mcp {'on this machine' if version < VERSION else 'on the server'}."
        )
