"""A page that merges the tasks of each owner, or reads them all, has what one by time has."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.contract.records import generated
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store import counts, pages, scope
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from uniqc_mcp.lab.database.pool import Database
    from uniqc_store import Order, Page

STORES = {"alice": "1" * 32, "bob": "2" * 32, "carol": "3" * 32, "dave": "4" * 32}
SEEN = Viewer(owners=frozenset({"alice", "bob", "carol"}), hidden_stores=frozenset({"3" * 32}))
ORDERS: tuple[Order, ...] = ("newest", "oldest", "updated")
FILTERS = {
    "none": TaskFilter(),
    "status": TaskFilter(status="success"),
    "time": TaskFilter(submitted_after=datetime(2020, 1, 1, tzinfo=UTC)),
    "backend": TaskFilter(backend="originq"),
    "name": TaskFilter(name_contains="vqe"),
    "name and status": TaskFilter(name_contains="e", status="success"),
    "error": TaskFilter(error_contains="401"),
    "name of a backend": TaskFilter(name_contains="e", backend="originq"),
}


@pytest.fixture
def store(database: Database) -> LabStore:
    ingest = Ingest(database)
    for seed, (owner, store_id) in enumerate(STORES.items()):
        tasks = generated(random.Random(seed), 30)
        ingest.compare(owner, compare_of([], store_id=store_id))
        ingest.push(owner, push_of(enumerate(tasks), store_id=store_id))
    return LabStore(database, viewer=SEEN)


def walk(store: LabStore, task_filter: TaskFilter, order: Order) -> list[Page]:
    found: list[Page] = []
    while not found or found[-1].next_cursor:
        cursor = found[-1].next_cursor if found else ""
        found.append(
            store.read(
                lambda now: now.search(task_filter, limit=3, cursor=cursor, order=order)  # noqa: B023
            )
        )
    return found


@pytest.mark.parametrize("task_filter", FILTERS.values(), ids=FILTERS.keys())
@pytest.mark.parametrize("counted", [5, 1000])
def test_merged_owners_have_the_pages_and_totals_of_one_list_by_time(
    store: LabStore, task_filter: TaskFilter, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_SEARCHED", 7)
    monkeypatch.setattr(counts, "MAX_SUMMED_OWNERS", 0)
    monkeypatch.setattr(counts, "MAX_COUNTED", counted)
    for order in ORDERS:
        with monkeypatch.context() as patch:
            patch.setattr(scope, "FEW_OWNERS", 0)
            patch.setattr(counts, "FEW_OWNERS", 0)
            all_read = walk(store, task_filter, order)
            patch.setattr(counts, "FEW_TASKS", -1)
            by_time = walk(store, task_filter, order)
        assert walk(store, task_filter, order) == all_read == by_time
        assert len(by_time) > 1
        assert {record.owner for page in by_time for record in page.records} == {"alice", "bob"}
