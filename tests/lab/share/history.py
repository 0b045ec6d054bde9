"""What uniqc and its user do to a file, and what becomes of a server, as moves of a history."""

from __future__ import annotations

import copy
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.share.fake_server import FakeServer
from tests.lab.share.sharing import content_of, kept_content, share

from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from tests.lab.share.fake_server import KeptStore

SCHEMA_5 = Path(__file__).parents[2] / "data" / "stores" / "5-0.1.0.sqlite"
STATUSES = ("pending", "running", "success", "failed", "QUEUED")
LATER = "2026-09-01T00:00:00+00:00"


def schema_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as file:
        return [sql for (sql,) in file.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")]


@dataclass
class History:
    """A cache directory, a server that it is shared with, and what may happen to both."""

    directory: Path
    server: FakeServer = field(default_factory=lambda: FakeServer(max_differing=1))
    backup: dict[str, KeptStore] | None = None
    made: int = 0

    def sql(self, statement: str, *values: object) -> None:
        if self.path.exists():
            with closing(sqlite3.connect(self.path)) as file, file:
                file.execute("PRAGMA foreign_keys = ON")
                file.execute(statement, values)

    @property
    def path(self) -> Path:
        return self.directory / "tasks.sqlite"

    def nth(self, number: int, table: str = "tasks") -> str | None:
        """Return the id of some task."""
        if not self.path.exists():
            return None
        with closing(sqlite3.connect(self.path)) as file:
            ids = [row[0] for row in file.execute(f"SELECT task_id FROM {table} ORDER BY task_id")]
        return ids[number % len(ids)] if ids else None

    @property
    def version(self) -> int:
        if not self.path.exists():
            return 0
        with closing(sqlite3.connect(self.path)) as file:
            return int(file.execute("PRAGMA user_version").fetchone()[0])

    # What uniqc, or its user, does

    def insert(self, number: int) -> None:
        self.made += 1
        task_id = f"{number:03d}-{self.made}" if number % 3 else f"\u00e9{self.made}"
        TaskStore(self.directory).save(
            TaskInfo(
                task_id=task_id,
                backend=f"dummy:{number % 4}",
                status=STATUSES[number % len(STATUSES)],
                metadata={"task_name": f"run {number}"},
                result={"00": number} if number % 2 else None,
            )
        )
        if self.version == 5:
            self.sql(
                "INSERT INTO task_shards VALUES"
                " (?, 0, ?, 'dummy', 1, 0, 'running', NULL, NULL, ?, ?)",
                *(task_id, f"p{self.made}", LATER, LATER),
            )

    def update(self, number: int) -> None:
        status = STATUSES[number % len(STATUSES)]
        self.sql(
            "UPDATE tasks SET status = ?, result_json = ? WHERE task_id = ?",
            *(status, json.dumps({"1": number}), self.nth(number)),
        )

    def touch(self, number: int) -> None:
        self.sql(
            "UPDATE tasks SET update_time = ? WHERE task_id = ?",
            *(f"2026-10-01T00:00:00.{number:06d}+00:00", self.nth(number)),
        )

    def change_job(self, number: int) -> None:
        if self.version == 5:
            self.sql(
                "UPDATE task_shards SET status = ? WHERE uniqc_task_id = ?",
                *(STATUSES[number % len(STATUSES)], self.nth(number)),
            )

    def delete(self, number: int) -> None:
        self.sql("DELETE FROM tasks WHERE task_id = ?", self.nth(number))

    def archive(self, number: int) -> None:
        if self.version == 5 and (task_id := self.nth(number)) is not None:
            columns = (
                "task_id, backend, status, shots, submit_time, update_time, result_json,"
                " metadata_json, error_message"
            )
            self.sql(
                f"INSERT OR REPLACE INTO archived_tasks ({columns}, archived_at)"
                f" SELECT {columns}, ? FROM tasks WHERE task_id = ?",
                *(LATER, task_id),
            )
            self.sql(
                "INSERT OR REPLACE INTO archived_task_shards SELECT *, ? FROM task_shards"
                " WHERE uniqc_task_id = ?",
                *(LATER, task_id),
            )
            if number % 4:  # else the id is live and archived at once, as after a resubmission
                self.delete(number)

    def clear_all(self, number: int) -> None:
        if number % 5 == 0:
            TaskStore(self.directory).clear_all()

    def vacuum(self, number: int) -> None:
        if self.path.exists() and number % 2:
            with closing(sqlite3.connect(self.path, isolation_level=None)) as file:
                file.execute("VACUUM")

    def upgrade(self, _: int) -> None:
        """Upgrade from schema 1 to 5 as uniqc does: other ids, and a job for each task."""
        if self.version != 1:
            return
        with closing(sqlite3.connect(self.path)) as file, file:
            file.execute("ALTER TABLE tasks ADD COLUMN error_message TEXT")
            for statement in schema_of(SCHEMA_5):
                if "TABLE tasks" not in statement and "ON tasks" not in statement:
                    file.execute(statement)
            rows = file.execute("SELECT task_id, metadata_json FROM tasks").fetchall()
            for task_id, metadata in rows:
                new = f"uqt_{blake2b(task_id.encode(), digest_size=16).hexdigest()}"
                kept = {**json.loads(metadata), "legacy_platform_id": task_id}
                file.execute(
                    "UPDATE tasks SET task_id = ?, metadata_json = ? WHERE task_id = ?",
                    (new, json.dumps(kept), task_id),
                )
                file.execute(
                    "INSERT INTO task_shards SELECT task_id, 0, ?, backend, 1, 0, status,"
                    " result_json, NULL, submit_time, update_time FROM tasks WHERE task_id = ?",
                    (task_id, new),
                )
            file.execute("PRAGMA user_version = 5")

    # What becomes of the server

    def back_up(self, _: int) -> None:
        with self.server.answered:
            self.backup = copy.deepcopy(self.server.stores)

    def restore(self, _: int) -> None:
        with self.server.answered:
            if self.backup is not None:
                self.server.stores = copy.deepcopy(self.backup)

    def lose_some(self, number: int) -> None:
        with self.server.answered:
            for store in self.server.stores.values():
                for key in list(store.tasks)[number % 3 :: 3]:
                    del store.tasks[key]

    def share(self, _: int) -> None:
        assert share(self.directory, self.server).complete
        kept = [store.tasks for store in self.server.stores.values()]
        assert len(kept) == 1
        assert kept_content(self.server.store) == content_of(self.directory)
