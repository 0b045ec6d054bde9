"""A reason in the task's own result, in nested metadata, and in a long answer of a platform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_mcp.records.platform_answer import CANCELLED_AT_PLATFORM

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

TASK_ID = "uqt_00000000000000000000000000000001"


async def told_errors(cache: Cache, task_id: str) -> set[str]:
    """Return the error of a task in list, get and wait; check that each text has it too."""
    errors: set[str] = set()
    text, structured = await cache.ask("list_tasks", status="any")
    errors.add(structured["tasks"][0]["error"])
    assert json.dumps(structured["tasks"][0]["error"]) in text
    text, structured = await cache.ask("get_task", task_id=task_id)
    errors.add(structured["task"]["error"])
    assert json.dumps(structured["task"]["error"]) in text
    assert "none recorded" not in text
    text, structured = await cache.ask("wait_for_tasks", task_ids=[task_id], timeout_seconds=1)
    errors.add(structured["finished"][0]["error"])
    assert json.dumps(structured["finished"][0]["error"]) in text
    return errors


def job(status: str = "failed", error: str | None = None, result: object = None) -> str:
    columns = [
        *(TASK_ID, 0, "p0", "quark:Baihua", 1, 0, status),
        *(None if result is None else json.dumps(result), error),
        *("2026-11-03T12:00:00+00:00", "2026-11-03T12:00:00+00:00"),
    ]
    values = ", ".join(
        "NULL" if value is None else "'" + str(value).replace("'", "''") + "'" for value in columns
    )
    return f"INSERT INTO task_shards VALUES ({values});"


@pytest.mark.parametrize("version", [1, 5])
@pytest.mark.parametrize(
    ("status", "result", "reason"),
    [
        ("failed", {"status": "Failed", "msg": "no route"}, "no route"),
        ("failed", {"error": "no route"}, "no route"),
        ("failed", [{"data": {"errMsg": "queue closed"}}], "queue closed"),
        ("failed", "chip is cold", "chip is cold"),
        ("failed", {"status": "canceled", "msg": "by B"}, f"{CANCELLED_AT_PLATFORM}: by B"),
        ("cancelled", {"status": "Cancelled", "msg": "by user 7"}, "by user 7"),
    ],
)
async def test_the_own_result_of_a_task_is_searched_for_the_reason(
    cache: Cache, version: int, status: str, result: object, reason: str
) -> None:
    task_id = "4f2a9c01"
    task = {"task_id": task_id, "status": status, "result_json": json.dumps(result)}
    cache.write(task, version=version)
    assert await told_errors(cache, task_id) == {reason}


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("failed", '{"00": 500, "11": 500}'),
        ("failed", '{"00": 500, "11'),
        ("failed", '{"message": "success"}'),
        ("cancelled", '{"status": "CANCELLED"}'),
        ("running", '{"msg": "queued"}'),
        ("success", '{"counts": {"0": 1}, "message": "ok"}'),
    ],
)
async def test_a_result_without_a_reason_is_no_error(
    cache: Cache, status: str, result: str
) -> None:
    cache.write({"status": status, "result_json": result}, version=5)
    _, structured = await cache.ask("list_tasks", status="any")
    assert structured["tasks"][0]["error"] == ""
    _, structured = await cache.ask("get_task", task_id="task-000001")
    assert structured["task"]["error"] == ""


async def test_the_own_result_comes_after_the_jobs(cache: Cache) -> None:
    task = {"task_id": TASK_ID, "status": "failed", "result_json": '{"msg": "of the task"}'}
    cache.write(task, version=5, script=job(error="of the job"))
    assert await told_errors(cache, TASK_ID) == {"of the job"}


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"failure_error": {"code": 401, "message": "no token"}}, "no token"),
        ({"note": "mine", "errors": ["q[7] is off"]}, "q[7] is off"),
        ({"answer": {"status": "failed", "message": "calibrating"}}, "calibrating"),
        ({"answer": [{"task_status": "ERROR", "detail": "too deep"}]}, "too deep"),
    ],
)
async def test_nested_metadata_is_searched_for_the_reason(
    cache: Cache, metadata: dict[str, Any], reason: str
) -> None:
    task = {"task_id": TASK_ID, "status": "failed", "metadata_json": json.dumps(metadata)}
    cache.write(task, version=5, script=job())
    assert await told_errors(cache, TASK_ID) == {reason}


async def test_a_message_that_users_keep_in_metadata_is_no_reason(cache: Cache) -> None:
    metadata = {"plan": {"message": "try again", "status": "ready"}, "ask": {"info": "of B"}}
    cache.write({"status": "failed", "metadata_json": json.dumps(metadata)}, version=5)
    _, structured = await cache.ask("get_task", task_id="task-000001")
    assert structured["task"]["error"] == ""


async def test_a_long_answer_of_a_platform_is_searched(cache: Cache) -> None:
    answer = {"status": "Failed", "log": ["line"] * 20, "msg": "x " * 100_000 + "out of memory"}
    task = {"task_id": TASK_ID, "status": "failed", "error_message": "shard 0: failed"}
    cache.write(task, version=5, script=job(result=answer))
    _, structured = await cache.ask("list_tasks", status="failed")
    assert structured["tasks"][0]["error"].startswith("x x x")
    text, structured = await cache.ask("get_task", task_id=TASK_ID)
    assert structured["task"]["error"].startswith("x x x")
    assert len(text) < 60_000


async def test_the_answer_to_a_cancelled_job_is_told_without_the_word_failed(cache: Cache) -> None:
    answer = {"status": "Cancelled", "msg": "by user 7"}
    cache.write(
        {"task_id": TASK_ID, "status": "cancelled"},
        version=5,
        script=job("cancelled", result=answer),
    )
    assert await told_errors(cache, TASK_ID) == {"by user 7"}


@pytest.mark.parametrize(
    "error", ["cancelled", "the job was cancelled in the console " + 9 * "by B, "]
)
async def test_a_cancelled_job_is_told_as_such_whatever_its_error(cache: Cache, error: str) -> None:
    of_task = f"shard 0: {error}" if len(error) > 20 else error
    task = {"task_id": TASK_ID, "status": "failed", "error_message": of_task}
    cache.write(task, version=5, script=job(error=error, result={"status": "Cancelled"}))
    (told,) = {told.partition(":")[0] for told in await told_errors(cache, TASK_ID)}
    assert told == CANCELLED_AT_PLATFORM
