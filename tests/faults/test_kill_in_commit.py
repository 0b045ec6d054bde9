"""A bounded share of the kills of ``kill_in_commit.py``, which says what is checked after each."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.faults.syscalls import SUPPORTED

from uniqc_store import CLEARED_FILENAME, StoreForeignError, TaskFilter, TaskStore

ROOT = Path(__file__).parents[2]
STORE = Path(__file__).parents[1] / "data" / "stores" / "5-0.1.0.sqlite"


@pytest.mark.skipif(not SUPPORTED, reason="ptrace of Linux on x86-64 or arm64")
@pytest.mark.parametrize("options", [("--step", "11"), ("--random", "40", "--seed", "1")])
def test_no_kill_inside_a_commit_loses_a_record(options: tuple[str, ...]) -> None:
    # A process of its own: it forks, which a process with threads must not.
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.kill_in_commit", *options],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "every record was accounted for" in ran.stdout


def with_store(directory: Path) -> TaskStore:
    shutil.copy(STORE, directory / "tasks.sqlite")
    return TaskStore(directory)


def cut_off(directory: Path, statement: str) -> None:
    """Leave the file of copies as a kill inside the commit of a statement does."""
    copies, journal = directory / CLEARED_FILENAME, directory / f"{CLEARED_FILENAME}-journal"
    with closing(sqlite3.connect(copies, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")  # so that pages reach the file early
        connection.execute("BEGIN")
        connection.execute(statement)
        cut = copies.read_bytes(), journal.read_bytes()
        connection.execute("ROLLBACK")
    copies.write_bytes(cut[0])
    journal.write_bytes(cut[1])


def with_hot_journal(directory: Path) -> TaskStore:
    """Return a store with a file of copies whose last commit was cut off."""
    store = with_store(directory)
    store.clear(store.plan_clear(TaskFilter()))
    cut_off(directory, "UPDATE cleared_tasks SET metadata_json = zeroblob(5000)")
    return store


def test_a_reader_reads_the_receipts_beside_a_cut_off_commit_and_changes_nothing(
    tmp_path: Path,
) -> None:
    with_hot_journal(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (receipt,) = TaskStore(tmp_path, read_only=True).receipts()
    assert receipt.held == receipt.planned
    for name in (CLEARED_FILENAME, f"{CLEARED_FILENAME}-journal"):
        assert (tmp_path / name).read_bytes() == before[name]


@pytest.mark.parametrize("clears_first", [False, True])
def test_an_undo_after_a_cut_off_commit_restores_every_task(
    tmp_path: Path, *, clears_first: bool
) -> None:
    store = with_hot_journal(tmp_path)
    (receipt,) = store.receipts()
    if clears_first:
        store.clear(store.plan_clear(TaskFilter()))
    undone = store.undo_clear(receipt.receipt_id)
    assert (undone.restored, undone.skipped) == (receipt.planned, 0)
    assert not (tmp_path / f"{CLEARED_FILENAME}-journal").exists()


def test_the_journal_of_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    store = with_store(tmp_path)
    copies = tmp_path / CLEARED_FILENAME
    with closing(sqlite3.connect(copies)) as connection:
        connection.execute(f"PRAGMA application_id = {0x454C5345}")
        connection.execute("CREATE TABLE theirs (value)")
        connection.executemany("INSERT INTO theirs VALUES (?)", [("a" * 3000,)] * 20)
        connection.commit()
    cut_off(tmp_path, "UPDATE theirs SET value = 'b' || value")
    before = {path.name: path.read_bytes() for path in tmp_path.glob(f"{CLEARED_FILENAME}*")}
    assert len(before) == 2
    with pytest.raises(StoreForeignError, match="not a file of cleared tasks"):
        store.clear(store.plan_clear(TaskFilter()))
    assert {
        path.name: path.read_bytes() for path in tmp_path.glob(f"{CLEARED_FILENAME}*")
    } == before
