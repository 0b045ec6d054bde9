"""Laboratories' stores that are kept between runs, each as the data of a PostgreSQL server."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.postgres import ROLE, OwnPostgres, major_version

from benchmarks import mix
from benchmarks.kept import Kept
from benchmarks.lab_stores import fill
from benchmarks.mix import LARGEST_FILE, Mix
from uniqc_mcp.lab.database import schema, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

RECIPE: Final = 1
"""The version of ``lab_stores``, ``lab_copies`` and ``lab_messages``; see ``mix.RECIPE``."""

_MULTIPLIED: Final = 100_000
_BYTES_PER_TASK, _BYTES_PER_COPY = 2_600, 1_500
"""The space on disk while a store is made, rounded up. Copies have no jobs."""

_SETTINGS: Final = {
    "shared_buffers": "512MB",
    "maintenance_work_mem": "512MB",
    "jit": "off",
    # Tables are filled, and indexes built, in the transaction that makes them: without a log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratories:
    """The laboratories' stores below one directory.

    Attributes:
        root: The directory. Stores of another recipe, or of other tables, in it are removed.
        progress: Called with the name of a store, the number of tasks made, and their total.
    """

    root: Path
    progress: Callable[[str, int, int], None]

    @contextmanager
    def of(self, size: int) -> Generator[str]:
        """Start the server of a number of tasks, which ends with the context.

        Up to ``LARGEST_FILE`` they are those of the SQLite file of that size. More are copies of
        a hundred thousand.

        Yields:
            The address of its database, for the role of the service.
        """
        with _server(self.made(size)) as server:
            yield server.address("postgres", role=ROLE)

    def made(self, size: int) -> Path:
        """Return the directory of a number of tasks; the first time it is made, in minutes."""
        if size > LARGEST_FILE and size % _MULTIPLIED:
            raise ValueError(f"{size} is no multiple of {_MULTIPLIED}")
        return self._kept.made(_name_of(size), lambda path: self._load(path, size))

    def bytes_missing(self, sizes: Iterable[int]) -> int:
        """Return the space on disk that those of these sizes need that are not there."""
        return sum(
            size * (_BYTES_PER_TASK if size <= LARGEST_FILE else _BYTES_PER_COPY)
            for size in sizes
            if not self._kept.has(_name_of(size))
        )

    @property
    def _kept(self) -> Kept:
        made_by = hashlib.sha256(repr(tables.MIGRATIONS).encode()).hexdigest()[:8]
        recipe = f"{mix.RECIPE}-{RECIPE}-{made_by}"
        return Kept(root=self.root / "laboratories", recipe=recipe)

    def _load(self, directory: Path, size: int) -> None:
        times = 1 if size <= LARGEST_FILE else size // _MULTIPLIED
        name = _name_of(size)
        with _server(directory) as server, server.connect() as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
            fill(
                connection,
                Mix(size=size // times),
                times=times,
                progress=lambda done: self.progress(name, done * times, size),
            )
            schema.grant(connection, ROLE)
            connection.execute("VACUUM ANALYZE")


def _name_of(size: int) -> str:
    # A server can't read the data of another release.
    return f"lab-{size}-postgresql-{major_version()}"


@contextmanager
def _server(directory: Path) -> Generator[OwnPostgres]:
    """Start a server on the data in a directory, and stop it so that they are complete."""
    server = OwnPostgres(kept_in=directory, **_SETTINGS)
    try:
        yield server
    finally:
        server.stop()
        server.remove()
