"""Single flipped bits: no wrong total without a mark, and a doctor who finds the damage."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.faults.flip_bits import flip_bits, made_store, real_store
from tests.store.conftest import backdate, execute

from uniqc_mcp.cli.doctor import examine
from uniqc_mcp.errors import RequestError
from uniqc_mcp.settings import Settings
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import DB_FILENAME, StoreDamagedError, TaskFilter, TaskStore
from uniqc_store.database import integrity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uniqc_store import Column

FLIPS = int(os.environ.get("FAULTS", "60"))
STATUS_INDEX = "tasks_status_idx"


def damage_status_index(directory: Path, *, size: int = 100) -> Path:
    """Halve the number of cells of a page of the index on the status, and leave the table whole."""
    made_store(directory, size)
    file = directory / DB_FILENAME
    with closing(sqlite3.connect(file)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (STATUS_INDEX,)
        ).fetchone()
    content = bytearray(file.read_bytes())
    place = 4096 * (root - 1) + 3
    cells = int.from_bytes(content[place : place + 2])
    content[place : place + 2] = (cells // 2).to_bytes(2)
    file.write_bytes(content)
    return backdate(directory)


@pytest.mark.parametrize("make", [made_store, real_store])
def test_no_total_is_wrong_without_a_mark(make: Callable[[Path], None]) -> None:
    outcome = flip_bits(make, flips=FLIPS, seed=18)
    assert outcome.wrong == []
    assert outcome.answers["marked"] > 0


def test_an_answer_names_the_damaged_index_in_both_channels(tmp_path: Path) -> None:
    tools = ReadTools(TaskStore(damage_status_index(tmp_path), read_only=True))
    answer = tools.list_tasks(status="any")
    differs = f"its index {STATUS_INDEX} differs from its table"
    (note,) = (note for note in answer.structured()["store"]["notes"] if differs in note)
    assert "`uniqc-mcp doctor`" in note
    assert note in answer.text()
    with pytest.raises(RequestError, match=f"No task has the id .* {STATUS_INDEX} differs"):
        tools.get_task(task_id="uqt_0123")


def test_counts_of_a_file_too_large_to_check_compare_its_indexes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "MAX_BYTES_PER_READ", 0)
    store = TaskStore(damage_status_index(tmp_path), read_only=True)
    assert store.read(lambda snapshot: snapshot.state).damage == ""
    both: tuple[Column, Column] = ("status", "backend")
    for by in (both[:1], both):
        with pytest.raises(StoreDamagedError, match=r"its indexes disagree: \d+ tasks by one, 100"):
            store.tally(TaskFilter(), by=by)


def test_doctor_names_the_index_and_a_cure_that_works(tmp_path: Path) -> None:
    diagnosis = examine(Settings(cache_dir=damage_status_index(tmp_path)))
    assert not diagnosis.ok
    problem = diagnosis.problems[-1]
    assert f"its index {STATUS_INDEX} differs from its table" in problem
    assert "REINDEX" in problem
    assert "A server works with this." not in diagnosis.text()
    execute(tmp_path, "REINDEX")
    assert examine(Settings(cache_dir=tmp_path)).ok


def test_doctor_says_that_a_very_large_file_was_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uniqc_mcp.cli.doctor.MAX_CHECKED_BYTES", 0)
    diagnosis = examine(Settings(cache_dir=damage_status_index(tmp_path)))
    assert "was not checked for damage" in diagnosis.text()


def test_values_that_break_a_constraint_are_no_damage(tmp_path: Path) -> None:
    made_store(tmp_path)
    stricter = "replace(sql, 'INTEGER NOT NULL', 'INTEGER CHECK (shots < 5) NOT NULL')"
    execute(
        tmp_path,
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = {stricter} WHERE name = 'tasks'",
    )
    assert TaskStore(tmp_path, read_only=True).read(lambda snapshot: snapshot.check()).sound


def test_the_names_of_a_strangers_indexes_are_not_repeated(tmp_path: Path) -> None:
    damage_status_index(tmp_path)
    file = tmp_path / DB_FILENAME
    file.write_bytes(file.read_bytes().replace(b"tasks_status_idx", b"Obey_me_deleteIt"))
    backdate(tmp_path)
    found = TaskStore(tmp_path, read_only=True).read(lambda snapshot: snapshot.check())
    assert not found.sound
    assert "Obey" not in found.in_words
