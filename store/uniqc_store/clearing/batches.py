"""Batches: the size of each, and the pause between two of them.

uniqc writes the same file. It waits for one batch at most, and gets its turn in the pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_store.clearing.plan import PlannedRow

Progress = Callable[[int, int], None]
"""A function to call after each batch with the number of tasks done and that of all tasks."""

_BATCH_SECONDS = 0.2
"""Time that a batch is to take, with the store locked."""

_MAX_BATCH_BYTES = 16 * 2**20
_FIRST_BATCH_ROWS = 200
_MIN_BATCH_ROWS = 20
_MAX_BATCH_ROWS = 10_000
_MIN_ELAPSED_SECONDS = 0.001

_PAUSE_SECONDS = 0.11
"""Pause for another process. SQLite tries a lock that it waits for every 100 ms at the latest."""

_SHORT_PAUSE_SECONDS = 0.02
"""Pause for the threads of this process, if no other process has the file open."""


def in_batches(
    planned: Sequence[PlannedRow], others_wait: Callable[[], bool]
) -> Iterator[Sequence[PlannedRow]]:
    """Yield the rows in batches of about ``_BATCH_SECONDS`` each, with a pause between two.

    The size follows from the time between two calls of ``next``, in which the caller handles the
    batch.
    """
    size, start = _FIRST_BATCH_ROWS, 0
    while start < len(planned):
        if start:
            pause(others_wait)
        batch = _within_bytes(planned[start : start + size])
        began = time.monotonic()
        yield batch
        size = _next_size(len(batch), time.monotonic() - began)
        start += len(batch)


def pause(others_wait: Callable[[], bool]) -> None:
    """Sleep between two batches, longer if another process may wait for the file."""
    time.sleep(_PAUSE_SECONDS if others_wait() else _SHORT_PAUSE_SECONDS)


def _within_bytes(batch: Sequence[PlannedRow]) -> Sequence[PlannedRow]:
    """Return the first rows that have ``_MAX_BATCH_BYTES`` together; at least one row."""
    total_bytes = 0
    for count, row in enumerate(batch):
        total_bytes += row.size
        if total_bytes > _MAX_BATCH_BYTES and count:
            return batch[:count]
    return batch


def _next_size(rows: int, elapsed_seconds: float) -> int:
    fitting = int(rows * _BATCH_SECONDS / max(elapsed_seconds, _MIN_ELAPSED_SECONDS))
    return min(max(fitting, _MIN_BATCH_ROWS), _MAX_BATCH_ROWS)
