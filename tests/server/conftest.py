"""A cache directory of a test's own, and a client in memory of a server over it."""

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

from uniqc_mcp.server import TaskServer, build_server
from uniqc_store import APPLICATION_ID, DB_FILENAME, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_types import CallToolResult

STORES = Path(__file__).parents[1] / "data" / "stores"
NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)
PLANTED = ("FAKE", "hunter2", "RkFLRQ==")
"""What the real files hold that nobody may see."""

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
"""As uniqc makes them; some damage can't be written through the store."""

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
    """Nothing that nobody sees, that turns text around, or that can't be encoded."""
    odd = {character for character in set(text) if unicodedata.category(character) in _UNSEEN}
    assert odd <= {"\n"}


class Cache:
    """One cache directory, and what is said about it by a server with a clock that stands."""

    stores = STORES
    now = NOW
    planted = PLANTED
    tables = TABLES

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / DB_FILENAME
        self.directory.mkdir(parents=True, exist_ok=True)
        self.said: dict[str, Any] = {}
        """What the manifest tells of a real file's tables of tasks."""

    def copy(self, name: str) -> Cache:
        """Put one of the real files here, as if nobody had written it for long."""
        shutil.copyfile(STORES / name, self.path)
        os.utime(self.path, (NOW.timestamp(), NOW.timestamp()))
        manifest: dict[str, dict[str, Any]] = json.loads((STORES / "manifest.json").read_text())
        nothing: dict[str, Any] = {"count": 0, "by_status": {}, "by_backend": {}}
        self.said = {table: manifest[name]["tables"].get(table, nothing) for table in TASK_TABLES}
        return self

    def ids(self, *tables: str) -> list[str]:
        """The ids in these tables, asked behind the server's back and leaving no trace."""
        uri = f"{self.path.as_uri()}?immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return [
                task_id
                for table in tables or TASK_TABLES
                if self.said[table]["count"]
                for (task_id,) in connection.execute(f"SELECT task_id FROM {table}")
            ]

    def write(self, *tasks: Mapping[str, object], version: int = 1, script: str = "") -> Cache:
        """A file of this version made with plain SQL, with tasks of these columns in it."""
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
        return build_server(self.store, clock=lambda: NOW)

    def client(self, mode: Mode = "auto") -> Client:
        return Client(self.server, mode=mode)

    async def ask(self, tool: str, /, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """Text and structured content of an answer."""
        async with self.client() as client:
            return self.answer(await client.call_tool(tool, arguments))

    async def refusal(self, tool: str, arguments: dict[str, Any]) -> str:
        """Text of an answer that is an error."""
        async with self.client() as client:
            result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert result.structured_content is None
        return self.text(result)

    async def read(self, uri: str) -> str:
        """What is at an address."""
        async with self.client() as client:
            return await self.read_by(client, uri)

    async def unread(self, uri: str) -> ErrorData:
        """Why nothing can be read at an address."""
        async with self.client() as client:
            return await self.unread_by(client, uri)

    @classmethod
    def answer(cls, result: CallToolResult) -> tuple[str, dict[str, Any]]:
        text = cls.text(result)
        assert not result.is_error, text
        assert result.structured_content is not None
        cls.check_sendable(text, result.structured_content)
        return text, result.structured_content

    @staticmethod
    def check_sendable(text: str, structured: dict[str, Any]) -> None:
        """As a strict client reads both channels: two, and no NaN, infinity or half pair."""
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
    async def unread_by(client: Client, uri: str) -> ErrorData:
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
        assert contents.text.encode()  # a half surrogate pair would not reach anybody
        return contents.text


@pytest.fixture
def anyio_backend() -> str:
    """The one that the server is made for; its transport needs it."""
    return "asyncio"


@pytest.fixture(scope="session")
def lasting_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """One whose server outlives the files: building it takes longer than most tests do."""
    return Cache(tmp_path_factory.mktemp("home") / "cache")


@pytest.fixture
def cache(lasting_cache: Cache) -> Cache:
    """An empty one, with nothing beside it."""
    shutil.rmtree(lasting_cache.directory.parent)
    lasting_cache.directory.mkdir(parents=True)
    lasting_cache.said = {}
    return lasting_cache


@pytest.fixture(scope="module")
def still_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """One for the tests of a module that change nothing in it."""
    return Cache(tmp_path_factory.mktemp("still"))


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """The protocol's modern era, and the one before."""
    era: Mode = request.param
    return era


@pytest.fixture(params=sorted(path.name for path in STORES.glob("*.sqlite")))
def real_cache(request: pytest.FixtureRequest, cache: Cache) -> Cache:
    """Each of the files that uniqc's releases wrote."""
    return cache.copy(request.param)


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose zone isn't UTC."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def home(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory, with nothing in it but the cache's directory."""
    home = cache.directory.parent
    monkeypatch.setenv("HOME", str(home))
    return home
