"""The receipt of what machines send: comparisons, and the tasks that differ."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from psycopg import errors

from uniqc_mcp.lab.database.batch import Batch, write_batch
from uniqc_mcp.lab.database.comparison import Comparison
from uniqc_mcp.lab.database.quota import MAX_STORES
from uniqc_mcp.lab.database.redaction import Redaction
from uniqc_mcp.lab.database.rows import rows_of
from uniqc_mcp.lab.database.values import RefusedTaskError
from uniqc_mcp.lab.database.viewer import check_owner
from uniqc_mcp.lab.errors import LabRefusedError
from uniqc_mcp.lab.exchange import VERSION, Compared, Key, Pushed

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.database.rows import TaskRows
    from uniqc_mcp.lab.exchange import Compare, Push

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
        batch = Batch(
            owner=owner,
            store_id=message.store_id,
            base=message.revision,
            tasks=[*tasks.values()],
            gone=gone,
        )
        epoch, revision = self._keep(batch, refused)
        return Pushed(epoch=epoch, revision=revision, refused=tuple(refused.items()))

    def _keep(self, batch: Batch, refused: dict[Key, str]) -> tuple[str, int]:
        """Write a batch; if a value of it does not fit, halve it until the task is found."""
        try:
            write = partial(write_batch, batch=batch, max_stores=self._max_stores)
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
