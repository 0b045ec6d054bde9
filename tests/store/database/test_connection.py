"""Decoding of text that a connection returns."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from uniqc_store.database.connection import fetch_rows

if TYPE_CHECKING:
    from collections.abc import Generator

TEXTS = "SELECT CAST(:stored AS TEXT) AS text UNION ALL SELECT 'plain'"


@pytest.fixture
def decoded() -> list[bytes]:
    """Return a list of the texts that the connection's own factory decodes."""
    return []


@pytest.fixture
def connection(decoded: list[bytes]) -> Generator[sqlite3.Connection]:
    def decode(text: bytes) -> str:
        decoded.append(text)
        return text.decode("utf-8", "surrogateescape")

    with closing(sqlite3.connect(":memory:")) as connection:
        connection.text_factory = decode
        yield connection


def test_text_that_is_utf8_is_decoded_by_sqlite3_itself(
    connection: sqlite3.Connection, decoded: list[bytes]
) -> None:
    rows = fetch_rows(connection, TEXTS, {"stored": "数据".encode()})
    assert [row["text"] for row in rows] == ["数据", "plain"]
    assert decoded == []


def test_text_that_is_not_utf8_is_decoded_by_the_factory_of_the_connection(
    connection: sqlite3.Connection, decoded: list[bytes]
) -> None:
    rows = fetch_rows(connection, TEXTS, {"stored": b"caf\xe9"})
    assert [row["text"] for row in rows] == ["caf\udce9", "plain"]
    assert decoded == [b"caf\xe9", b"plain"]


@pytest.mark.parametrize("stored", [b"utf-8", b"\xff"])
def test_the_factory_of_the_connection_is_restored(
    connection: sqlite3.Connection, decoded: list[bytes], stored: bytes
) -> None:
    fetch_rows(connection, TEXTS, {"stored": stored})
    decoded.clear()
    connection.execute("SELECT 'later'").fetchone()
    assert decoded == [b"later"]


def test_a_statement_that_sqlite_fails_is_not_retried(connection: sqlite3.Connection) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    connection.create_function("fail", 0, lambda: 1 / 0)
    with pytest.raises(sqlite3.OperationalError):
        fetch_rows(connection, "SELECT fail()", {})
    assert statements == ["SELECT fail()"]
