"""Stores of each kind, filled with the same records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.contract.postgres_loader import PostgresLoader
from tests.contract.records import GENERATED, RELEASED, Loader, StoredTask, records_of
from tests.contract.sqlite_loader import SqliteLoader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uniqc_mcp.questions.store import ReadableStore

LOADERS: dict[str, Callable[[Path], Loader]] = {
    "sqlite": SqliteLoader,
    "postgres": PostgresLoader,
}
"""How a store of each kind is made in an empty directory."""


@dataclass(frozen=True)
class Filled:
    """A store, and the records that were loaded into it."""

    store: ReadableStore
    tasks: tuple[StoredTask, ...]

    @property
    def live(self) -> list[StoredTask]:
        return [task for task in self.tasks if not task.archived]

    @property
    def archived(self) -> list[StoredTask]:
        return [task for task in self.tasks if task.archived]


@pytest.fixture(scope="session", params=LOADERS)
def kind(request: pytest.FixtureRequest) -> str:
    """Run with each kind of store."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def loader(kind: str, tmp_path: Path) -> Loader:
    """Return the loader of an empty store, which a test may write."""
    return LOADERS[kind](tmp_path)


@pytest.fixture(scope="session", params=[*RELEASED, *GENERATED])
def filled(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Filled:
    """Return a store with the records of each released file, and with generated ones."""
    loader = LOADERS[kind](tmp_path_factory.mktemp("contract"))
    tasks = tuple(loader.taken(task) for task in records_of(request.param))
    return Filled(store=loader.load(tasks), tasks=tasks)
