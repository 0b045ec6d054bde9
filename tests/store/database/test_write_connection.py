"""Steps before a write: the check of the file and the switch to WAL mode."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import connect, header, make_store, times_opened

from uniqc_store import APPLICATION_ID, TaskInfo, TaskStore
from uniqc_store.database import write_connection
from uniqc_store.database.connection import Access
from uniqc_store.database.write_connection import open_to_write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_save_skips_the_full_check_of_a_file_with_a_compatible_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TaskStore(tmp_path)
    monkeypatch.delattr(write_connection, "inspect")
    store.save(TaskInfo("a", "dummy"))
    store.save(TaskInfo("b", "dummy"))
    assert store.count() == 2


def switch(directory: Path, busy_timeout: float) -> tuple[str]:
    access = Access(path=directory / "tasks.sqlite", busy_timeout=busy_timeout, should_stop=None)
    with open_to_write(access) as file:
        mode: tuple[str] = file.connection.execute("PRAGMA journal_mode").fetchone()
        return mode


def test_a_reader_of_a_file_in_rollback_mode_delays_the_switch_to_wal(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache")
    modes: list[tuple[str]] = []
    with closing(connect(directory)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM tasks").fetchone()
        began = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            switch(directory, 0.05)
        assert time.monotonic() - began >= 0.05
        switching = Thread(target=lambda: modes.append(switch(directory, 30)))
        switching.start()
        while times_opened(directory / "tasks.sqlite") < 2:
            assert switching.is_alive()
        reader.execute("COMMIT")
    switching.join()
    assert modes == [("wal",)]
    assert header(directory) == (APPLICATION_ID, 1)
