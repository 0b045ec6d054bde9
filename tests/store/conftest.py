"""Files as other programs write and leave them, and other processes."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import settings

from uniqc_store import APPLICATION_ID, DB_FILENAME, TaskStore
from uniqc_store.database.schema import make_version_1, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

STORES = Path(__file__).parents[1] / "data" / "stores"
MANIFEST: dict[str, Any] = json.loads((STORES / "manifest.json").read_text())
REAL_FILES = sorted(MANIFEST)

_MAX_EXAMPLES_WITH_FILES = 40

Test = TypeVar("Test", bound="Callable[..., None]")

_CHILD = Path(__file__).with_name("child.py")
_NOBODY = 65534
_LONG_AGO = (1_000_000_000, 1_000_000_000)


# Property tests

# pytest may read this file before it chooses a profile, and settings made here would not follow the
# profile. So these decorators make the settings when they decorate a test.


def without_deadline(test: Test) -> Test:
    """Remove the deadline of a property test, because the machine may be busy."""
    return settings(deadline=None)(test)


def with_files(test: Test) -> Test:
    """Remove the deadline and limit the examples of a property test that creates files."""
    return settings(deadline=None, max_examples=_MAX_EXAMPLES_WITH_FILES)(test)


# Files


@dataclass(frozen=True)
class NotUtf8:
    """Bytes that are stored as text although they are not UTF-8."""

    stored: bytes


def connect(directory: Path, *, timeout: float = 5.0) -> sqlite3.Connection:
    """Return a connection of another program, in autocommit mode."""
    return sqlite3.connect(directory / DB_FILENAME, isolation_level=None, timeout=timeout)


def execute(directory: Path, *statements: str) -> None:
    """Open the file, execute statements and close it, as another program would."""
    with closing(connect(directory)) as connection:
        for statement in statements:
            connection.execute(statement)


def insert(where: Path | sqlite3.Connection, task_id: object, **columns: object) -> None:
    """Insert a row into ``tasks``, or into another ``table``, without the store."""
    if isinstance(where, Path):
        with closing(connect(where)) as connection:
            insert(connection, task_id, **columns)
        return
    table = columns.pop("table", "tasks")
    row: dict[str, object] = {
        "task_id": task_id,
        "backend": "originq:WK_C180",
        "status": "running",
        "shots": 1000,
        "submit_time": "2026-08-01T09:00:00+00:00",
        "update_time": "2026-08-01T09:00:00+00:00",
        "metadata_json": "{}",
        **columns,
    }
    places = ["CAST(? AS TEXT)" if isinstance(value, NotUtf8) else "?" for value in row.values()]
    values = [value.stored if isinstance(value, NotUtf8) else value for value in row.values()]
    where.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(places)})", values)


def insert_shard(where: Path, task_id: str, platform_task_id: str, **columns: object) -> None:
    """Insert a platform job of a task into ``task_shards``, or into another ``table``."""
    row: dict[str, object] = {
        "uniqc_task_id": task_id,
        "shard_index": 0,
        "platform_task_id": platform_task_id,
        "backend": "originq:WK_C180",
        "circuit_count": 1,
        "sub_index_offset": 0,
        "status": "running",
        "submit_time": "2026-08-01T09:00:00+00:00",
        "update_time": "2026-08-01T09:00:00+00:00",
        **columns,
    }
    table = row.pop("table", "task_shards")
    with closing(connect(where)) as connection:
        connection.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})",
            list(row.values()),
        )


def make_store(directory: Path, *, version: int = 1) -> Path:
    """Create a store in rollback mode, with a schema version that the test chooses."""
    directory.mkdir(exist_ok=True)
    with closing(connect(directory)) as connection:
        make_version_1(connection)
        stamp(connection, version)
    return directory


def insert_all(directory: Path, tasks: Iterable[dict[str, object]]) -> Path:
    """Insert tasks in one transaction, each with the arguments of :func:`insert`."""
    with closing(connect(directory)) as connection:
        connection.execute("BEGIN")
        for task in tasks:
            insert(connection, **task)
        connection.execute("COMMIT")
    return directory


def fill(directory: Path, *task_ids: str, **columns: object) -> Path:
    """Insert tasks that differ only in their ids, in one transaction."""
    return insert_all(directory, ({"task_id": task_id, **columns} for task_id in task_ids))


def copy_real(name: str, directory: Path) -> Path:
    """Copy a file that a release of uniqc wrote into a cache directory."""
    shutil.copyfile(STORES / name, directory / DB_FILENAME)
    return directory


def copy_as_killed(directory: Path, target: Path) -> Path:
    """Copy the files as a kill at this moment would leave them, without the ``-shm``."""
    target.mkdir()
    for suffix in ("", "-wal", "-journal"):
        file = directory / (DB_FILENAME + suffix)
        if file.exists():
            shutil.copyfile(file, target / file.name)
    return target


def copy_with_hot_journal(tmp_path: Path) -> Path:
    """Create thirty tasks, partly overwritten, with the rollback journal of a killed process."""
    live = make_store(tmp_path / "live")
    note = '{"note": "' + "x" * 5000 + '"}'
    fill(live, *(f"task-{number}" for number in range(30)), metadata_json=note)
    with closing(connect(live)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE tasks SET status = 'lost', metadata_json = metadata_json || ' '")
        return copy_as_killed(live, tmp_path / "killed")


def backdate(directory: Path) -> Path:
    """Set the times of all files to years ago."""
    for file in directory.iterdir():
        os.utime(file, _LONG_AGO)
    return directory


def files(directory: Path) -> dict[str, bytes]:
    """Return the contents of all files in a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def header(directory: Path) -> tuple[int, int]:
    """Return ``application_id`` and ``user_version``."""
    with closing(connect(directory)) as connection:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application_id, version


def tables(directory: Path) -> set[str]:
    with closing(connect(directory)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in names}


def check_free(directory: Path) -> None:
    """Check that nobody holds a lock or has the file open, by locking it exclusively."""
    with closing(connect(directory, timeout=0)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
    with closing(connect(directory)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def open_files(directory: Path) -> dict[str, int]:
    """Return the open files of this process in a directory, with their access modes."""
    found: dict[str, int] = {}
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = descriptor.readlink()
            info = Path("/proc/self/fdinfo", descriptor.name).read_text()
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
        if target.parent == directory:
            flags = int(info.partition("flags:")[2].split()[0], 8)
            found[target.name] = flags & os.O_ACCMODE
    return found


def times_opened(path: Path) -> int:
    """Return the number of times that this process has a file open."""
    descriptors = list(Path("/proc/self/fd").iterdir())
    return sum(os.path.realpath(descriptor) == str(path) for descriptor in descriptors)


@pytest.fixture
def store(tmp_path: Path) -> TaskStore:
    """Return a new store that waits long for locks, because the machine may be busy."""
    return TaskStore(tmp_path / "cache", busy_timeout=30)


@pytest.fixture(scope="session")
def fresh_directory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that creates a directory for each example of a property test."""
    base = tmp_path_factory.mktemp("examples")
    numbers = count()

    def make() -> Path:
        directory = base / str(next(numbers))
        directory.mkdir()
        return directory

    return make


@pytest.fixture(params=REAL_FILES)
def real_name(request: pytest.FixtureRequest) -> str:
    """Return the name of each file that a release of uniqc wrote."""
    name = request.param
    assert isinstance(name, str)
    return name


@pytest.fixture
def real_directory(real_name: str, tmp_path: Path) -> Path:
    return copy_real(real_name, tmp_path)


def v5_directory(directory: Path) -> Path:
    """Create an empty store of uniqc 0.1.0, with its tables for shards and the archive."""
    copy_real("5-0.1.0.sqlite", directory)
    execute(
        directory,
        "PRAGMA foreign_keys = ON",
        "DELETE FROM tasks",
        "DELETE FROM archived_tasks",
        "DELETE FROM archived_task_shards",
    )
    assert header(directory) == (APPLICATION_ID, 5)
    return directory


@contextmanager
def local_time_zone(zone: str) -> Generator[None]:
    """Set the local time zone by a POSIX rule, which needs no time zone database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def in_china() -> Generator[None]:
    """Set the local time zone to UTC+8."""
    with local_time_zone("CST-8"):
        yield


# Permissions


@contextmanager
def unprivileged() -> Generator[None]:
    """Give up root's privileges, which override file permissions."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public_directory() -> Generator[Path]:
    """Return a directory that every user may read, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="uniqc-store-test-") as name:
        directory = Path(name)
        directory.chmod(0o555)
        # If permissions had no effect, the tests that use this directory could not fail.
        with unprivileged(), pytest.raises(PermissionError):
            (directory / "not allowed").touch()
        directory.chmod(0o755)
        yield directory
        directory.chmod(0o755)


# Processes


class Child:
    """Another process that runs one function of child.py."""

    def __init__(self, program: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_CHILD), program, *(str(argument) for argument in arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def receive(self) -> Any:
        """Return the next message of the process."""
        line = _stream(self._process.stdout).readline()
        assert line, f"the other process ended with {self._process.wait()}"
        return json.loads(line)

    def resume(self) -> None:
        """Let the process take its next step."""
        stdin = _stream(self._process.stdin)
        stdin.write("\n")
        stdin.flush()

    def finish(self) -> Any:
        """Let the process end, and return its last message."""
        self.resume()
        message = self.receive()
        self.wait(0)
        return message

    def wait(self, code: int) -> None:
        assert self._process.wait() == code

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
        _stream(self._process.stdout).close()
        _stream(self._process.stdin).close()


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@pytest.fixture
def start() -> Generator[Callable[..., Child]]:
    """Return a function that starts other processes. They are killed after the test."""
    children: list[Child] = []

    def start(program: str, *arguments: object) -> Child:
        children.append(Child(program, *arguments))
        return children[-1]

    yield start
    for child in children:
        child.close()
