"""Lists and counts of a file that is too large to be checked whole, with a damaged index."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.faults.flip_bits import made_store
from tests.faults.test_clear_of_damaged_file import TIME_INDEX, replace_in_index
from tests.faults.test_flipped_bits import STATUS_INDEX
from tests.store.conftest import backdate, execute

from uniqc_store import StoreDamagedError, TaskFilter, TaskStore
from uniqc_store.database import integrity
from uniqc_store.query import agreement

if TYPE_CHECKING:
    from pathlib import Path

BACKEND_INDEX = "tasks_backend_idx"
SUCCESS, ON_ORIGINQ = TaskFilter(status="success"), TaskFilter(backend="originq:WK_C180")
SINCE_JUNE = TaskFilter(submitted_after=datetime(2026, 6, 1, tzinfo=UTC))


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskStore:
    monkeypatch.setattr(integrity, "MAX_BYTES_PER_READ", 0)
    made_store(tmp_path)
    return TaskStore(backdate(tmp_path), read_only=True)


@pytest.mark.parametrize(
    ("index", "old", "new", "asked"),
    [
        (STATUS_INDEX, b"success", b"succfss", SUCCESS),
        (STATUS_INDEX, b"success", b"su\xffcess", SUCCESS),
        (BACKEND_INDEX, b"originq:WK_C180", b"originq:VK_C180", ON_ORIGINQ),
        (TIME_INDEX, b"2026-0", b"2023-0", SINCE_JUNE),
    ],
)
def test_a_wrong_text_in_the_index_of_a_filter_is_an_error(
    large: TaskStore, index: str, old: bytes, new: bytes, asked: TaskFilter
) -> None:
    right = large.read(lambda snapshot: snapshot.count(asked))
    assert large.search(asked, limit=5).total == right > 1
    replace_in_index(large.db_path, index, old, new)
    with pytest.raises(StoreDamagedError, match=index):
        large.search(asked, limit=5)
    with pytest.raises(StoreDamagedError, match=index):
        large.read(lambda snapshot: snapshot.count(asked))
    with pytest.raises(StoreDamagedError, match=index):
        large.tally(asked, by=("status",))


def test_a_label_that_only_the_table_has_is_an_error(large: TaskStore) -> None:
    execute(large.cache_dir, "UPDATE tasks SET status = 'strange' WHERE rowid = 3")
    replace_in_index(large.db_path, STATUS_INDEX, b"strange", b"pending")
    with pytest.raises(StoreDamagedError):
        large.tally(ON_ORIGINQ, by=("status",))


def test_a_time_that_only_the_table_has_is_an_error(large: TaskStore) -> None:
    execute(large.cache_dir, "UPDATE tasks SET submit_time = '2026-05-31T23:00:00+00:00'")
    replace_in_index(large.db_path, TIME_INDEX, b"2026-05-31", b"2026-07-31")
    with pytest.raises(StoreDamagedError, match=TIME_INDEX):
        large.tally(SINCE_JUNE, by=("status",))


def test_a_very_large_file_is_not_checked_before_a_filter(
    large: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_in_index(large.db_path, STATUS_INDEX, b"success", b"succfss")
    monkeypatch.setattr(agreement, "MAX_BYTES", 0)
    assert large.search(SUCCESS, limit=5).total > 0
