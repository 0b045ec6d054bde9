"""A cache directory for each test, and in-memory clients of a server that reads it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
import unicodedata
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ErrorData, TextContent, TextResourceContents
from tests.structured_content import Content

from uniqc_mcp.server import build_server
from uniqc_store import APPLICATION_ID, DB_FILENAME, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_types import CallToolResult

    from uniqc_mcp.task_server import TaskServer

STORES = Path(__file__).parents[1] / "data" / "stores"
NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)
PLANTED = ("FAKE", "hunter2", "RkFLRQ==")
"""Credentials in the real files. No output may contain them."""

_UNSEEN = ("Cc", "Cf", "Co", "Cs")

Mode = Literal["auto", "legacy"]

_COLUMNS = """
    task_id TEXT PRIMARY KEY, backend TEXT NOT NULL, status TEXT NOT NULL,
    shots INTEGER NOT NULL DEFAULT 0, submit_time TEXT NOT NULL, update_time TEXT NOT NULL,
    result_json TEXT, metadata_json TEXT NOT NULL DEFAULT '{}'"""

TABLES = {
    1: f"CREATE TABLE tasks ({_COLUMNS});",
    5: f"""
        CREATE TABLE tasks ({_COLUMNS}, error_message TEXT);
        CREATE TABLE archived_tasks ({_COLUMNS}, archived_at TEXT NOT NULL, error_message TEXT);
        CREATE TABLE task_shards (
            uniqc_task_id TEXT NOT NULL REFERENCES tasks(task_id) ON DELETE CASCADE,
            shard_index INTEGER NOT NULL, platform_task_id TEXT NOT NULL, backend TEXT NOT NULL,
            circuit_count INTEGER NOT NULL, sub_index_offset INTEGER NOT NULL, status TEXT NOT NULL,
            result_json TEXT, error_message TEXT, submit_time TEXT NOT NULL,
            update_time TEXT NOT NULL, PRIMARY KEY (uniqc_task_id, shard_index));
    """,
}
"""The tables as uniqc creates them. Some damage cannot be written through the store."""

TASK_TABLES = ("tasks", "archived_tasks")

_TASK = {
    "task_id": "task-000001",
    "backend": "originq:WK_C180",
    "status": "success",
    "shots": 1000,
    "submit_time": "2026-11-03T12:00:00+00:00",
    "update_time": "2026-11-03T12:00:00+00:00",
}


def check_clean(text: str) -> None:
    """Fail if a text has invisible, bidirectional, private-use or surrogate characters."""
    odd = {character for character in set(text) if unicodedata.category(character) in _UNSEEN}
    assert odd <= {"\n"}


class Cache:
    """One cache directory, and a server over it with a fixed clock."""

    stores = STORES
    now = NOW
    planted = PLANTED
    tables = TABLES

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / DB_FILENAME
        self.directory.mkdir(parents=True, exist_ok=True)
        self.manifest: dict[str, Any] = {}
        """The figures in ``manifest.json`` for the task tables of the copied file."""

    def copy(self, name: str) -> Cache:
        """Copy one of the real files here, with a modification time far from the present."""
        shutil.copyfile(STORES / name, self.path)
        os.utime(self.path, (NOW.timestamp(), NOW.timestamp()))
        manifest: dict[str, dict[str, Any]] = json.loads((STORES / "manifest.json").read_text())
        nothing: dict[str, Any] = {"count": 0, "by_status": {}, "by_backend": {}}
        self.manifest = {
            table: manifest[name]["tables"].get(table, nothing) for table in TASK_TABLES
        }
        return self

    def ids(self, *tables: str) -> list[str]:
        """Return the ids in these tables, without the server and without creating files."""
        uri = f"{self.path.as_uri()}?immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return [
                task_id
                for table in tables or TASK_TABLES
                if self.manifest[table]["count"]
                for (task_id,) in connection.execute(f"SELECT task_id FROM {table}")
            ]

    def write(self, *tasks: Mapping[str, object], version: int = 1, script: str = "") -> Cache:
        """Create a file of this schema version with plain SQL, and insert these tasks."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.executescript(TABLES[1 if version < 5 else 5])
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version}")
            for number, task in enumerate(tasks, 1):
                row: dict[str, object] = {**_TASK, "task_id": f"task-{number:06}", **task}
                places = ", ".join(f":{name}" for name in row)
                connection.execute(f"INSERT INTO tasks ({', '.join(row)}) VALUES ({places})", row)
            connection.commit()
            connection.executescript(script)
        return self

    def change(self, statement: str, *values: object) -> None:
        """Run one statement on the file, as another process would."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(statement, values)
            connection.commit()

    @cached_property
    def store(self) -> TaskStore:
        return TaskStore(self.directory, read_only=True, busy_timeout=0.1)

    @cached_property
    def server(self) -> TaskServer:
        return build_server(self.store, clock=lambda: self.now)

    def client(self, mode: Mode = "auto") -> Client:
        return Client(self.server, mode=mode)

    async def ask(self, tool: str, /, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """Return the text and the structured content of an answer."""
        async with self.client() as client:
            return self.answer(await client.call_tool(tool, arguments))

    async def refusal(self, tool: str, arguments: dict[str, Any]) -> str:
        """Return the text of an answer that is an error."""
        async with self.client() as client:
            result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert result.structured_content is None
        return self.text(result)

    async def read(self, uri: str) -> str:
        """Return the text of the resource at a URI."""
        async with self.client() as client:
            return await self.read_by(client, uri)

    async def read_error(self, uri: str) -> ErrorData:
        """Return the error of reading a URI."""
        async with self.client() as client:
            return await self.read_error_by(client, uri)

    @classmethod
    def answer(cls, result: CallToolResult) -> tuple[str, dict[str, Any]]:
        text = cls.text(result)
        assert not result.is_error, text
        assert result.structured_content is not None
        cls.check_sendable(text, result.structured_content)
        return text, Content.of(result.structured_content)

    @staticmethod
    def check_sendable(text: str, structured: dict[str, Any]) -> None:
        """Check both channels as a strict client does.

        The structured content must have no NaN, infinity or lone surrogate. The text must not be
        JSON.
        """
        encoded = json.dumps(structured, allow_nan=False, ensure_ascii=False)
        check_clean(encoded)
        check_clean(text)
        with pytest.raises(ValueError, match=r"."):
            json.loads(text)

    @staticmethod
    def text(result: CallToolResult) -> str:
        (content,) = result.content
        assert isinstance(content, TextContent)
        check_clean(content.text)
        return content.text

    @staticmethod
    async def read_error_by(client: Client, uri: str) -> ErrorData:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
        check_clean(caught.value.error.message)
        return caught.value.error

    @staticmethod
    async def read_by(client: Client, uri: str) -> str:
        (contents,) = (await client.read_resource(uri)).contents
        assert isinstance(contents, TextResourceContents)
        assert contents.uri == uri
        assert contents.mime_type == "application/json"
        assert contents.text.encode()  # a lone surrogate could not be sent
        return contents.text


@pytest.fixture
def anyio_backend() -> str:
    """Return asyncio, which the transport of the server needs."""
    return "asyncio"


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Share one server between all tests: building it takes longer than most tests."""
    return Cache(tmp_path_factory.mktemp("home") / "cache")


@pytest.fixture
def cache(session_cache: Cache) -> Cache:
    """Return the shared cache, with its directory and the parent emptied."""
    shutil.rmtree(session_cache.directory.parent)
    session_cache.directory.mkdir(parents=True)
    session_cache.manifest = {}
    # The server is the same for all tests, and would say that the file of the last one is gone.
    session_cache.store._access.cache.file_was_read = False  # pyright: ignore[reportPrivateUsage]
    return session_cache


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Share one cache between the tests of a module."""
    return Cache(tmp_path_factory.mktemp("module"))


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Run with the modern and with the legacy protocol."""
    era: Mode = request.param
    return era


@pytest.fixture(params=sorted(path.name for path in STORES.glob("*.sqlite")))
def real_cache(request: pytest.FixtureRequest, cache: Cache) -> Cache:
    """Run with each of the files that releases of uniqc wrote."""
    return cache.copy(request.param)


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set a local time zone other than UTC."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def home(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home directory that contains only the cache directory."""
    home = cache.directory.parent
    monkeypatch.setenv("HOME", str(home))
    return home
