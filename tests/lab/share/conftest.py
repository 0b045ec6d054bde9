"""A cache directory to share, and a server in memory that takes it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.lab.share.fake_server import FakeServer
from tests.lab.share.http_server import listening

if TYPE_CHECKING:
    from collections.abc import Generator

STORE = Path(__file__).parents[2] / "data" / "stores" / "5-0.1.0.sqlite"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return a cache directory with the tasks of a real release."""
    directory = tmp_path / "cache"
    directory.mkdir()
    shutil.copy(STORE, directory / "tasks.sqlite")
    return directory


@pytest.fixture
def server() -> FakeServer:
    """Return a server that holds nothing yet."""
    return FakeServer()


@pytest.fixture
def address(server: FakeServer) -> Generator[str]:
    """Return the address at which the server listens."""
    with listening(server) as found:
        yield found
