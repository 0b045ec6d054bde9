"""Files at the path of a cache that cannot be read, each made by a function of its name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from uniqc_store import APPLICATION_ID

if TYPE_CHECKING:
    from tests.server.conftest import Cache


def database_without_application_id(cache: Cache) -> None:
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def database_of_another_program(cache: Cache) -> None:
    database_without_application_id(cache)
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.execute("PRAGMA application_id = 77")


def not_a_database(cache: Cache) -> None:
    cache.path.write_text("Dear diary, " * 1_000)


def damaged(cache: Cache) -> None:
    whole = (cache.stores / "5-0.1.0.sqlite").read_bytes()
    cache.path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def truncated(cache: Cache) -> None:
    cache.path.write_bytes((cache.stores / "5-0.1.0.sqlite").read_bytes()[:8192])


def missing_column(cache: Cache) -> None:
    cache.write(script="ALTER TABLE tasks DROP COLUMN backend")


def a_directory(cache: Cache) -> None:
    cache.path.mkdir()


def broken_link(cache: Cache) -> None:
    cache.path.symlink_to(Path.home() / "elsewhere" / "tasks.sqlite")


def directory_is_a_file(cache: Cache) -> None:
    cache.directory.rmdir()
    cache.directory.touch()


def newer_without_tasks(cache: Cache) -> None:
    database_without_application_id(cache)
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 9")
