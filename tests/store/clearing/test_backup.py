"""The file of copies: what it frees, whose file it takes for its own, and which receipts stay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from uniqc_store import CLEARED_FILENAME, TaskFilter, TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clearing_cache import Cache

NOTHING = TaskFilter(status="no such status")


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute(f"PRAGMA {name}").fetchone()
        return int(number)


def test_all_pages_of_dropped_copies_are_given_back(cache: Cache) -> None:
    store = TaskStore(cache.fill(300, result='"' + "0" * 1_000 + '"').directory)
    path = cache.directory / CLEARED_FILENAME
    store.clear(store.plan_clear(TaskFilter()))
    before = pragma(path, "page_count")
    store.clear(store.plan_clear(NOTHING), keep=timedelta(0))
    assert store.receipts() == ()
    assert pragma(path, "freelist_count") == 0
    assert pragma(path, "page_count") < before / 4
