"""A search for a name that no task has, in one process, beside one SQL scan of the same column."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_store import DB_FILENAME, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.setting import Setting

GROUP: Final = "searches"
SQL: Final = "one SQL scan of the names"
ABSENT: Final = "a name that no task has"
FIRST, AGAIN = "a store just opened", "again, unchanged"
_NAME: Final = "no such name"
_PAGE: Final = 50
_SECONDS: Final = 10


def measure(setting: Setting) -> list[Measurement]:
    """Measure the search at every size, by a new store and again."""
    setting.tell(f"searches: {ABSENT}")
    contenders = [
        contender
        for size, cache_dir in setting.caches().items()
        for contender in _contenders(size, cache_dir)
    ]
    return interleaved(
        GROUP,
        contenders,
        repeats=setting.repeats,
        # Enough for several passes over the largest store.
        seconds_each=setting.seconds_each * _SECONDS,
    )


def _contenders(size: int, cache_dir: Path) -> Iterator[Contender]:
    wanted = TaskFilter(name_contains=_NAME)
    kept = TaskStore(cache_dir, read_only=True)
    again = partial(kept.search, wanted, limit=_PAGE)

    def first() -> object:
        return TaskStore(cache_dir, read_only=True).search(wanted, limit=_PAGE)

    one = partial(Contender, size=size)
    yield one(what=f"{ABSENT}: {FIRST}", who=OURS, call=first)
    yield one(what=f"{ABSENT}: {FIRST}", who=SQL, call=partial(_by_sql, cache_dir))
    # A value of the cache beside one that is made: the same question, so that a bar compares them.
    yield one(what=f"{ABSENT}: {AGAIN}", who=OURS, call=again, prepare=again)
    yield one(what=f"{ABSENT}: {AGAIN}", who=FIRST, call=first)


def _by_sql(cache_dir: Path) -> object:
    """Count the tasks whose metadata has the name, in this case of letters only."""
    address = f"file:{cache_dir / DB_FILENAME}?mode=ro"
    statement = "SELECT COUNT(*) FROM tasks WHERE instr(metadata_json, ?)"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        return connection.execute(statement, [_NAME]).fetchone()
