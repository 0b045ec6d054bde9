"""The figures of a plan beside plain SQL, the policy as data, and the digest of the store."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_store import ClearPolicy, TaskStore

if TYPE_CHECKING:
    from tests.clearing_cache import Cache

STORES = Path(__file__).parents[2] / "data" / "stores"
NAMES = sorted(path.name for path in STORES.glob("*.sqlite"))
ONE_OF_EACH_SCHEMA = (
    "1-0.0.7.post1.sqlite",
    "2-0.0.10.sqlite",
    "3-0.0.11.post1.sqlite",
    "5-0.1.0.sqlite",
)
FINISHED = ("success", "failed", "cancelled")


def stored_rows(path: Path, table: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchone():
            return []
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def size(row: dict[str, Any]) -> int:
    return sum(len(str(value).encode()) for value in row.values() if value is not None)


@pytest.mark.parametrize("name", NAMES)
async def test_the_figures_of_a_plan_are_those_of_sql(cache: Cache, name: str) -> None:
    cache.copy(name)
    jobs = stored_rows(cache.path, "task_shards")
    unfinished = {job["uniqc_task_id"] for job in jobs if job["status"] not in FINISHED}
    rows = stored_rows(cache.path, "tasks")
    to_clear = [
        row for row in rows if row["status"] in FINISHED and row["task_id"] not in unfinished
    ]
    ids = {row["task_id"] for row in to_clear}
    async with cache.client() as client:
        _, plan = await cache.call(client, "clear_tasks", status="any")
    assert (plan["matched"], plan["planned"]) == (len(rows), len(to_clear))
    assert plan["left_for_later"] == 0
    assert plan["bytes"] == sum(map(size, to_clear)) + sum(
        size(job) for job in jobs if job["uniqc_task_id"] in ids
    )
    excluded: Counter[str] = Counter()
    for reason in plan["excluded"]:
        excluded.update(reason["statuses"])
        assert reason["count"] == sum(reason["statuses"].values())
    assert excluded == Counter(row["status"] for row in rows if row not in to_clear)


async def test_oldest_and_newest_are_told_by_time_and_not_by_text(cache: Cache) -> None:
    cache.fill(3)
    for task, submitted in (
        ("task-1", "2025-03-01T09:00:00+09:00"),
        ("task-2", "2025-03-01T01:00:00+00:00"),
        ("task-3", "2025-02-28T23:30:00-05:00"),
    ):
        cache.change(f"UPDATE tasks SET submit_time = '{submitted}' WHERE task_id = '{task}'")
    async with cache.client() as client:
        _, plan = await cache.call(client, "clear_tasks")
    told = [datetime.fromisoformat(plan[name]) for name in ("oldest", "newest")]
    assert told == [
        datetime.fromisoformat("2025-03-01T00:00:00Z"),
        datetime.fromisoformat("2025-03-01T04:30:00Z"),
    ]


async def test_a_reason_names_the_most_frequent_statuses_and_counts_the_others(
    cache: Cache,
) -> None:
    for number in range(12):
        cache.fill(12 - number, prefix=f"p{number}", status=f"odd{number}")
    async with cache.client() as client:
        text, plan = await cache.call(client, "clear_tasks", status="any")
    (reason,) = plan["excluded"]
    assert reason["statuses"] == {**{f"odd{n}": 12 - n for n in range(8)}, "others": 10}
    assert "- excluded, not finished: 78 (12 odd0, 11 odd1, " in text


async def test_a_plan_and_the_store_resource_have_the_policy_as_data(cache: Cache) -> None:
    cache.fill(3)
    policy = ClearPolicy(
        statuses=("failed",), backends=("dummy",), min_age=timedelta(days=7), max_rows=9
    )
    expected = {
        "statuses": ["failed"],
        "backends": ["dummy"],
        "min_age": "7 d",
        "max_tasks": 9,
        "asks_user": False,
        "undo_for": "30 d",
    }
    async with cache.client(settings=cache.settings(policy=policy)) as client:
        text, plan = await cache.call(client, "clear_tasks")
        (content,) = (await client.read_resource("uniqc://store")).contents
    assert plan["policy"] == json.loads(content.text)["policy"] == expected  # type: ignore[union-attr]
    assert "statuses failed; backends dummy; untouched for 7 d; at most 9 tasks at a time" in text


async def test_the_store_of_a_server_that_only_reads_has_no_policy(cache: Cache) -> None:
    cache.fill(1)
    async with cache.client(settings=cache.settings(clears=False)) as client:
        (content,) = (await client.read_resource("uniqc://store")).contents
    assert "policy" not in json.loads(content.text)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ONE_OF_EACH_SCHEMA)
async def test_an_undo_gives_back_the_digest_that_was_before_the_clear(
    cache: Cache, name: str
) -> None:
    cache.copy(name)
    async with cache.client() as client:

        async def digest() -> str:
            text, counts = await cache.call(client, "count_tasks", digest=True)
            assert counts["digest"] in text
            told: str = counts["digest"]
            return told

        before = await digest()
        _, plan = await cache.call(client, "clear_tasks")
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert done["cleared"] > 0
        assert await digest() != before
        await cache.call(client, "undo_clear", receipt=done["receipt"])
        assert await digest() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tasks SET shots = shots + 1 WHERE rowid = (SELECT max(rowid) FROM tasks)",
        "UPDATE tasks SET metadata_json = '[1]' WHERE rowid = (SELECT min(rowid) FROM tasks)",
        "UPDATE task_shards SET result_json = '{}' WHERE rowid = 1",
        "DELETE FROM task_shards WHERE rowid = 1",
        "DELETE FROM tasks WHERE rowid = (SELECT max(rowid) FROM tasks)",
    ],
)
def test_any_change_changes_the_digest(cache: Cache, statement: str) -> None:
    cache.copy()
    store = TaskStore(cache.directory, read_only=True)
    before = store.read(lambda snapshot: snapshot.digest())
    cache.change(statement)
    assert store.read(lambda snapshot: snapshot.digest()) != before


async def test_a_digest_is_of_the_tasks_that_match_and_only_if_asked_for(cache: Cache) -> None:
    cache.fill(3).fill(2, prefix="b", status="failed")
    async with cache.client() as client:
        _, failed = await cache.call(client, "count_tasks", status="failed", digest=True)
        cache.change("UPDATE tasks SET shots = 1 WHERE status = 'success'")
        _, again = await cache.call(client, "count_tasks", status="failed", digest=True)
        _, plain = await cache.call(client, "count_tasks")
    assert failed["digest"] == again["digest"]
    assert not plain.get("digest")
