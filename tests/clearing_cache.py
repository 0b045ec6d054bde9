"""A cache that a server may clear, a clock that the test sets, and a simulated user."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

import pytest
from mcp import Client
from mcp_types import ElicitResult, TextContent
from tests.structured_content import Content

from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import ClearSettings, Confirm, Settings
from uniqc_store import CLEARED_FILENAME, DB_FILENAME, ClearPolicy, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mcp.client.session import ClientRequestContext
    from mcp.shared.dispatcher import ProgressFnT
    from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams

    from uniqc_mcp.task_server import TaskServer

STORES = Path(__file__).parents[0] / "data" / "stores"
NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)

Mode = Literal["auto", "legacy"]
Rows = dict[str, list[tuple[object, ...]]]

_FILL = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO tasks SELECT :prefix || '-' || i, :backend, :status, 1000,
        strftime('%Y-%m-%dT%H:%M:%S+00:00', '2025-01-01', i || ' seconds'), :touched,
        :result, :metadata FROM n
"""


class Person:
    """A user at the client, who answers the questions of the server."""

    def __init__(self) -> None:
        self.asked: list[ElicitRequestFormParams] = []
        self.action: Literal["accept", "decline", "cancel"] = "accept"
        self.typed: object = 0
        self.before_answer: Callable[[], None] = lambda: None

    async def __call__(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        assert params.mode == "form"
        self.asked.append(params)
        self.before_answer()
        if self.action != "accept":
            return ElicitResult(action=self.action)
        content: Any = {"tasks_to_clear": self.typed}
        return ElicitResult(action="accept", content=content)


class Cache:
    """A cache directory, and servers that use it."""

    store_name = DB_FILENAME

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / DB_FILENAME
        self.elapsed = timedelta(0)
        self.clock: Callable[[], datetime] = lambda: NOW + self.elapsed
        directory.mkdir()

    def copy(self, name: str = "5-0.1.0.sqlite") -> Self:
        """Copy a file that uniqc wrote, with an old modification time."""
        shutil.copyfile(STORES / name, self.path)
        return self.backdate()

    def backdate(self) -> Self:
        """Set an old modification time, so that a reader leaves no trace beside the file."""
        os.utime(self.path, (1_700_000_000, 1_700_000_000))
        return self

    def fill(
        self,
        count: int,
        *,
        prefix: str = "task",
        backend: str = "dummy",
        status: str = "success",
        touched: datetime = datetime(2025, 1, 2, tzinfo=UTC),
        result: str | None = None,
        name: str = "",
    ) -> Self:
        """Insert tasks that were submitted one second apart."""
        TaskStore(self.directory)
        metadata = json.dumps({"task_name": name} if name else {}, ensure_ascii=False)
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(
                _FILL,
                {
                    "count": count,
                    "prefix": prefix,
                    "backend": backend,
                    "status": status,
                    "touched": touched.isoformat(),
                    "result": result,
                    "metadata": metadata,
                },
            )
        return self.backdate()

    def change(self, statement: str) -> None:
        """Execute a statement as another process would."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)

    def rows(self) -> Rows:
        return all_rows(self.path)

    def ids(self) -> list[str]:
        """Return the ids of the tasks in the store."""
        return _ids(self.path, "tasks")

    def held_ids(self) -> list[str]:
        """Return the ids of the tasks that an undo can restore."""
        return _ids(self.directory / CLEARED_FILENAME, "cleared_tasks")

    def files(self) -> dict[str, str]:
        """Return a hash of each file in the directory."""
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.directory.iterdir()
        }

    def store_files(self) -> dict[str, str]:
        """Return a hash of each file but the one of copies and plans."""
        files = self.files()
        files.pop(CLEARED_FILENAME, None)
        return files

    @property
    def store(self) -> TaskStore:
        return TaskStore(self.directory, read_only=True)

    def settings(
        self,
        *,
        clears: bool = True,
        policy: ClearPolicy = ClearPolicy(),  # noqa: B008 - it is frozen
        confirm: Confirm = "plan",
    ) -> Settings:
        clearing = ClearSettings(policy=policy, confirm=confirm) if clears else None
        return Settings(cache_dir=self.directory, clearing=clearing)

    def server(self, settings: Settings | None = None) -> TaskServer:
        settings = settings or self.settings()
        return build_server(build_store(settings), settings, clock=self.clock)

    def client(
        self, mode: Mode = "auto", settings: Settings | None = None, person: Person | None = None
    ) -> Client:
        return Client(self.server(settings), mode=mode, elicitation_callback=person)

    @classmethod
    async def call(
        cls,
        client: Client,
        tool: str,
        progress: ProgressFnT | None = None,
        /,
        **arguments: object,
    ) -> tuple[str, dict[str, Any]]:
        """Return the text and the structured content of an answer."""
        result = await client.call_tool(tool, arguments, progress_callback=progress)
        text = cls.text(result)
        assert not result.is_error, text
        assert result.structured_content is not None
        return text, Content.of(result.structured_content)

    @classmethod
    async def refusal(cls, client: Client, tool: str, /, **arguments: object) -> str:
        """Return the text of an answer that is an error."""
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert "Traceback" not in cls.text(result)
        return cls.text(result)

    @staticmethod
    def text(result: CallToolResult) -> str:
        (content,) = result.content
        assert isinstance(content, TextContent)
        return content.text


def all_rows(path: Path) -> Rows:
    """Return every row of every table: rowid, values and their types."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = _as_text
        tables = connection.execute(
            "SELECT CAST(name AS BLOB) FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        return {
            name.decode(): connection.execute(
                f"SELECT rowid, * FROM {name.decode()} ORDER BY rowid"
            ).fetchall()
            for (name,) in tables
        }


def _as_text(raw: bytes) -> tuple[str, bytes]:
    """Mark text, so that it differs from a BLOB of the same bytes. It need not be UTF-8."""
    return "text", raw


def _ids(path: Path, table: str) -> list[str]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        return [task_id for (task_id,) in connection.execute(f"SELECT task_id FROM {table}")]


class LineClient:
    """A client that sends lines of the older protocol revisions to the command in a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        client = {"name": "lines", "version": "0"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        self.send("initialize", hello, number=0)
        self.receive()
        self.send("notifications/initialized", {})

    @property
    def stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def send(self, method: str, params: dict[str, Any], *, number: int | None = None) -> None:
        assert self.process.stdin is not None
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.stdout.readline())
        return message

    def call(self, number: int, tool: str, **arguments: object) -> None:
        params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": number}}
        self.send("tools/call", params, number=number)


@pytest.fixture
def anyio_backend() -> str:
    """Return asyncio, which the server's transport needs."""
    return "asyncio"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Return a generation of the protocol: the modern one, or the one before."""
    mode: Mode = request.param
    return mode


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def spawn(cache: Cache) -> Generator[Callable[..., LineClient]]:
    """Return a function that starts the command on the cache. It is killed after the test.

    `code` is run before the command, in its process.
    """
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, code: str = "") -> LineClient:
        program = f"{code}\nfrom uniqc_mcp.cli.commands import main\nmain()"
        process = subprocess.Popen(
            [sys.executable, "-c", program, "--cache-dir", str(cache.directory), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        started.append(process)
        return LineClient(process)

    yield start
    for process in started:
        with process:
            process.kill()
