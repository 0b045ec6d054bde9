"""Clearing a tenth of the largest store with a copy for undo, compared with a bare DELETE."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.mix import Mix
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_store import DB_FILENAME, ClearPlan, TaskFilter, TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.setting import Setting

GROUP = "clearing"
DELETE = "one DELETE"
CLEAR, PLAN = "clearing a tenth, once planned", "planning that"
_REPEATS = 3
_SECONDS_EACH = 180
_BARE_DELETE = """
DELETE FROM tasks WHERE status IN ('success', 'failed', 'cancelled') AND submit_time < :before
"""


def measure(setting: Setting) -> list[Measurement]:
    """Measure each clear on a fresh copy of the largest store."""
    mix = Mix(size=setting.sizes[-1])
    source = setting.stores.of(mix)
    before = mix.time_of(mix.size // 10)
    setting.tell(f"clearing {mix.size // 10} of {mix.size} tasks")
    copy = _Copy(
        source=source, directory=setting.stores.root / "to-be-cleared", before=before.isoformat()
    )
    clear = _Clear(copy.directory, TaskFilter(status="finished", submitted_before=before))

    def plan_on_a_copy() -> None:
        copy.make()
        clear.plan()

    one = partial(Contender, size=mix.size)
    contenders = [
        one(what=CLEAR, who=OURS, call=clear.commit, prepare=plan_on_a_copy),
        one(what=CLEAR, who=DELETE, call=copy.delete, prepare=copy.make),
        one(what=PLAN, who=OURS, call=clear.plan),
    ]
    try:
        # No warming call: a copy that was just made is in the page cache.
        return interleaved(
            GROUP,
            contenders,
            repeats=min(_REPEATS, setting.repeats),
            seconds_each=_SECONDS_EACH,
            warm=False,
        )
    finally:
        copy.remove()


class _Copy:
    """A copy of a store, for calls that change it."""

    def __init__(self, *, source: Path, directory: Path, before: str) -> None:
        self._source, self._before = source, before
        self.directory = directory

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def make(self) -> None:
        self.remove()
        self.directory.mkdir()
        with (self._source / DB_FILENAME).open("rb") as source:
            target = self.directory / DB_FILENAME
            with target.open("wb") as copied:
                shutil.copyfileobj(source, copied, 1 << 24)
                copied.flush()
                # Otherwise the kernel would write the copy while others are timed.
                os.fsync(copied.fileno())

    def delete(self) -> int:
        """Delete by hand, with the pragmas of uniqc's own deletes and without undo."""
        file = self.directory / DB_FILENAME
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            deleted = connection.execute(_BARE_DELETE, {"before": self._before}).rowcount
            connection.execute("COMMIT")
        return deleted


class _Clear:
    """A clear by uniqc-mcp, in its two steps."""

    def __init__(self, cache_dir: Path, task_filter: TaskFilter) -> None:
        self._cache_dir, self._filter = cache_dir, task_filter
        self._planned: ClearPlan | None = None

    def plan(self) -> None:
        self._planned = TaskStore(self._cache_dir).plan_clear(self._filter)

    def commit(self) -> None:
        if self._planned is not None:
            TaskStore(self._cache_dir).clear(self._planned, keep=timedelta(days=30))
