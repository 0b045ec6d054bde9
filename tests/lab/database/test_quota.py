"""The number of stores of one member."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.records import StoredTask
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.errors import LabRefusedError

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database

TASK = StoredTask(task_id="uqt_a")


def share(ingest: Ingest, number: int, owner: str = "alice") -> None:
    store_id = f"{number:032x}"
    ingest.compare(owner, compare_of([TASK], store_id=store_id))
    ingest.push(owner, push_of([(0, TASK)], store_id=store_id))


def number_of_stores(database: Database) -> int:
    viewer = Viewer(owners=frozenset({"alice", "bob"}))
    ((number,),) = database.read(
        viewer, lambda now: now.execute("SELECT count(*) FROM store").fetchall()
    )
    return int(number)


def test_one_store_too_many_is_refused_and_all_others_go_on(database: Database) -> None:
    ingest = Ingest(database, max_stores=2)
    share(ingest, 1)
    share(ingest, 2)
    with pytest.raises(LabRefusedError, match=r"alice shares 2 stores.*--max-stores"):
        share(ingest, 3)
    with pytest.raises(LabRefusedError, match="--max-stores"):
        ingest.push("alice", push_of([(0, TASK)], store_id=f"{4:032x}"))
    assert number_of_stores(database) == 2
    share(ingest, 1, owner="bob")
    # A store that is in use goes on, and so does everything once the operator allows more.
    share(Ingest(database, max_stores=1), 2)
    share(Ingest(database, max_stores=3), 3)
    assert number_of_stores(database) == 4
