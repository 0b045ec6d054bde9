"""Pages of a search that reads some tasks only, and cursors at another process of the server."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from tests.contract.model import matching
from tests.contract.records import generated
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store import counts, pages
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.lab.store.records import LabTaskRecord
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from tests.lab.fixtures import LabDatabase

    from uniqc_store import Page

ALICE = Viewer(owners=frozenset({"alice"}))
TASKS = generated(random.Random(2), 60)
VQE = TaskFilter(name_contains="vqe")


@pytest.fixture
def store(database: Database) -> LabStore:
    ingest = Ingest(database)
    ingest.compare("alice", compare_of([], machine="desk"))
    ingest.push("alice", push_of(enumerate(TASKS)))
    return LabStore(database, viewer=ALICE)


def walk(store: LabStore, task_filter: TaskFilter, limit: int) -> list[Page]:
    found: list[Page] = []
    while not found or found[-1].next_cursor:
        cursor = found[-1].next_cursor if found else ""
        found.append(
            store.read(lambda now: now.search(task_filter, limit=limit, cursor=cursor))  # noqa: B023
        )
    return found


@pytest.mark.parametrize("searched", [1, 5, 7, 44, 45, 46, 1000])
def test_a_search_reads_some_tasks_for_a_page_and_finds_all_of_them(
    store: LabStore, searched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_SEARCHED", searched)
    found = walk(store, VQE, limit=3)
    ids = [record.task_id for page in found for record in page.records]
    expected = {task.task_id for task in matching(TASKS, VQE)}
    assert len(ids) == len(expected) > 3
    assert set(ids) == expected
    assert any(page.cut_short for page in found) == (searched < 44)
    assert found[-1].exact
    assert found[-1].total == len(ids)


def test_a_total_says_if_there_may_be_more(
    store: LabStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = len(matching(TASKS, TaskFilter()))
    first = walk(store, TaskFilter(), limit=4)[0]
    assert (first.total, first.exact) == (live, True)
    monkeypatch.setattr(counts, "MAX_SUMMED_OWNERS", 0)
    monkeypatch.setattr(counts, "MAX_COUNTED", 10)
    first, *_, last = walk(store, TaskFilter(), limit=4)
    assert (first.total, first.exact) == (11, False)
    assert (last.total, last.exact) == (live, True)


def test_a_cursor_is_good_in_another_process_of_the_server(
    store: LabStore, lab_database: LabDatabase
) -> None:
    first = store.read(lambda now: now.search(TaskFilter(), limit=5))
    with Database(lab_database.address, max_connections=1) as other:
        there = LabStore(other, viewer=ALICE)
        second = there.read(lambda now: now.search(TaskFilter(), limit=5, cursor=first.next_cursor))
    whole = store.read(lambda now: now.search(TaskFilter(), limit=10))
    assert [*first.records, *second.records] == [*whole.records]


def test_a_record_says_whose_it_is_and_where_it_came_from(store: LabStore) -> None:
    for record in store.read(lambda now: now.search(TaskFilter(), limit=5)).records:
        assert isinstance(record, LabTaskRecord)
        assert (record.owner, record.machine) == ("alice", "desk")
        assert record.heard_at.tzinfo is not None
