"""Messages that arrive after others that were made later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.contract.records import StoredTask
from tests.lab.database.test_ingest import is_consistent, kept
from tests.lab.messages import push_of

from uniqc_mcp.lab.database import values
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.errors import LabOutOfStepError

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.exchange import Push

TASK = StoredTask(task_id="uqt_a", status="running")
STATUSES = "SELECT task_id, status FROM task ORDER BY task_id"


def at(revision: int, *tasks: StoredTask) -> Push:
    return push_of(enumerate(tasks)).model_copy(update={"revision": revision})


def test_a_message_of_an_older_revision_changes_nothing(database: Database) -> None:
    ingest = Ingest(database)
    assert ingest.push("alice", at(0, TASK)).revision == 1
    assert ingest.push("alice", at(1, replace(TASK, status="success"))).revision == 2
    for late in (0, 1, 7):
        with pytest.raises(LabOutOfStepError, match="Compare again"):
            ingest.push("alice", at(late, TASK))
    assert kept(database, STATUSES) == [("uqt_a", "success")]
    assert is_consistent(database)


def test_a_message_that_is_written_in_parts_is_taken_whole(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "MAX_KEY_BYTES", {"task_id": 512})
    # Too long for an index, which the database finds out.
    backend = "".join(map(chr, range(0x4E00, 0x5E00)))
    tasks = [replace(TASK, task_id=f"uqt_{number}") for number in range(5)]
    tasks[2] = replace(tasks[2], backend=backend)
    answer = Ingest(database).push("alice", at(0, *tasks))
    assert [key.task_id for key, _ in answer.refused] == ["uqt_2"]
    assert len(kept(database, STATUSES)) == 4
