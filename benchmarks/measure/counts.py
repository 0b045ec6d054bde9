"""Counts by status and backend, in one process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure.uniqc_store import UNIQC, load
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_store import DB_FILENAME, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.setting import Setting
    from uniqc_store import Column

GROUP = "counts"
SQL = "plain SQL"
_SECONDS = 6
BOTH, STATUS = "by status and backend", "by status"
COLUMNS: dict[str, Sequence[Column]] = {BOTH: ("status", "backend"), STATUS: ("status",)}
FIRST, AGAIN, CHANGED = "a store just opened", "again, unchanged", "again, after a commit"


def measure(setting: Setting) -> list[Measurement]:
    """Measure counts at every size.

    Counts after a commit come last: a file that was just written is not cached yet.
    """
    found: list[Measurement] = []
    for ask, words in ((ask, words) for ask in (_of_unchanged, _of_changed) for words in COLUMNS):
        setting.tell(f"counts {words}")
        contenders = [
            contender
            for size, cache_dir in setting.caches().items()
            for contender in ask(setting, words, size, cache_dir)
        ]
        found += interleaved(
            GROUP,
            contenders,
            repeats=setting.repeats,
            # Enough for several GROUP BY queries on the largest store.
            seconds_each=setting.seconds_each * _SECONDS,
        )
    return found


def _of_unchanged(setting: Setting, words: str, size: int, cache_dir: Path) -> Iterator[Contender]:
    columns = COLUMNS[words]
    kept = TaskStore(cache_dir, read_only=True)
    count = partial(kept.tally, TaskFilter(), by=columns)
    grouped = partial(group_by, cache_dir, columns)

    def count_uncached() -> object:
        return TaskStore(cache_dir, read_only=True).tally(TaskFilter(), by=columns)

    one = partial(Contender, size=size)
    yield one(what=f"{words}: {FIRST}", who=OURS, call=count_uncached)
    yield one(what=f"{words}: {FIRST}", who=SQL, call=grouped)
    yield one(what=f"{words}: {AGAIN}", who=OURS, call=count, prepare=count)
    yield one(what=f"{words}: {AGAIN}", who=SQL, call=grouped)
    if words == STATUS:
        store = load(setting.environments.uniqc_store(), cache_dir)
        statuses = ("pending", "running", "success", "failed", "cancelled")

        def count_each() -> object:
            return [store.count(status=status) for status in statuses]

        yield one(what=f"{words}: {FIRST}", who=UNIQC, call=count_each)


def _of_changed(_: Setting, words: str, size: int, cache_dir: Path) -> Iterator[Contender]:
    columns = COLUMNS[words]
    count = partial(TaskStore(cache_dir, read_only=True).tally, TaskFilter(), by=columns)
    commit = partial(commit_something, cache_dir)
    grouped = partial(group_by, cache_dir, columns)
    one = partial(Contender, size=size)
    yield one(what=f"{words}: {CHANGED}", who=OURS, call=count, prepare=commit)
    yield one(what=f"{words}: {CHANGED}", who=SQL, call=grouped, prepare=commit)


def group_by(cache_dir: Path, columns: Sequence[Column]) -> list[tuple[object, ...]]:
    """Return the counts by plain SQL."""
    names = ", ".join(columns)
    # Without immutable it would leave a new -wal file, which makes the others read more slowly.
    address = f"file:{cache_dir / DB_FILENAME}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        statement = f"SELECT {names}, COUNT(*) FROM tasks GROUP BY {names}"
        return connection.execute(statement).fetchall()


def commit_something(cache_dir: Path) -> None:
    """Commit as another program: change the shots of one task, there and back.

    SQLite does not write a row that stays the same.
    """
    with closing(sqlite3.connect(cache_dir / DB_FILENAME)) as connection, connection:
        newest = "SELECT max(rowid) FROM tasks"
        connection.execute(f"UPDATE tasks SET shots = 2001 - shots WHERE rowid = ({newest})")
