"""Answers for who can't wait, and a clear sign where there is none at once."""

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


def result_text(taken: Snapshot) -> str:
    (match,) = taken.find("large").found
    return taken.result_text(match)


@pytest.fixture
def store(tmp_path: Path) -> TaskStore:
    directory = fill(make_store(tmp_path / "cache"), "a", "b", "c")
    return TaskStore(backdate(directory), read_only=True)


def test_what_takes_a_moment_is_answered_at_once(store: TaskStore) -> None:
    page = store.nonblocking().search(TaskFilter(status="active"), limit=2)
    assert ([record.task_id for record in page.records], page.total) == (["c", "b"], 3)


def test_it_can_only_be_read(tmp_path: Path) -> None:
    writing = TaskStore(tmp_path / "cache")
    nonblocking = writing.nonblocking()
    assert (writing.read_only, nonblocking.read_only) == (False, True)
    assert nonblocking.db_path == writing.db_path


def test_a_long_query_is_not_answered_at_once(store: TaskStore) -> None:
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
    assert (page.total, page.cut_short) == (0, True)


def test_what_the_store_found_out_is_known_at_once(store: TaskStore) -> None:
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


def test_a_large_result_is_not_read_at_once(store: TaskStore) -> None:
    large = json.dumps({"0" * lookup.MAX_NONBLOCKING_BYTES: 1})
    insert(store.cache_dir, "large", result_json=large)
    with pytest.raises(WouldBlockError):
        store.nonblocking().read(result_text)
    assert store.read(result_text) == large


def test_another_process_in_the_way_is_not_waited_for(store: TaskStore) -> None:
    with closing(connect(store.cache_dir)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("DELETE FROM tasks")
        with pytest.raises(WouldBlockError):
            store.nonblocking().count()


def test_what_only_a_copy_would_tell_is_not_copied_at_once(
    store: TaskStore, tmp_path: Path
) -> None:
    """A rollback journal that a killed process left can be applied to a copy only."""
    directory = backdate(copy_with_hot_journal(tmp_path))
    killed = TaskStore(directory, read_only=True)
    with pytest.raises(WouldBlockError):
        killed.nonblocking().count()
    assert killed.count() > 0
