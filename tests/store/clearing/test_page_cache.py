"""SQLite keeps the pages of a batch in memory, so that it reads each of them once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from uniqc_store.clearing.backup import ClearedFile, Receipt
from uniqc_store.database.connection import Access
from uniqc_store.database.writer import Writer

if TYPE_CHECKING:
    from tests.clearing_cache import Cache

    from uniqc_store.database.connection import Session

COUNTERS = Path("/proc/self/io")
ROWS = 2_000
READ_ALL = "SELECT sum(length(result_json)) FROM tasks"

pytestmark = pytest.mark.skipif(not COUNTERS.exists(), reason="counts what Linux counts")


def bytes_read() -> int:
    """Return the bytes that this process has read, be it from the system's cache."""
    counters = dict(line.split(": ") for line in COUNTERS.read_text().splitlines())
    return int(counters["rchar"])


@pytest.fixture
def access(cache: Cache) -> Access:
    """Return the access to a store of more bytes than SQLite's own cache has."""
    cache.fill(ROWS, result='"' + "0" * 3_000 + '"')
    return Access(path=cache.path, busy_timeout=1, should_stop=None)


def test_a_batch_reads_the_pages_of_the_store_once(access: Access) -> None:
    counts: list[int] = []

    def read_twice(session: Session) -> None:
        for _ in range(2):
            before = bytes_read()
            session.number(READ_ALL)
            counts.append(bytes_read() - before)

    Writer(access).write(read_twice, durable=False)
    first, again = counts
    assert first > access.path.stat().st_size / 2
    assert again < first / 100


def test_copies_are_compared_without_reading_the_tasks_again(access: Access) -> None:
    receipt = Receipt(receipt_id="clr_1", cleared_at="2026-01-01", planned=ROWS)
    before = bytes_read()
    ClearedFile(access).copy(receipt, 0, range(1, ROWS + 1), with_shards=False)
    assert bytes_read() - before < 1.5 * access.path.stat().st_size
