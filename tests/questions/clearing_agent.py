"""An agent that reads one channel of each answer alone, and a store of 175 tasks for it."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from mcp_types import TextContent
from tests.server.conftest import TABLES

from uniqc_store import APPLICATION_ID, DB_FILENAME

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client
    from mcp_types import CallToolResult

Channel = Literal["text", "structured"]

# The age of a task that may be cleared counts from the time of the machine.
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
SIZE = 175
LAST_YEAR = {
    "submitted_after": f"{NOW.year - 1}-01-01T00:00Z",
    "submitted_before": f"{NOW.year}-01-01T00:00Z",
}

_BACKENDS = ("originq:WK_C180", "originq:PQPUMESH8", "quafu:ScQ-P18", "ibm:ibm_fez", "dummy")
_STATUSES = (*["success"] * 9, *["failed"] * 5, *["cancelled"] * 2, "running", "pending")
_ERRORS = (
    "submission failed: 401 Unauthorized: the API token is not valid",
    "submission failed: Unauthorized, please log in again",
    "shard 0: failed",
    "compile error: gate not supported",
    None,
)

# Each figure of an answer as its text tells it. A figure that is left out is zero, or empty.
_IN_TEXT = {
    "matched": r"^Plan: clear \d+ of (\d+)",
    "planned": r"^(?:Plan: clear |- planned: )(\d+)",
    "bytes": r"^Plan: .*?, (\d+) bytes?, submitted",
    "left_for_later": r"^Left for another plan: (\d+)\.$",
    "plan_id": r"^plan_id: (\S+) ",
    "cleared": r"^Cleared: (\d+)\.",
    "receipt": r"undo_clear with receipt (\S+) puts",
    "restored": r"^Put back: (\d+)\.",
    "held": r"Still held under the receipt: (\d+)\.",
    "total": r"^(\d+) (?:\w+ )?(?:tasks?|receipts?)\b",
    "next_cursor": r'^More: .*cursor="(.+)"\.$',
    "digest": r"^Digest of these tasks and their platform jobs: (\S+)$",
}


def make_store(directory: Path) -> Path:
    """Write 175 tasks of two years with plain SQL, the same each time; some are batches."""
    numbers = random.Random(12)
    directory.mkdir(exist_ok=True)
    with closing(sqlite3.connect(directory / DB_FILENAME)) as connection, connection:
        connection.executescript(TABLES[5])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 5")
        for number in range(SIZE):
            task_id = f"uqt_{numbers.getrandbits(128):032x}"
            submitted = NOW - (SIZE - number) * timedelta(days=4)
            status = numbers.choice(_STATUSES)
            backend = numbers.choice(_BACKENDS)
            touched = min(submitted + timedelta(hours=numbers.randrange(90)), NOW)
            row = {
                "task_id": task_id,
                "backend": backend,
                "status": status,
                "submit_time": submitted.isoformat(),
                "update_time": touched.isoformat(),
                "result_json": '{"00": 510, "11": 490}' if status == "success" else None,
                "metadata_json": f'{{"task_name": "run-{number % 12}"}}',
                "error_message": numbers.choice(_ERRORS) if status == "failed" else None,
            }
            _insert(connection, "tasks", row)
            for shard in range(numbers.randrange(4)):
                _insert(connection, "task_shards", _job(row, shard))
    return directory


def _job(task: dict[str, Any], shard: int) -> dict[str, Any]:
    return {
        "uniqc_task_id": task["task_id"],
        "shard_index": shard,
        "platform_task_id": f"{task['task_id'][4:12]}-{shard}",
        "circuit_count": 1,
        "sub_index_offset": shard,
        "error_message": None,
        **{
            name: task[name]
            for name in ("backend", "status", "result_json", "submit_time", "update_time")
        },
    }


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    places = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", row)


@dataclass(frozen=True)
class Reading:
    """One answer, of which one channel is read.

    Attributes:
        channel: The channel.
        text: The text of the answer, which only a reader of text sees.
        structured: The structured content, which only a reader of it sees.
    """

    channel: Channel
    text: str
    structured: dict[str, Any]

    def number(self, figure: str) -> int:
        """Return a figure; 0 where the answer leaves it out."""
        return int(self.word(figure) or 0)

    def word(self, figure: str) -> str:
        """Return an id or a cursor; empty where the answer leaves it out."""
        if self.channel == "structured":
            return str(self.structured.get(figure, ""))
        found = re.search(_IN_TEXT[figure], self.text, re.MULTILINE)
        return found[1] if found else ""

    def groups(self) -> dict[tuple[str, str], int]:
        """Return the number of tasks by status and backend."""
        if self.channel == "structured":
            return {
                (group.get("status", ""), group.get("backend", "")): group["count"]
                for group in self.structured.get("groups", [])
            }
        lines = re.findall(r"^- (\d+) (\S+) on (\S+)$", self.text, re.MULTILINE)
        return {(status, backend): int(count) for count, status, backend in lines}

    def excluded(self) -> dict[str, int]:
        """Return the number of tasks that a plan leaves out, by reason."""
        if self.channel == "structured":
            return {
                reason["reason"]: reason["count"] for reason in self.structured.get("excluded", [])
            }
        lines = re.findall(r"^- excluded, (.+): (\d+)(?: \(.*\))?$", self.text, re.MULTILINE)
        return {reason: int(count) for reason, count in lines}

    def ids(self) -> list[str]:
        """Return the ids of the tasks that a page of list_cleared names."""
        if self.channel == "structured":
            return [task["task_id"] for task in self.structured.get("tasks", [])]
        return re.findall(r"^  - (uqt_\w+) ", self.text, re.MULTILINE)

    def receipts(self) -> list[str]:
        """Return the receipts that list_cleared lists."""
        if self.channel == "structured":
            return [receipt["receipt"] for receipt in self.structured.get("receipts", [])]
        return re.findall(r"^- (clr_\w+), cleared ", self.text, re.MULTILINE)

    def table(self) -> dict[str, int]:
        """Return the number of tasks in each row of summarize_tasks."""
        if self.channel == "structured":
            place = self.structured["columns"].index("tasks")
            return {row[0]: row[place] for row in self.structured.get("rows", [])}
        lines = re.findall(r'^- "?(.+?)"?: (\d+), \d+/\d+', self.text, re.MULTILINE)
        return {label: int(count) for label, count in lines}


class Agent:
    """A client that calls tools, and reads one channel of what they answer."""

    def __init__(self, client: Client, channel: Channel) -> None:
        self._client = client
        self._channel: Channel = channel

    async def call(self, tool: str, **arguments: object) -> Reading:
        """Return the answer of a tool, which may not be an error."""
        result = await self._client.call_tool(tool, arguments)
        text = _text(result)
        assert not result.is_error, text
        assert result.structured_content is not None
        return Reading(self._channel, text, dict(result.structured_content))

    async def clear(self, **filters: object) -> tuple[Reading, Reading]:
        """Plan a clear and commit it; return both answers."""
        plan = await self.call("clear_tasks", **filters)
        return plan, await self.call("clear_tasks", plan_id=plan.word("plan_id"))

    async def cleared_ids(self, receipt: str, *, limit: int = 20) -> list[str]:
        """Return the ids of all tasks under a receipt, page by page."""
        ids: list[str] = []
        cursor = ""
        while True:
            page = await self.call("list_cleared", receipt=receipt, limit=limit, cursor=cursor)
            ids += page.ids()
            cursor = page.word("next_cursor")
            if not cursor:
                return ids


def _text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text
