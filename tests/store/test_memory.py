"""What was found out of a file is told again for as long as nobody writes, and no longer."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import connect, fill, insert, make_store, put_to_rest

from uniqc_store import TaskFilter, TaskStore, reading
from uniqc_store.files import Signature
from uniqc_store.memory import MOST_FACTS, Facts, Memory

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator
    from pathlib import Path

    from uniqc_store import Snapshot


def signature(changed: int) -> Signature:
    return Signature(file=(1, 2, 4096, changed), wal=None, journal=None, changed_ns=changed)


def facts(snapshot: Snapshot) -> Facts:
    return snapshot._session.facts  # pyright: ignore[reportPrivateUsage]


def test_a_fact_is_found_out_once() -> None:
    known, found_out = Facts(), list[str]()

    def find_out() -> str:
        found_out.append("again")
        return "found"

    assert [known.recall("it", find_out) for _ in range(3)] == ["found"] * 3
    assert found_out == ["again"]


def test_facts_are_those_of_one_state() -> None:
    memory = Memory()
    first = memory.of(signature(1))
    assert memory.of(signature(1)) is first
    assert memory.of(signature(2)) is not first
    assert memory.of(signature(1)) is not first


def test_nothing_is_kept_of_a_state_that_is_not_certain() -> None:
    memory = Memory()
    certain = memory.of(signature(1))
    assert memory.of(None) is not memory.of(None)
    assert memory.of(signature(1)) is certain


def test_facts_do_not_pile_up() -> None:
    known = Facts()
    for number in range(3 * MOST_FACTS):
        known.recall(number, lambda: None)
    assert sum(number in known for number in range(3 * MOST_FACTS)) <= MOST_FACTS


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return fill(make_store(tmp_path / "cache"), "a", "b")


@pytest.fixture(params=[False, True], ids=["at rest", "shared"])
def writer(directory: Path, request: pytest.FixtureRequest) -> Generator[sqlite3.Connection]:
    """A connection to the file, which nobody has written for years, with a WAL or without one."""
    with closing(connect(directory)) as connection:
        if request.param:
            connection.execute("PRAGMA journal_mode = WAL")
            insert(connection, "c")
        put_to_rest(directory)
        yield connection


def test_a_file_that_nobody_writes_is_remembered(
    directory: Path, writer: sqlite3.Connection
) -> None:
    store = TaskStore(directory, read_only=True)
    first = store.read(facts)
    assert store.read(facts) is first
    insert(writer, "d")
    assert store.read(facts) is not first
    assert store.read(facts) is not first
    put_to_rest(directory)
    assert store.read(facts) is store.read(facts)


@pytest.mark.usefixtures("writer")
def test_what_is_known_needs_no_connection(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TaskStore(directory, read_only=True)
    page = store.search(TaskFilter(), limit=5)
    with monkeypatch.context() as patch:
        patch.delattr(reading, "opened")
        assert store.search(TaskFilter(), limit=5) == page
        with pytest.raises(NameError):
            store.search(TaskFilter(), limit=4)


def test_what_is_known_and_what_is_found_out_are_of_one_state(
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


def test_a_file_that_was_just_written_is_not(tmp_path: Path) -> None:
    directory = put_to_rest(fill(make_store(tmp_path / "cache"), "a"))
    store = TaskStore(directory, read_only=True)
    before = store.read(facts)
    insert(directory, "b")
    just_written = store.read(facts)
    assert just_written is not before
    insert(directory, "c")
    assert store.read(facts) is not just_written


@pytest.mark.parametrize("journal_mode", ["WAL", "DELETE"])
def test_no_count_is_ever_that_of_a_state_before(tmp_path: Path, journal_mode: str) -> None:
    directory = make_store(tmp_path / "cache")
    store = TaskStore(directory, read_only=True)
    with closing(connect(directory)) as writer:
        writer.execute(f"PRAGMA journal_mode = {journal_mode}")
        for number in range(300):
            insert(writer, number, status=("running", "success")[number % 2])
            for _ in range(2):
                assert store.search(TaskFilter(), limit=1).total == number + 1
                assert sum(group.count for group in store.tally(TaskFilter())) == number + 1
