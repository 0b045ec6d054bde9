"""Ten jobs of an unattended agent that clears, told by one channel of the answers alone.

Each figure is compared with plain SQL on the file.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from tests.clearing_cache import all_rows
from tests.questions.clearing_agent import LAST_YEAR, NOW, SIZE, Agent, Channel, make_store

from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import DB_FILENAME, ClearPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

MAX_ROWS = 30
MIN_AGE = timedelta(days=14, minutes=30)
POLICY = ClearPolicy(statuses=("success", "failed"), min_age=MIN_AGE, max_rows=MAX_ROWS)
OLD = f"update_time < '{(NOW - MIN_AGE).isoformat()}'"
ALLOWED = f"status IN ('success', 'failed') AND {OLD}"
IN_LAST_YEAR = f"submit_time >= '{NOW.year - 1}' AND submit_time < '{NOW.year}'"


@pytest.fixture
def anyio_backend() -> str:
    """Return asyncio, which the transport of the server needs."""
    return "asyncio"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return make_store(tmp_path / "cache")


@pytest.fixture(params=["text", "structured"])
def channel(request: pytest.FixtureRequest) -> Channel:
    channel: Channel = request.param
    return channel


@asynccontextmanager
async def agent_of(directory: Path, channel: Channel) -> AsyncGenerator[Agent]:
    settings = Settings(cache_dir=directory, clearing=ClearSettings(policy=POLICY, confirm="plan"))
    server = build_server(build_store(settings), settings)
    async with Client(server) as client:
        yield Agent(client, channel)


@asynccontextmanager
async def agent_of_new_process(directory: Path, channel: Channel) -> AsyncGenerator[Agent]:
    limits = ["--allow-clear", "success,failed", "--confirm", "plan"]
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "uniqc_mcp", "--cache-dir", str(directory), *limits]
    )
    async with Client(stdio_client(server)) as client:
        yield Agent(client, channel)


def rows(directory: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(directory / DB_FILENAME)) as connection:
        return connection.execute(statement).fetchall()


def ids(directory: Path, condition: str = "TRUE") -> set[str]:
    return {
        task_id for (task_id,) in rows(directory, f"SELECT task_id FROM tasks WHERE {condition}")
    }


def count(directory: Path, condition: str = "TRUE") -> int:
    return len(ids(directory, condition))


async def test_how_many_could_go_at_most(directory: Path, channel: Channel) -> None:
    async with agent_of(directory, channel) as agent:
        plan = await agent.call("clear_tasks")
    finished = "status IN ('success', 'failed', 'cancelled')"
    assert plan.number("matched") == count(directory, finished)
    assert plan.number("planned") == MAX_ROWS
    assert MAX_ROWS + plan.number("left_for_later") == count(directory, ALLOWED) > MAX_ROWS
    assert sum(plan.groups().values()) == MAX_ROWS
    excluded = plan.excluded()
    assert sum(excluded.values()) == plan.number("matched") - MAX_ROWS
    by_status, by_age, by_rows = excluded.values()
    assert by_status == count(directory, "status = 'cancelled'")
    assert by_age == count(directory, f"status IN ('success', 'failed') AND NOT {OLD}") > 0
    assert by_rows == plan.number("left_for_later")
    assert plan.number("bytes") == planned_bytes(directory)
    assert count(directory) == SIZE


def planned_bytes(directory: Path) -> int:
    """Return the bytes of the oldest tasks that may go, and of their jobs."""
    oldest = f"SELECT * FROM tasks WHERE {ALLOWED} ORDER BY submit_time LIMIT {MAX_ROWS}"
    jobs = f"SELECT * FROM task_shards WHERE uniqc_task_id IN (SELECT task_id FROM ({oldest}))"
    values = [value for row in rows(directory, oldest) + rows(directory, jobs) for value in row]
    return sum(len(str(value).encode()) for value in values if value is not None)


async def test_everything_of_last_year_but_one_platform(directory: Path, channel: Channel) -> None:
    kept = "backend = 'quafu:ScQ-P18'"
    wanted = ids(directory, f"{ALLOWED} AND {IN_LAST_YEAR} AND NOT {kept}")
    before = ids(directory)
    removed: set[str] = set()
    async with agent_of(directory, channel) as agent:
        later = 1
        while later:
            plan, done = await agent.clear(**LAST_YEAR, except_backend=["quafu"])
            assert not any(backend.startswith("quafu") for _, backend in plan.groups())
            removed |= before - ids(directory) - removed
            assert done.number("cleared") == plan.number("planned")
            later = plan.number("left_for_later")
    assert removed == wanted
    assert len(wanted) > MAX_ROWS
    assert count(directory, kept) > 0


async def test_which_exactly_went(directory: Path, channel: Channel) -> None:
    before = ids(directory)
    async with agent_of(directory, channel) as agent:
        _, done = await agent.clear(status="success")
        receipt = done.word("receipt")
        page = await agent.call("list_cleared", receipt=receipt, limit=7)
        named = await agent.cleared_ids(receipt, limit=7)
        (task_id, *_) = named
        task = await agent.call("get_task", task_id=task_id)
    assert page.number("total") == done.number("cleared") == len(named) == MAX_ROWS
    assert set(named) == before - ids(directory)
    assert receipt in str(task.structured if channel == "structured" else task.text)


async def test_some_are_put_back(directory: Path, channel: Channel) -> None:
    on_originq = "backend LIKE 'originq:%'"
    before, before_on_originq = ids(directory), ids(directory, on_originq)
    async with agent_of(directory, channel) as agent:
        _, done = await agent.clear()
        receipt = done.word("receipt")
        gone = await agent.cleared_ids(receipt)
        some = await agent.call("undo_clear", receipt=receipt, task_ids=gone[:3])
        assert ids(directory) == (before - set(gone)) | set(gone[:3])
        more = await agent.call("undo_clear", receipt=receipt, backend="originq")
        left = await agent.cleared_ids(receipt)
    assert some.number("restored") == 3
    assert some.number("held") == MAX_ROWS - 3
    assert more.number("held") == MAX_ROWS - 3 - more.number("restored") == len(left)
    assert set(left) == before - ids(directory)
    assert ids(directory, on_originq) == before_on_originq


async def test_the_failed_ones_about_credentials(directory: Path, channel: Channel) -> None:
    about = "status = 'failed' AND error_message LIKE '%unauthorized%'"
    wanted = ids(directory, f"{about} AND {OLD}")
    async with agent_of(directory, channel) as agent:
        summary = await agent.call("summarize_tasks", status="failed", group_by=["error"])
        reasons = {error: n for error, n in summary.table().items() if "nauthorized" in error}
        plan, done = await agent.clear(status="failed", error_contains="unauthorized")
        gone = await agent.cleared_ids(done.word("receipt"))
    assert len(reasons) == 2
    assert sum(reasons.values()) == plan.number("matched")
    assert plan.number("matched") - sum(plan.excluded().values()) == len(wanted) > 1
    assert set(gone) == wanted
    assert ids(directory, f"{about} AND {OLD}") == set()


async def test_all_that_may_go(directory: Path, channel: Channel) -> None:
    allowed, cleared = count(directory, ALLOWED), 0
    async with agent_of(directory, channel) as agent:
        while (plan := await agent.call("clear_tasks")).word("plan_id"):
            done = await agent.call("clear_tasks", plan_id=plan.word("plan_id"))
            cleared += done.number("cleared")
        counted = await agent.call("count_tasks")
    assert cleared == allowed
    assert counted.number("total") == count(directory) == SIZE - allowed
    assert count(directory, ALLOWED) == 0
    assert plan.number("planned") == 0


async def test_all_clears_are_undone_and_a_digest_proves_it(
    directory: Path, channel: Channel
) -> None:
    whole = all_rows(directory / DB_FILENAME)
    async with agent_of(directory, channel) as agent:
        before = await agent.call("count_tasks", digest=True)
        while (plan := await agent.call("clear_tasks")).word("plan_id"):
            await agent.call("clear_tasks", plan_id=plan.word("plan_id"))
        between = await agent.call("count_tasks", digest=True)
        restored = 0
        listed = await agent.call("list_cleared")
        for receipt in listed.receipts():
            restored += (await agent.call("undo_clear", receipt=receipt)).number("restored")
        after = await agent.call("count_tasks", digest=True)
        none_left = await agent.call("list_cleared")
    assert listed.number("total") == len(listed.receipts()) > 1
    assert restored == before.number("total") - between.number("total") > MAX_ROWS
    assert len(before.word("digest")) == 32
    assert before.word("digest") == after.word("digest") != between.word("digest")
    assert none_left.receipts() == []
    assert sorted_rows(all_rows(directory / DB_FILENAME)) == sorted_rows(whole)


def sorted_rows(found: dict[str, list[tuple[object, ...]]]) -> dict[str, list[str]]:
    """Return all rows without their numbers, which an undo may change."""
    return {table: sorted(str(row[1:]) for row in stored) for table, stored in found.items()}


async def test_a_digest_shows_that_one_byte_of_one_job_differs(
    directory: Path, channel: Channel
) -> None:
    async with agent_of(directory, channel) as agent:
        before = await agent.call("count_tasks", digest=True)
        with closing(sqlite3.connect(directory / DB_FILENAME)) as connection, connection:
            connection.execute(
                "UPDATE task_shards SET circuit_count = 2 WHERE rowid = "
                "(SELECT MAX(rowid) FROM task_shards)"
            )
        after = await agent.call("count_tasks", digest=True)
    assert before.number("total") == after.number("total") == SIZE
    assert before.word("digest") != after.word("digest")


async def test_a_plan_is_dropped(directory: Path, channel: Channel) -> None:
    async with agent_of(directory, channel) as agent:
        plan = await agent.call("clear_tasks")
        plan_id = plan.word("plan_id")
        dropped = await agent.call("clear_tasks", plan_id=plan_id, drop=True)
        refused = await agent.call("clear_tasks", plan_id=plan_id)
        listed = await agent.call("list_cleared")
    assert told_state(dropped.text, dropped.structured) == "dropped"
    assert told_state(refused.text, refused.structured) == "expired"
    assert listed.receipts() == []
    assert count(directory) == SIZE


def told_state(text: str, structured: dict[str, Any]) -> str:
    """Return the state of an answer, of which the text tells the same."""
    told = {"dropped": "was dropped. Nothing was removed.", "expired": "There is no plan "}
    assert told[structured["state"]] in text
    return str(structured["state"])


async def test_one_process_plans_a_second_commits_and_a_third_undoes(
    directory: Path, channel: Channel
) -> None:
    whole = all_rows(directory / DB_FILENAME)
    wanted = {"status": "failed", "backend": "ibm"}
    gone = ids(directory, "status = 'failed' AND backend LIKE 'ibm%'")
    async with agent_of_new_process(directory, channel) as agent:
        plan = await agent.call("clear_tasks", **wanted)
    async with agent_of_new_process(directory, channel) as agent:
        done = await agent.call("clear_tasks", plan_id=plan.word("plan_id"))
        again = await agent.call("clear_tasks", plan_id=plan.word("plan_id"))
    assert plan.number("planned") == done.number("cleared") == len(gone) > 1
    assert told_state(again.text, again.structured) == "expired"
    assert not ids(directory) & gone
    async with agent_of_new_process(directory, channel) as agent:
        undone = await agent.call("undo_clear", receipt=done.word("receipt"))
    assert undone.number("restored") == len(gone)
    assert sorted_rows(all_rows(directory / DB_FILENAME)) == sorted_rows(whole)
