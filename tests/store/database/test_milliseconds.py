"""The time that queries of a nonblocking view may take, and callbacks given later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import backdate, insert_all, make_store

from uniqc_store import InterruptedReadError, TaskFilter, TaskStore, WouldBlockError

if TYPE_CHECKING:
    from pathlib import Path

ABSENT = TaskFilter(name_contains="absent")


@pytest.fixture
def store(tmp_path: Path) -> TaskStore:
    cache_dir = make_store(tmp_path / "cache")
    named = '{"task_name": "vqe"}'
    insert_all(cache_dir, ({"task_id": n, "metadata_json": named} for n in range(3_000)))
    return TaskStore(backdate(cache_dir), read_only=True)


def test_a_query_that_takes_longer_than_allowed_would_block(store: TaskStore) -> None:
    with pytest.raises(WouldBlockError):
        store.nonblocking(milliseconds=2).search(ABSENT, limit=5)
    assert store.nonblocking(milliseconds=100).search(ABSENT, limit=5).total == 0


def test_the_queries_of_a_view_share_their_time(store: TaskStore) -> None:
    view = store.nonblocking(milliseconds=20)

    def search_again_and_again() -> None:
        for number in range(100):
            view.search(TaskFilter(name_contains=f"absent {number}"), limit=5)

    assert view.search(ABSENT, limit=5).total == 0
    with pytest.raises(WouldBlockError):
        search_again_and_again()


def test_callbacks_given_later_are_called_and_the_cache_is_shared(store: TaskStore) -> None:
    stopping = store.with_callbacks(lambda: True, lambda _, __: None)
    with pytest.raises(InterruptedReadError):
        stopping.search(ABSENT, limit=5)
    assert store.search(ABSENT, limit=5).total == 0
    assert stopping.search(ABSENT, limit=5).total == 0


def test_a_store_with_callbacks_is_read_only(tmp_path: Path) -> None:
    writing = TaskStore(tmp_path / "cache")
    assert writing.with_callbacks(lambda: False, lambda _, __: None).read_only
    assert not writing.read_only
