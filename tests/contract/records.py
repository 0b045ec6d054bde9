"""Records to load into a store, where they come from, and the loader of each kind of store."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.questions.store import ReadableStore, StoreWatch

STORES = Path(__file__).parents[1] / "data" / "stores"
RELEASED = sorted(path.name for path in STORES.glob("*.sqlite"))
GENERATED = ("generated-1", "generated-2")


@dataclass(frozen=True, kw_only=True)
class StoredJob:
    """A platform job of a task."""

    platform_task_id: str
    backend: str = "originq:WK_C180"
    circuit_count: int = 1
    sub_index_offset: int = 0
    status: str = "running"
    result: str | None = None
    error: str | None = None
    submit_time: str = "2026-08-01T09:00:00+00:00"
    update_time: str = "2026-08-01T09:00:00+00:00"


@dataclass(frozen=True, kw_only=True)
class StoredTask:
    """A task as uniqc stores it, with the jobs of its platform in order."""

    task_id: str
    backend: str = "originq:WK_C180"
    status: str = "running"
    shots: int = 1000
    submit_time: str = "2026-08-01T09:00:00+00:00"
    update_time: str = "2026-08-01T09:00:00+00:00"
    result: str | None = None
    metadata: str = "{}"
    error: str | None = None
    archived_at: str | None = None
    jobs: tuple[StoredJob, ...] = ()

    @property
    def archived(self) -> bool:
        return self.archived_at is not None

    @property
    def name(self) -> str:
        """Its name; empty if the submitter gave none."""
        try:
            name = json.loads(self.metadata).get("task_name")
        except ValueError:
            return ""
        return name if isinstance(name, str) else ""


class Loader(Protocol):
    """A store of one kind, and another program that writes it."""

    def taken(self, task: StoredTask) -> StoredTask:
        """Return a task as a store of this kind takes it in."""
        ...

    def load(self, tasks: Sequence[StoredTask]) -> ReadableStore:
        """Return a store with these tasks, of which a later one was inserted later."""
        ...

    def watch(self) -> StoreWatch:
        """Return a watch on the loaded store."""
        ...

    def save(self, task: StoredTask) -> None:
        """Insert a live task without jobs, or replace the one with its id."""
        ...

    def remove(self, task_id: str) -> None:
        """Remove a live task."""
        ...


def records_of(name: str) -> tuple[StoredTask, ...]:
    """Return the records of a file of `tests/data/stores`, or generated ones."""
    if name in GENERATED:
        return generated(random.Random(name), 120)
    with closing(sqlite3.connect(f"{(STORES / name).as_uri()}?immutable=1", uri=True)) as file:
        file.row_factory = sqlite3.Row
        tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master")}
        return tuple(
            _task(row, _jobs(file, jobs, row["task_id"]) if jobs in tables else ())
            for table, jobs in (
                ("tasks", "task_shards"),
                ("archived_tasks", "archived_task_shards"),
            )
            if table in tables
            for row in file.execute(f"SELECT * FROM {table} ORDER BY rowid")
        )


def _task(row: sqlite3.Row, jobs: tuple[StoredJob, ...]) -> StoredTask:
    return StoredTask(
        **{name: row[name] for name in ("task_id", "backend", "status", "shots")},
        **{name: row[name] for name in ("submit_time", "update_time")},
        result=row["result_json"],
        metadata=row["metadata_json"],
        error=row["error_message"] if "error_message" in row.keys() else None,  # noqa: SIM118
        archived_at=row["archived_at"] if "archived_at" in row.keys() else None,  # noqa: SIM118
        jobs=jobs,
    )


def _jobs(file: sqlite3.Connection, table: str, task_id: str) -> tuple[StoredJob, ...]:
    statement = f"SELECT * FROM {table} WHERE uniqc_task_id = ? ORDER BY shard_index"
    return tuple(
        StoredJob(
            **{name: row[name] for name in ("platform_task_id", "backend", "circuit_count")},
            **{name: row[name] for name in ("sub_index_offset", "status")},
            **{name: row[name] for name in ("submit_time", "update_time")},
            result=row["result_json"],
            error=row["error_message"],
        )
        for row in file.execute(statement, (task_id,))
    )


@dataclass(frozen=True)
class _Choices:
    """The values of generated records: odd ones, but such as any store can keep."""

    statuses: tuple[str, ...] = ("success", "success", "running", "failed", "cancelled", "QUEUED")
    backends: tuple[str, ...] = ("originq:WK_C180", "ORIGINQ:wk", "dummy", "ibm:a:b", "é_%", "")
    names: tuple[str, ...] = ("", "VQE 100%", "vqe_1", "Straße", 'a "b" \\', "量子", "o'x; --")
    errors: tuple[str | None, ...] = (None, "", "HTTP 401 100%", "timeout_1", "ÉCHEC")
    results: tuple[str | None, ...] = (None, "{}", '{"0": 1}', "[NaN, null]", "{not JSON", "")
    times: tuple[str, ...] = field(
        default=(
            "2026-08-01T09:00:00+00:00",
            "2026-08-01T17:00:00.5+08:00",
            "2026-08-01 10:00:00",
            "2026-08-02T00:00:00Z",
            "soon",
            "",
        )
    )


def generated(chosen: random.Random, number: int) -> tuple[StoredTask, ...]:
    """Return odd records, such as any store can keep; a quarter is archived."""
    values = _Choices()
    tasks = [_one(chosen, values, f"{place:03}") for place in range(number)]
    archived = [replace(task, archived_at=values.times[0]) for task in tasks[: number // 4]]
    # Half of the archived ones have the id of a live task.
    twins = [replace(task, status="success") for task in tasks[: number // 8]]
    return (*twins, *tasks[number // 4 :], *archived)


def _one(chosen: random.Random, values: _Choices, place: str) -> StoredTask:
    prefix = chosen.choice(("uqt_", "uqt_00", "abcdef", "AB%_'", ""))
    metadata: dict[str, object] = {"task_name": chosen.choice(values.names)}
    if place.endswith("3"):
        metadata["legacy_platform_id"] = f"legacy-{chosen.randrange(20)}"
    jobs = [
        # Few of them, so that tasks share some.
        StoredJob(
            platform_task_id=f"job-{chosen.randrange(30):04}",
            result=chosen.choice(values.results),
            status=chosen.choice(values.statuses),
        )
        for _ in range(chosen.choice((0, 0, 1, 1, 2)))
    ]
    return StoredTask(
        task_id=f"{prefix}{chosen.getrandbits(40):010x}{place}",
        backend=chosen.choice(values.backends),
        status=chosen.choice(values.statuses),
        shots=chosen.choice((0, 1, 1000)),
        submit_time=chosen.choice((*values.times, f"2026-08-01T09:{chosen.randrange(60):02}:00Z")),
        update_time=chosen.choice(values.times),
        result=chosen.choice(values.results),
        metadata=json.dumps(metadata, ensure_ascii=False),
        error=chosen.choice(values.errors),
        jobs=tuple(jobs),
    )
