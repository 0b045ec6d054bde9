"""Reads that never block, and the error where a read would block."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import (
    backdate,
    connect,
    copy_with_hot_journal,
    fill,
    insert,
    insert_all,
    make_store,
)

from uniqc_store import Group, Snapshot, TaskFilter, TaskStore, WouldBlockError
from uniqc_store.query import lookup, planner

if TYPE_CHECKING:
    from pathlib import Path


def result_text(snapshot: Snapshot) -> str:
    (match,) = snapshot.find("large").found
    return snapshot.result_text(match)


@pytest.fixture
def store(tmp_path: Path) -> TaskStore:
    directory = fill(make_store(tmp_path / "cache"), "a", "b", "c")
    return TaskStore(backdate(directory), read_only=True)


def test_a_short_query_is_answered_without_blocking(store: TaskStore) -> None:
    page = store.nonblocking().search(TaskFilter(status="active"), limit=2)
    assert ([record.task_id for record in page.records], page.total) == (["c", "b"], 3)


def test_a_nonblocking_view_is_read_only(tmp_path: Path) -> None:
    writing = TaskStore(tmp_path / "cache")
    nonblocking = writing.nonblocking()
    assert (writing.read_only, nonblocking.read_only) == (False, True)
    assert nonblocking.db_path == writing.db_path


def test_a_long_query_would_block(store: TaskStore) -> None:
    insert_all(
        store.cache_dir,
        (
            {"task_id": number, "metadata_json": '{"task_name": "vqe"}'}
            for number in range(planner.FEW_TASKS + 1)
        ),
    )
    named = TaskFilter(name_contains="absent")
    with pytest.raises(WouldBlockError, match="on a thread that can wait"):
        store.nonblocking().search(named, limit=5)
    page = store.search(named, limit=5)
    assert (page.total, page.exact, page.cut_short) == (0, True, False)


def test_a_cached_count_is_returned_without_blocking(store: TaskStore) -> None:
    insert_all(
        store.cache_dir,
        (
            {"task_id": number, "status": ("failed", "success")[number % 2]}
            for number in range(20_000)
        ),
    )
    backdate(store.cache_dir)
    nonblocking = store.nonblocking()
    with pytest.raises(WouldBlockError):
        nonblocking.tally(TaskFilter())
    counted = (
        Group(status="failed", backend="originq:WK_C180", count=10_000),
        Group(status="success", backend="originq:WK_C180", count=10_000),
        Group(status="running", backend="originq:WK_C180", count=3),
    )
    assert store.tally(TaskFilter()) == counted
    assert nonblocking.tally(TaskFilter()) == counted


def test_reading_a_large_result_would_block(store: TaskStore) -> None:
    large = json.dumps({"0" * lookup.MAX_NONBLOCKING_BYTES: 1})
    insert(store.cache_dir, "large", result_json=large)
    with pytest.raises(WouldBlockError):
        store.nonblocking().read(result_text)
    assert store.read(result_text) == large


def test_waiting_for_a_lock_would_block(store: TaskStore) -> None:
    with closing(connect(store.cache_dir)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("DELETE FROM tasks")
        with pytest.raises(WouldBlockError):
            store.nonblocking().count()


def test_copying_the_file_would_block(store: TaskStore, tmp_path: Path) -> None:
    """The rollback journal of a killed process can be applied to a copy only."""
    directory = backdate(copy_with_hot_journal(tmp_path))
    killed = TaskStore(directory, read_only=True)
    with pytest.raises(WouldBlockError):
        killed.nonblocking().count()
    assert killed.count() > 0
