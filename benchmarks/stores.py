"""The measured files, which are made once and kept in the user's cache directory."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kept import Kept
from benchmarks.mix import NEWEST, RECIPE, TASK_COLUMNS, Mix, TaskRow, counts_json
from uniqc_store import DB_FILENAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

AS_UNIQC_MAKES_IT = Path(__file__).parents[1] / "tests" / "data" / "stores" / "5-0.1.0.sqlite"
"""A file of schema version 5, the one of uniqc 0.0.12 to 0.1.1, made by uniqc's own store."""

BYTES_PER_TASK = 4500
"""The space on disk, rounded up. Results are stored with the task and with its shard."""
LARGE_QUBITS = 20
_BATCH = 5000
_SHARD_COLUMNS = (
    "uniqc_task_id",
    "shard_index",
    "platform_task_id",
    "backend",
    "status",
    "result_json",
    "error_message",
    "submit_time",
    "update_time",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores below one directory, each a cache directory as uniqc has it.

    Attributes:
        root: The directory. Stores of another recipe in it are removed.
        progress: Called with the name of a store, the number of tasks made, and their total.
    """

    root: Path
    progress: Callable[[str, int, int], None]

    def of(self, mix: Mix) -> Path:
        """Return the directory whose ``tasks.sqlite`` holds the mix."""
        name = _name_of(mix)
        return self._kept.made(name, lambda path: self._build(path, name, mix))

    def with_large_result(self, outcomes: int) -> Path:
        """Return a store of one task of 20 qubits, with this number of outcomes."""
        return self._kept.made(f"large-{outcomes}", lambda path: build(path, [_large(outcomes)]))

    def with_active(self, active: int) -> Path:
        """Return a store of a thousand tasks, of which this number is active."""
        return self._kept.made(f"active-{active}", lambda path: build(path, _with_active(active)))

    def with_long_texts(self) -> Path:
        """Return a store of tasks with very long texts, each on a backend of its own."""
        return self._kept.made("long-texts", lambda path: build(path, _with_long_texts()))

    def bytes_missing(self, mixes: Sequence[Mix], *, copies: int) -> int:
        """Return the space on disk that stores need which are not there.

        Args:
            mixes: The stores.
            copies: The number of additional copies of the largest.
        """
        missing = sum(mix.size for mix in mixes if not self._kept.has(_name_of(mix)))
        largest = max((mix.size for mix in mixes), default=0)
        return (missing + copies * largest) * BYTES_PER_TASK

    @property
    def _kept(self) -> Kept:
        return Kept(root=self.root / "stores", recipe=str(RECIPE))

    def _build(self, directory: Path, name: str, mix: Mix) -> None:
        build(
            directory,
            mix.tasks(),
            # Lists never read a shard: leaving results out of them saves half of the disk space.
            results_in_shards=mix.kind == "recent",
            progress=lambda done: self.progress(name, done, mix.size),
        )


def _name_of(mix: Mix) -> str:
    return f"{mix.kind}-{mix.size}"


def build(
    directory: Path,
    tasks: Iterable[tuple[TaskRow, str]],
    *,
    results_in_shards: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a file as uniqc 0.1.1 does: one shard for each task, and the result in both."""
    with closing(sqlite3.connect(directory / DB_FILENAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        tables, indices = _schema(connection)
        for statement in tables:
            connection.execute(statement)
        connection.execute("BEGIN")
        _insert(connection, iter(tasks), results_in_shards=results_in_shards, progress=progress)
        for statement in indices:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _schema(connection: sqlite3.Connection) -> tuple[list[str], list[str]]:
    """Set the header of the file, and return the statements for tables and for indices."""
    source = f"file:{AS_UNIQC_MAKES_IT}?mode=ro&immutable=1"
    with closing(sqlite3.connect(source, uri=True)) as theirs:
        for name in ("application_id", "user_version"):
            (value,) = theirs.execute(f"PRAGMA {name}").fetchone()
            connection.execute(f"PRAGMA {name} = {value}")
        statements = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type = ?"
        tables, indices = (
            [sql for (sql,) in theirs.execute(statements, (kind,))] for kind in ("table", "index")
        )
    return tables, indices


def _insert(
    connection: sqlite3.Connection,
    tasks: Iterable[tuple[TaskRow, str]],
    *,
    results_in_shards: bool,
    progress: Callable[[int], None],
) -> None:
    into_tasks, into_shards = (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        for table, columns in (("tasks", TASK_COLUMNS), ("task_shards", _SHARD_COLUMNS))
    )
    remaining, done = iter(tasks), 0
    while batch := list(islice(remaining, _BATCH)):
        connection.executemany(into_tasks, (task for task, _ in batch))
        connection.executemany(
            into_shards,
            (
                _shard(task, platform_id, with_result=results_in_shards)
                for task, platform_id in batch
            ),
        )
        done += len(batch)
        progress(done)


def _shard(task: TaskRow, platform_id: str, *, with_result: bool) -> tuple[object, ...]:
    task_id, backend, status, _, submitted, updated, result, _, error = task
    result = result if with_result else None
    return (task_id, 0, platform_id, backend, status, result, error, submitted, updated)


def _task(number: int, status: str, result: str | None, name: str) -> tuple[TaskRow, str]:
    time = NEWEST.replace(minute=number // 60 % 60, second=number % 60, microsecond=1).isoformat()
    metadata = json.dumps({"task_name": name})
    task_id = f"uqt_{random.Random(number).getrandbits(128):032x}"
    row = (task_id, "originq:WK_C180", status, 100_000, time, time, result, metadata, None)
    return row, f"{number:016X}"


def _large(outcomes: int) -> tuple[TaskRow, str]:
    dice = random.Random(outcomes)
    return _task(0, "success", counts_json(outcomes, LARGE_QUBITS, dice), "random circuit")


def _with_active(active: int) -> Iterable[tuple[TaskRow, str]]:
    for number in range(1000):
        status = "running" if number >= 1000 - active else "success"
        yield _task(number, status, None, f"vqe step {number}")


def _with_long_texts() -> Iterable[tuple[TaskRow, str]]:
    dice = random.Random(0)
    batch = f"[{', '.join(counts_json(100, LARGE_QUBITS, dice) for _ in range(100))}]"
    for number in range(300):
        status = ("success", "failed", "running")[number % 3]
        time = NEWEST.replace(second=number % 60, microsecond=number + 1).isoformat()
        words = f"{number} " + "ünïcode 量子 🎲 " * 400
        metadata = {
            "task_name": words,
            **{f"key {key} {words[:200]}": words[:1000] for key in range(40)},
        }
        yield (
            (
                f"uqt {words}",
                f"platform{number}:{words}",
                f"{status} {words}" if status == "running" else status,
                1000,
                time,
                time,
                batch if status == "success" else None,
                json.dumps(metadata, ensure_ascii=False),
                words if status == "failed" else None,
            ),
            f"platform {words}",
        )
