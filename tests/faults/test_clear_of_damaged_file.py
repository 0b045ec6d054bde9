"""A file with damage: nothing is cleared from it and nothing is put back into it."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.clearing_cache import Cache, anyio_backend, cache
from tests.faults.flip_bits import LONG_AGO, made_store
from tests.faults.test_flipped_bits import STATUS_INDEX, damage_status_index
from tests.store.conftest import execute

from uniqc_store import ClearPlan, StoreDamagedError, StoreUnsafeError, TaskFilter, TaskStore
from uniqc_store.database import integrity

if TYPE_CHECKING:
    from pathlib import Path

FLIPS = int(os.environ.get("FAULTS", "60"))
TIME_INDEX = "tasks_submit_time_idx"
EVERY_INDEX = (STATUS_INDEX, "tasks_backend_idx", TIME_INDEX, "sqlite_autoindex_tasks_1")
__all__ = ["anyio_backend", "cache"]


def page_of(path: Path, index: str) -> range:
    """Return the bytes of the first page of an index."""
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)
        ).fetchone()
    return range(4096 * (root - 1), 4096 * root)


def replace_in_index(path: Path, index: str, old: bytes, new: bytes) -> None:
    """Replace a text in the middle of an index, and leave the table whole."""
    content, page = bytearray(path.read_bytes()), page_of(path, index)
    places = [place for place in page if content.startswith(old, place)]
    place = places[len(places) // 2]
    content[place : place + len(old)] = new
    path.write_bytes(content)
    os.utime(path, LONG_AGO)


def reindexed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("REINDEX")


def damage(cache: Cache) -> None:
    replace_in_index(cache.path, STATUS_INDEX, b"success", b"succfss")


async def test_no_plan_is_made_and_both_channels_say_why(cache: Cache) -> None:
    cache.fill(50)
    damage(cache)
    before = cache.files()
    async with cache.client() as client:
        text, answer = await cache.call(client, "clear_tasks")
    assert answer["state"] == "refused"
    assert answer["plan_id"] == ""
    message = answer["message"]
    assert message in text
    assert message.startswith("Nothing can be cleared here.")
    assert f"its index {STATUS_INDEX} differs from its table" in message
    assert "Nothing was changed. `uniqc-mcp doctor` says how to mend it" in message
    assert cache.files() == before


async def test_damage_after_the_plan_stops_its_commit(cache: Cache) -> None:
    cache.fill(50)
    async with cache.client() as client:
        _, plan = await cache.call(client, "clear_tasks")
        damage(cache)
        before = cache.store_files()
        text, answer = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert (answer["state"], answer["cleared"]) == ("refused", 0)
        assert answer["message"] in text
        assert "Nothing was removed." in answer["message"]
        assert cache.store_files() == before
        assert cache.held_ids() == []
        reindexed(cache.path)
        _, again = await cache.call(client, "clear_tasks")
        _, done = await cache.call(client, "clear_tasks", plan_id=again["plan_id"])
    assert done["cleared"] == 50


async def test_nothing_is_put_back_until_the_file_is_mended(cache: Cache) -> None:
    cache.fill(50)
    cache.fill(50, prefix="kept", status="running")
    async with cache.client() as client:
        _, plan = await cache.call(client, "clear_tasks")
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        with closing(sqlite3.connect(cache.path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        replace_in_index(cache.path, STATUS_INDEX, b"running", b"runnjng")
        refusal = await cache.refusal(client, "undo_clear", receipt=done["receipt"])
        assert "putting back could lose records. Nothing was changed." in refusal
        assert "can't be read" not in refusal
        assert len(cache.held_ids()) == 50
        reindexed(cache.path)
        _, undone = await cache.call(client, "undo_clear", receipt=done["receipt"])
    assert undone["restored"] == 50


def test_the_store_itself_refuses_an_undo(tmp_path: Path) -> None:
    damage_status_index(tmp_path)
    with pytest.raises(StoreUnsafeError):
        TaskStore(tmp_path).undo_clear("clr_1")


# Files that are too large to be read whole: their indexes are compared.


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskStore:
    monkeypatch.setattr(integrity, "MAX_BYTES_PER_CLEAR", 0)
    made_store(tmp_path)
    return TaskStore(tmp_path, read_only=True)


def test_a_large_sound_file_is_planned(large: TaskStore) -> None:
    assert len(large.plan_clear(TaskFilter()).rows) > 0


@pytest.mark.parametrize(
    ("index", "old", "new", "told"),
    [
        (STATUS_INDEX, b"success", b"succfss", f"its index {STATUS_INDEX} is out of order"),
        (STATUS_INDEX, b"QUEUED", b"QUEUEE", f"its index {STATUS_INDEX} differs from its table"),
        (TIME_INDEX, b"2026-0", b"2023-0", f"its index {TIME_INDEX} is out of order"),
        (
            "tasks_backend_idx",
            b"quark:B",
            b"quark:C",
            "its index tasks_backend_idx is out of order",
        ),
    ],
)
def test_a_large_file_with_a_wrong_text_in_an_index_is_refused(
    large: TaskStore, index: str, old: bytes, new: bytes, told: str
) -> None:
    execute(large.cache_dir, "UPDATE tasks SET status = 'QUEUED' WHERE rowid = 7")
    replace_in_index(large.db_path, index, old, new)
    with pytest.raises(StoreUnsafeError) as caught:
        large.plan_clear(TaskFilter())
    assert told in str(caught.value)


def test_a_large_file_with_lost_entries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "MAX_BYTES_PER_CLEAR", 0)
    damage_status_index(tmp_path)
    with pytest.raises(StoreUnsafeError, match="lead to different rows of tasks"):
        TaskStore(tmp_path, read_only=True).plan_clear(TaskFilter())


def test_a_partial_index_of_a_stranger_is_no_damage(large: TaskStore) -> None:
    with closing(sqlite3.connect(large.db_path)) as connection:
        connection.execute("CREATE INDEX of_a_user ON tasks(shots) WHERE status = 'failed'")
    assert len(large.plan_clear(TaskFilter()).rows) > 0


def test_no_flipped_bit_of_an_index_changes_the_plan_of_a_large_file(large: TaskStore) -> None:
    numbers = random.Random(23)
    whole, right = large.db_path.read_bytes(), chosen(large.plan_clear(TaskFilter()))
    pages = [page_of(large.db_path, index) for index in EVERY_INDEX]
    refused = 0
    for _ in range(FLIPS):
        place = numbers.choice(numbers.choice(pages))
        flipped = whole[place] ^ 1 << numbers.randrange(8)
        large.db_path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        os.utime(large.db_path, LONG_AGO)
        try:
            found = chosen(TaskStore(large.cache_dir, read_only=True).plan_clear(TaskFilter()))
        except (StoreUnsafeError, StoreDamagedError):
            refused += 1
        else:
            assert found == right, place
    assert refused > FLIPS / 10


def chosen(plan: ClearPlan) -> set[tuple[int, bytes, bytes]]:
    return {row[:3] for row in plan.rows}
