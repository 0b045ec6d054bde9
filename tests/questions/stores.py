"""The stores that questions are asked of: two that uniqc wrote, and four of thousands of tasks."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from tests.server.conftest import STORES, TABLES

from uniqc_store import APPLICATION_ID, DB_FILENAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW: Final = datetime(2026, 11, 3, 18, tzinfo=UTC)
SIZE: Final = 5_000
CURRENT: Final = 5
"""The schema with errors, jobs and an archive."""

Stamp = Literal["utc", "mixed"]

_BACKENDS: Final = (
    "originq:WK_C180",
    "originq:full_amplitude",
    "quark:Baihua",
    "ibm:ibm_fez",
    "tianyan:tianyan176",
    "dummy:local:simulator",
    "quafu",
)
_STATUSES: Final = {"success": 70, "failed": 18, "cancelled": 4, "running": 5, "pending": 3}
_NAMES: Final = ("vqe H2 step {}", "QAOA ring {}", "基态能量 {}", "GHZ", "")
_ERRORS: Final = (
    "submission failed: RuntimeError('HTTP 401 Unauthorized: job {} refused')",
    "shard 0: failed",
    "TimeoutError: no answer after {} s",
    "",
)
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_INSERT: Final = """
    INSERT INTO {table}
        (task_id, backend, status, shots, submit_time, update_time, metadata_json{more})
    VALUES (:task_id, :backend, :status, :shots, :submit_time, :update_time, :metadata_json{values})
"""
_JOB: Final = """
    INSERT INTO task_shards VALUES (:task_id, :index, :platform_id, :backend, :circuits, :offset,
        :status, NULL, NULL, :submit_time, :update_time)"""


@dataclass(frozen=True, slots=True)
class Store:
    """One store, and the time zone of the machine that asks.

    Attributes:
        name: Its name in the ids of tests.
        zone: The time zone.
        real: The file of ``tests/data/stores``; empty for a generated one.
        version: The schema of a generated file.
        stamp: The form of the times: in UTC, or some with the offset of Shanghai or with none.
        minutes: Minutes between two tasks.
    """

    name: str
    zone: str
    real: str = ""
    version: Literal[1, 5] = 5
    stamp: Stamp = "utc"
    minutes: int = 13

    def make(self, directory: Path) -> None:
        """Write the store's file to a directory."""
        directory.mkdir(parents=True)
        path = directory / DB_FILENAME
        if self.real:
            shutil.copyfile(STORES / self.real, path)
            return
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(TABLES[self.version])
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {self.version}")
            self._fill(connection)

    def _fill(self, connection: sqlite3.Connection) -> None:
        latest = self.version >= 5
        for task in self._tasks():
            more, values = ("", "")
            if latest:
                more, values = ", error_message", ", :error_message"
            table = "tasks"
            if latest and task["archived"]:
                table = "archived_tasks"
                more, values = f"{more}, archived_at", f"{values}, :update_time"
            connection.execute(_INSERT.format(table=table, more=more, values=values), task)
            if latest and not task["archived"]:
                connection.executemany(_JOB, _jobs(task))

    def _tasks(self) -> Iterator[dict[str, object]]:
        rng = random.Random(self.name)
        for number in range(SIZE):
            # One second more each, so that no two times are equal.
            submitted = NOW - timedelta(minutes=self.minutes * number + 7, seconds=number % 53)
            (status,) = rng.choices(list(_STATUSES), list(_STATUSES.values()))
            took = timedelta(seconds=rng.randrange(2, 40_000))
            error = rng.choice(_ERRORS) if status == "failed" else ""
            name = rng.choice(_NAMES).format(number)
            zone = rng.choice((UTC, _SHANGHAI, None)) if self.stamp == "mixed" else UTC
            yield {
                "task_id": f"uqt_{number:032x}",
                "backend": rng.choice(_BACKENDS),
                "status": status,
                "shots": rng.choice((100, 1000, 4096)),
                "submit_time": self._text(submitted, zone),
                "update_time": self._text(min(submitted + took, NOW), zone),
                "metadata_json": json.dumps({"task_name": name} if name else {}),
                "error_message": error.format(rng.randrange(10**6)) or None,
                "archived": number % 9 == 4 and status not in {"running", "pending"},
                "circuits": rng.choice((1, 1, 1, 5, 24)),
            }

    def _text(self, moment: datetime, zone: ZoneInfo | object) -> str:
        """Return a time as uniqc writes it; without a zone it is the machine's time."""
        if zone is None:
            return moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None).isoformat()
        assert isinstance(zone, (ZoneInfo, type(UTC)))
        return moment.astimezone(zone).isoformat()


def _jobs(task: dict[str, object]) -> Iterator[dict[str, object]]:
    """Yield the platform jobs of a task, of at most ten circuits each."""
    circuits = task["circuits"]
    assert isinstance(circuits, int)
    for index, offset in enumerate(range(0, circuits, 10)):
        count = min(10, circuits - offset)
        job = {"index": index, "platform_id": f"P{task['task_id']}-{index}", "offset": offset}
        yield {**task, **job, "circuits": count}


FILES: Final = (
    Store("uniqc-0.1.0", "Asia/Shanghai", real="5-0.1.0.sqlite"),
    Store("migrated-from-0.0.4", "UTC", real="5-0.1.1-migrated-from-0.0.4.sqlite"),
    Store("busy", "UTC"),
    Store("two-zones", "Asia/Shanghai", stamp="mixed"),
    Store("end-of-dst", "America/New_York", minutes=2),
    Store("of-schema-1", "Europe/Berlin", version=1),
)
"""New York puts its clocks back on 2026-11-01, Berlin on 2026-10-25."""
