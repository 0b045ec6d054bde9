"""Summaries of groups of tasks, in one process, beside single SQL statements."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.mix import NEWEST
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import DB_FILENAME, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.setting import Setting
    from uniqc_mcp.tasks.summary import GroupKey

GROUP = "summaries"
SQL = "one SQL statement"
FIRST, AGAIN = "a store just opened", "again, unchanged"
WEEK, BY_LABELS, BY_DAY = (
    "the last week by backend",
    "everything by status and backend",
    "everything by day",
)
AFTER = (NEWEST - timedelta(days=7)).isoformat()
SUBJECTS: dict[str, tuple[Sequence[GroupKey], str]] = {
    WEEK: (("backend",), AFTER),
    BY_LABELS: (("status", "backend"), ""),
    BY_DAY: (("day",), ""),
}
_SECONDS = 10
_EXPRESSIONS = {"day": "date(submit_time, 'localtime')"}


def measure(setting: Setting) -> list[Measurement]:
    """Measure each summary at every size, by a new store and again."""
    found: list[Measurement] = []
    for what in SUBJECTS:
        setting.tell(f"summaries: {what}")
        contenders = [
            contender
            for size, cache_dir in setting.caches().items()
            for contender in _contenders(what, size, cache_dir)
        ]
        found += interleaved(
            GROUP,
            contenders,
            repeats=setting.repeats,
            # Enough for several passes over the largest store.
            seconds_each=setting.seconds_each * _SECONDS,
        )
    return found


def _contenders(what: str, size: int, cache_dir: Path) -> Iterator[Contender]:
    keys, after = SUBJECTS[what]
    kept = ReadTools(TaskStore(cache_dir, read_only=True))
    again = partial(kept.summarize_tasks, group_by=keys, submitted_after=after)

    def first() -> object:
        tools = ReadTools(TaskStore(cache_dir, read_only=True))
        return tools.summarize_tasks(group_by=keys, submitted_after=after)

    one = partial(Contender, size=size)
    yield one(what=f"{what}: {FIRST}", who=OURS, call=first)
    yield one(what=f"{what}: {FIRST}", who=SQL, call=partial(by_sql, cache_dir, keys, after))
    # A value of the cache beside one that is made: the same question, so that a bar compares them.
    yield one(what=f"{what}: {AGAIN}", who=OURS, call=again, prepare=again)
    yield one(what=f"{what}: {AGAIN}", who=FIRST, call=first)


def by_sql(cache_dir: Path, keys: Sequence[GroupKey], after: str) -> list[tuple[object, ...]]:
    """Return the same figures as ``summarize_tasks`` by one statement, its groups unsorted.

    One pass through the time index or the whole table, one sort by group and seconds for the
    percentiles, and a look-up of each task's jobs. Times are Julian days.
    """
    labels = ", ".join(f"{_EXPRESSIONS.get(key, key)} AS {key}" for key in keys)
    group = ", ".join(keys)
    # Left alone, SQLite walks the index of the group: a week of 10^5 tasks takes 459 ms, not 25.
    rows = (
        "INDEXED BY tasks_submit_time_idx WHERE submit_time >= :after" if after else "NOT INDEXED"
    )
    statement = f"""
        WITH each AS (
            SELECT {labels}, status AS state, submit_time,
                shots * ifnull((
                    SELECT sum(max(circuit_count, 1)) FROM task_shards
                    WHERE uniqc_task_id = tasks.task_id
                ), 1) AS shots,
                CASE WHEN status IN ('success', 'failed', 'cancelled') THEN
                    86400 * (julianday(update_time) - julianday(submit_time))
                END AS seconds
            FROM tasks {rows}
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY {group} ORDER BY seconds NULLS LAST) AS place,
                count(seconds) OVER (PARTITION BY {group}) AS finished
            FROM each
        )
        SELECT {group}, count(*), max(finished), sum(state = 'success'), sum(shots),
            max(CASE WHEN place = (finished + 1) / 2 THEN seconds END),
            max(CASE WHEN place = (9 * finished + 9) / 10 THEN seconds END),
            max(seconds), min(submit_time), max(submit_time)
        FROM ranked GROUP BY {group}
    """
    address = f"file:{cache_dir / DB_FILENAME}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        return connection.execute(statement, {"after": after} if after else {}).fetchall()
