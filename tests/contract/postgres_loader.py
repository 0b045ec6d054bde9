"""The loader of the shared store: an owner of its own in one database, filled as a machine does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.lab.messages import compare_of, push_of
from tests.lab.postgres import server, service_role, template

from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.exchange import Key
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.lab.store.watch import LabWatch
from uniqc_mcp.safety.redaction import safe_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.contract.records import StoredTask

    from uniqc_mcp.questions.store import ReadableStore, StoreWatch


@cache
def shared_database() -> Database:
    """Return the database of all contract tests of this process, among whose owners each is one."""
    name = server().create(template=template())
    database = Database(server().address(name, role=service_role()), max_connections=4)
    return database.__enter__()


class PostgresLoader:
    """The store of an owner, in a database with those of others."""

    def __init__(self, directory: Path) -> None:

        self._owner = f"owner-{uuid4().hex[:12]}"
        self._database = shared_database()
        self._ingest = Ingest(self._database)
        self._places: dict[str, int] = {}

    @property
    def viewer(self) -> Viewer:
        return Viewer(owners=frozenset({self._owner}))

    def taken(self, task: StoredTask) -> StoredTask:
        """Return the task without credentials, which a machine does not send."""
        if task.error is None:
            return task
        return replace(task, error=safe_text(task.error, limit=None, clean=False).text)

    def load(self, tasks: Sequence[StoredTask]) -> ReadableStore:
        self._ingest.compare(self._owner, compare_of([]))
        answer = self._ingest.push(self._owner, push_of(enumerate(tasks)))
        assert not answer.refused
        assert self._ingest.compare(self._owner, compare_of(tasks)).same
        self._places = {task.task_id: place for place, task in enumerate(tasks)}
        return LabStore(self._database, viewer=self.viewer)

    def watch(self) -> StoreWatch:
        return LabWatch(self._database, self.viewer)

    def save(self, task: StoredTask) -> None:
        place = self._places.setdefault(task.task_id, len(self._places))
        self._ingest.push(self._owner, push_of([(place, task)]))

    def remove(self, task_id: str) -> None:
        self._ingest.push(self._owner, push_of([], [Key(task_id=task_id)]))
