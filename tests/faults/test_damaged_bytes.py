"""Damaged bytes anywhere in the file end in an answer or in an error of the store."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from mcp import Client
from tests.faults.every_answer import every_answer, mistakes
from tests.store.conftest import STORES

from uniqc_mcp.server import build_server
from uniqc_store import DB_FILENAME, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHOLE = (STORES / "5-0.1.0.sqlite").read_bytes()
PAGE = 4096
HEADER = 100
LONG_AGO = (1e9, 1e9)


def not_utf8_in_schema(numbers: random.Random) -> bytes:
    """Make one letter in the statements of the tables a byte that is not UTF-8.

    SQLite quotes it in its message, which Python then can't decode.
    """
    place = numbers.choice(
        [place for place in range(HEADER, PAGE) if WHOLE[place : place + 1].isalpha()]
    )
    return WHOLE[:place] + bytes([WHOLE[place] | 0x80]) + WHOLE[place + 1 :]


def flip_fifty(numbers: random.Random) -> bytes:
    damaged = WHOLE
    for _ in range(50):
        damaged = flip(numbers, 0, len(WHOLE), damaged)
    return damaged


def random_page(numbers: random.Random) -> bytes:
    start = PAGE * numbers.randrange(1, len(WHOLE) // PAGE)
    return WHOLE[:start] + numbers.randbytes(PAGE) + WHOLE[start + PAGE :]


def cut_short(numbers: random.Random) -> bytes:
    return WHOLE[: numbers.randrange(len(WHOLE))]


def flip(numbers: random.Random, start: int, end: int, whole: bytes = WHOLE) -> bytes:
    place = numbers.randrange(start, end)
    changed = bytes([whole[place] ^ 1 << numbers.randrange(8)])
    return whole[:place] + changed + whole[place + 1 :]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("damage", [not_utf8_in_schema, flip_fifty, random_page, cut_short])
async def test_damaged_bytes_are_never_an_unexpected_exception(
    tmp_path: Path, damage: Callable[[random.Random], bytes]
) -> None:
    file = tmp_path / DB_FILENAME
    with closing(sqlite3.connect(STORES / "5-0.1.0.sqlite")) as connection:
        (task_id,) = connection.execute("SELECT task_id FROM tasks LIMIT 1").fetchone()
    numbers = random.Random(20)
    found: list[str] = []
    for _ in range(int(os.environ.get("FAULTS", "15"))):
        file.write_bytes(damage(numbers))
        os.utime(file, LONG_AGO)
        store = TaskStore(tmp_path, read_only=True, busy_timeout=0.1)
        async with Client(build_server(store)) as client:
            found += mistakes(await every_answer(client, task_id))
    assert found == []
