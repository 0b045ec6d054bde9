"""Stores with one record each, whose obvious reading is wrong."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Cache

CASES = Path(__file__).parents[2] / "data" / "cases"
TASK_ID = "uqt_00000000000000000000000000000001"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
"""A time after the last write to any of the stores."""


@pytest.fixture
def case(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cache]:
    """Put one of these stores into the cache directory, changed by statements."""

    def put(name: str, *statements: str) -> Cache:
        monkeypatch.setattr(cache, "now", NOW)
        shutil.copyfile(CASES / f"{name}.sqlite", cache.path)
        for statement in statements:
            cache.change(statement)
        os.utime(cache.path, (cache.now.timestamp(), cache.now.timestamp()))
        return cache

    return put
