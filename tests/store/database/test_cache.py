"""Cached values are returned while the file is unchanged, and no longer."""

from __future__ import annotations

import json
from contextlib import closing
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import (
    backdate,
    connect,
    fill,
    insert,
    insert_shard,
    make_store,
    v5_directory,
)

from uniqc_store import Match, Snapshot, TaskFilter, TaskStore
from uniqc_store.database import cache, reader
from uniqc_store.database.cache import MAX_ENTRIES, SnapshotCache, StateCache
from uniqc_store.database.signature import Signature
from uniqc_store.query import planner

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Generator
    from pathlib import Path

    from uniqc_store import Page, TaskRecord, TaskShard
    from uniqc_store.filters import Column


def signature(changed: int) -> Signature:
    return Signature(file=(1, 2, 4096, changed), wal=None, journal=None, changed_ns=changed)


def state_cache(snapshot: Snapshot) -> StateCache:
    return snapshot._session.cache  # pyright: ignore[reportPrivateUsage]


def test_a_value_is_computed_once() -> None:
    known, calls = StateCache(), list[str]()

    def compute() -> str:
        calls.append("again")
        return "found"

    assert [known.get_or_compute("it", compute) for _ in range(3)] == ["found"] * 3
    assert calls == ["again"]


def test_values_are_cached_for_one_state_only() -> None:
    kept = SnapshotCache()
    first = kept.of(signature(1))
    assert kept.of(signature(1)) is first
    assert kept.of(signature(2)) is not first
    assert kept.of(signature(1)) is not first


def test_a_state_without_a_signature_is_not_cached() -> None:
    kept = SnapshotCache()
    certain = kept.of(signature(1))
    assert kept.of(None) is not kept.of(None)
    assert kept.of(signature(1)) is certain


def test_the_number_of_cached_values_is_limited() -> None:
    known = StateCache()
    for number in range(3 * MAX_ENTRIES):
        known.get_or_compute(number, lambda: None)
    assert sum(number in known for number in range(3 * MAX_ENTRIES)) <= MAX_ENTRIES


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return fill(make_store(tmp_path / "cache"), "a", "b")


@pytest.fixture(params=[False, True], ids=["immutable", "shared"])
def writer(directory: Path, request: pytest.FixtureRequest) -> Generator[sqlite3.Connection]:
    """Return a connection to a file that was last written years ago, with or without a WAL."""
    with closing(connect(directory)) as connection:
        if request.param:
            connection.execute("PRAGMA journal_mode = WAL")
            insert(connection, "c")
        backdate(directory)
        yield connection


def test_values_of_an_unchanged_file_are_cached(
    directory: Path, writer: sqlite3.Connection
) -> None:
    store = TaskStore(directory, read_only=True)
    first = store.read(state_cache)
    assert store.read(state_cache) is first
    insert(writer, "d")
    assert store.read(state_cache) is not first
    assert store.read(state_cache) is not first
    backdate(directory)
    assert store.read(state_cache) is store.read(state_cache)


@pytest.mark.usefixtures("writer")
def test_a_cached_page_needs_no_connection(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TaskStore(directory, read_only=True)
    page = store.search(TaskFilter(), limit=5)
    with monkeypatch.context() as patch:
        patch.delattr(reader, "opened")
        assert store.search(TaskFilter(), limit=5) == page
        with pytest.raises(NameError):
            store.search(TaskFilter(), limit=4)


def test_cached_and_computed_values_of_one_read_have_the_same_state(
    directory: Path, writer: sqlite3.Connection
) -> None:
    store = TaskStore(directory, read_only=True)
    before = store.count()
    assert store.search(TaskFilter(), limit=1).total == before
    asked: list[int] = []

    def question(snapshot: Snapshot) -> tuple[int, int]:
        total = snapshot.search(TaskFilter(), limit=1).total
        asked.append(total)
        if len(asked) == 1:
            insert(writer, "new")
        return total, sum(group.count for group in snapshot.tally(TaskFilter()))

    total, counted = store.read(question)
    assert asked == [before, before + 1]
    assert total == counted == before + 1


FILTERS = [
    TaskFilter(),
    TaskFilter(status="running"),
    TaskFilter(status="finished"),
    TaskFilter(backend="dummy"),
    TaskFilter(backend="originq"),
    TaskFilter(status="running", backend="originq"),
    TaskFilter(name_contains="bell"),
    TaskFilter(submitted_after=datetime(2026, 8, 1, 10, tzinfo=UTC)),
    TaskFilter(submitted_before=datetime(2026, 8, 1, 10, tzinfo=UTC)),
]
GROUPINGS: list[tuple[Column, ...]] = [(), ("status",), ("backend",), ("status", "backend")]
MANY = 10
"""A limit that is above the number of pages."""
LIVE = Match(task_id="a", archived=False, row=1)
ARCHIVED = Match(task_id="z", archived=True, row=1)


def all_pages(snapshot: Snapshot, *, task_filter: TaskFilter, limit: int) -> list[Page]:
    pages = [snapshot.search(task_filter, limit=limit)]
    while (cursor := pages[-1].next_cursor) and len(pages) < MANY:
        pages.append(snapshot.search(task_filter, limit=limit, cursor=cursor))
    assert len(pages) < MANY
    return pages


def sample_queries() -> list[Callable[[Snapshot], object]]:
    """Return similar queries for each kind of cached value."""
    asked: list[Callable[[Snapshot], object]] = []
    for wanted in FILTERS:
        asked += [partial(Snapshot.tally, task_filter=wanted, by=by) for by in GROUPINGS]
        asked.append(partial(Snapshot.count, task_filter=wanted))
        asked += [partial(all_pages, task_filter=wanted, limit=limit) for limit in (1, 2, 9)]
    for match in (LIVE, ARCHIVED):
        asked += [
            partial(one, match=match)
            for one in (Snapshot.record, Snapshot.result_text, Snapshot.shards, Snapshot.info)
        ]
    asked += [partial(Snapshot.find, reference=reference) for reference in ("a", "b", "P-1", "z")]
    for text in ("", "uqt_", "a", "bell", "P"):
        asked += [partial(Snapshot.complete_id, text=text, limit=limit) for limit in (1, 9)]
    asked += [partial(Snapshot.complete_backend, text=text, limit=9) for text in ("", "d", "ori")]
    return asked


@pytest.fixture
def full_directory(tmp_path: Path) -> Path:
    """Return a store of live and archived tasks that was last written years ago."""
    directory = v5_directory(tmp_path)
    for number, task_id in enumerate("abcdefgh"):
        insert(
            directory,
            task_id,
            status=("running", "success", "failed")[number % 3],
            backend=("dummy", "originq", "originq:WK_C180")[number // 3],
            submit_time=f"2026-08-01T{6 + number:02}:00:00+00:00",
            result_json=f'{{"{number}": 1}}',
            metadata_json=json.dumps({"task_name": "bell"} if number % 2 else {"note": [number]}),
        )
    insert_shard(directory, "a", "P-1")
    insert(directory, "z", table="archived_tasks", result_json='{"z": 1}', archived_at="now")
    insert_shard(directory, "z", "P-2", table="archived_task_shards", archived_at="now")
    return backdate(directory)


@pytest.mark.parametrize("few", [2, 4, 12_000])
def test_a_cached_answer_is_not_returned_for_another_query(
    full_directory: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(planner, "FEW_TASKS", few)
    monkeypatch.setattr(cache, "MAX_ENTRIES", 10_000)
    store = TaskStore(full_directory, read_only=True)
    for question in sample_queries():
        answer = store.read(question)
        assert answer == TaskStore(full_directory, read_only=True).read(question)
        assert answer == store.read(question)
    assert len(set(map(repr, map(store.read, sample_queries())))) > len(sample_queries()) / 2


def test_a_change_of_a_returned_value_does_not_change_the_cache(full_directory: Path) -> None:
    store = TaskStore(full_directory, read_only=True)

    def read_values(snapshot: Snapshot) -> tuple[TaskRecord, TaskRecord, TaskShard]:
        (first, *_) = snapshot.search(TaskFilter(), limit=2).records
        (shard,) = snapshot.shards(LIVE)
        return first, snapshot.record(LIVE), shard

    expected = deepcopy(store.read(read_values))
    first, record, shard = store.read(read_values)
    first.metadata["note"] = record.metadata["note"] = "changed"
    shard.status = "changed"
    assert store.read(read_values) == expected


def test_values_of_a_file_that_was_just_written_are_not_cached(tmp_path: Path) -> None:
    directory = backdate(fill(make_store(tmp_path / "cache"), "a"))
    store = TaskStore(directory, read_only=True)
    before = store.read(state_cache)
    insert(directory, "b")
    just_written = store.read(state_cache)
    assert just_written is not before
    insert(directory, "c")
    assert store.read(state_cache) is not just_written


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
def test_no_count_is_that_of_an_earlier_state(tmp_path: Path, journal_mode: str) -> None:
    directory = make_store(tmp_path / "cache")
    store = TaskStore(directory, read_only=True)
    with closing(connect(directory)) as writer:
        writer.execute(f"PRAGMA journal_mode = {journal_mode}")
        for number in range(300):
            insert(writer, number, status=("running", "success")[number % 2])
            for _ in range(2):
                assert store.search(TaskFilter(), limit=1).total == number + 1
                assert sum(group.count for group in store.tally(TaskFilter())) == number + 1
