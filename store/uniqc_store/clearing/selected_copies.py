"""The copies under a receipt that an undo is asked to put back, all of them or a part."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from uniqc_store import rows, validation
from uniqc_store.clearing import selection_statements as statements
from uniqc_store.clearing.plan import Reason
from uniqc_store.database.connection import fetch_rows, transaction
from uniqc_store.filters import TaskFilter
from uniqc_store.query.conditions import FilterSql

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from uniqc_store.clearing.cleared_connections import ClearedConnections
    from uniqc_store.query.where import Where

MAX_LEFTOVERS: Final = 20
"""Most tasks that an undo names because they were not put back."""

ID_IN_USE: Final = "a task of its id is in the cache"
NOT_REACHED: Final = "not reached"
NOT_HELD: Final = "not held under this receipt"

_EVERYTHING: Final = TaskFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A task that was to be put back and was not."""

    task_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The tasks of a receipt to put back; all of them by default.

    Attributes:
        task_ids: uniqc's ids; empty for any.
        task_filter: Conditions on the tasks as they were when they were cleared.
    """

    task_ids: tuple[str, ...] = ()
    task_filter: TaskFilter = _EVERYTHING

    @property
    def is_everything(self) -> bool:
        """True if every copy is selected."""
        return not self.task_ids and self.task_filter == _EVERYTHING

    def where(self, *, has_errors: bool) -> Where:
        """Return the conditions on a row of copies.

        Args:
            has_errors: Whether the copies have error messages; those of old stores have none.
        """
        # As in the archive: the copies have no indexes, so each row is compared by itself.
        sql = FilterSql(self.task_filter, table="archived_tasks", has_errors=has_errors)
        where = sql.where()
        if self.task_ids:
            ids = [validation.filled_text("task_ids", task_id) for task_id in self.task_ids]
            where.add(statements.ID_IS_SELECTED, selected_ids=json.dumps(ids))
        return where


class SelectedCopies:
    """The copies under one receipt that a selection matches.

    Args:
        file: The file of copies.
        receipt_id: The receipt.
        selection: The tasks to put back.
    """

    def __init__(self, file: ClearedConnections, receipt_id: str, selection: Selection) -> None:
        """Open nothing yet."""
        self._file = file
        self._receipt_id = receipt_id
        self._selection = selection

    @cached_property
    def _where(self) -> Where:
        has_errors = bool(self._file.read(statements.HAS_ERRORS))
        return self._selection.where(has_errors=has_errors)

    @property
    def _parameters(self) -> dict[str, object]:
        return {**self._where.parameters, "receipt_id": self._receipt_id}

    def batches(self) -> list[int]:
        """Return the numbers of the batches that have any of the copies, in order."""
        found = self._file.read(statements.batches(self._where), self._parameters)
        return [batch for (batch,) in found]

    def count(self) -> int:
        """Return the number of copies."""
        found = self._file.read(statements.count(self._where), self._parameters)
        return int(found[0][0]) if found else 0

    def missing(self) -> list[str]:
        """Return the ids asked for of which the receipt holds no task."""
        if not self._selection.task_ids:
            return []
        parameters = {**self._parameters, "selected_ids": json.dumps(self._selection.task_ids)}
        found = self._file.read(statements.HELD_IDS, parameters)
        held = {task_id for (task_id,) in found}
        return [
            task_id for task_id in dict.fromkeys(self._selection.task_ids) if task_id not in held
        ]

    def begin(self, batch: int) -> int | None:
        """Mark the copies of a batch as being restored, and return the number of their batch.

        Where the batch has others too, they move to a batch of their own first: one that is being
        restored is read whole by everybody, until all of its tasks are back. Return None if another
        process has taken the copies meanwhile. The caller holds the lock on the store, so that no
        clear is between copying and deleting the batch.
        """
        with self._file.opened_to_write() as connection, transaction(connection):
            parameters = {**self._parameters, "batch": batch}
            connection.execute(statements.DROP_SELECTED)
            connection.execute(statements.MAKE_SELECTED)
            selected = connection.execute(statements.select(self._where), parameters).rowcount
            (total,) = connection.execute(statements.COUNT_OF_BATCH, parameters).fetchone()
            if not selected:
                return None
            return (
                _moved(connection, parameters)
                if selected < total
                else _marked(connection, parameters)
            )

    def left(
        self, done: Collection[int], missing: Sequence[str]
    ) -> tuple[tuple[Leftover, ...], tuple[Reason, ...]]:
        """Return the tasks that were not put back, the first few by name and all by reason.

        Args:
            done: The batches that were put back as far as possible.
            missing: The ids that were not held before.
        """
        found = self._file.query(
            lambda connection: fetch_rows(connection, statements.ids(self._where), self._parameters)
        )
        leftovers = [
            Leftover(
                task_id=rows.readable(task_id)[0],
                reason=ID_IN_USE if batch in done else NOT_REACHED,
            )
            for task_id, batch in found or ()
        ]
        leftovers += [Leftover(task_id=name, reason=NOT_HELD) for name in missing]
        return tuple(leftovers[:MAX_LEFTOVERS]), _by_reason(leftovers)


def _marked(connection: sqlite3.Connection, parameters: dict[str, object]) -> int:
    connection.execute(statements.MARK, parameters)
    return int(str(parameters["batch"]))


def _moved(connection: sqlite3.Connection, parameters: dict[str, object]) -> int:
    """Move the selected copies, with their jobs, to a new batch that is being restored."""
    # Negative: a clear that is still under way gives its next batches the next numbers.
    (number,) = connection.execute(statements.FREE_NUMBER, parameters).fetchone()
    for statement in statements.MOVE:
        connection.execute(statement, {**parameters, "number": number})
    return int(number)


def _by_reason(leftovers: Sequence[Leftover]) -> tuple[Reason, ...]:
    counts = Counter(leftover.reason for leftover in leftovers)
    return tuple(Reason(text=reason, count=count) for reason, count in counts.items())
