"""Reads leave a gap in each second while the WAL is large, and none otherwise."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from uniqc_store import TaskInfo, TaskStore, WouldBlockError
from uniqc_store.database import gaps

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Generator[TaskStore]:
    """A store beside whose file a WAL stays, as another program has the file open."""
    writing = TaskStore(tmp_path)
    writing.save(TaskInfo("a", "dummy"))
    with closing(sqlite3.connect(writing.db_path)) as other:
        other.execute("SELECT * FROM tasks").fetchall()
        writing.save(TaskInfo("b", "dummy"))
        yield TaskStore(tmp_path, read_only=True)


def test_no_read_begins_in_a_gap_while_the_wal_is_large(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "LARGE_WAL_BYTES", 1)
    monkeypatch.setattr(gaps, "_GAP", 0.5)
    ends = time.monotonic() + 1.1
    while time.monotonic() < ends:
        # A fresh store, whose first read is not answered from what it remembers.
        fresh = TaskStore(store.cache_dir, read_only=True)
        began = time.time()
        assert fresh.count() == 2
        if began % 1 < 0.45:
            assert time.time() % 1 >= 0.5 or time.time() - began > 0.5
        time.sleep(0.02)


def test_reads_wait_for_nothing_while_the_wal_is_small(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "_GAP", 1.0)
    nonblocking = store.nonblocking()
    assert nonblocking.count() == 2
    monkeypatch.setattr(gaps, "LARGE_WAL_BYTES", 1)
    with pytest.raises(WouldBlockError):
        TaskStore(store.cache_dir, read_only=True).nonblocking().count()
