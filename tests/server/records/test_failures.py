"""The reason of a failure, from each place in which a record may hold it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_mcp.records.failures import failure_reason
from uniqc_mcp.records.platform_answer import (
    CANCELLED_AT_PLATFORM,
    payload_reason,
    says_something,
)
from uniqc_store import TaskRecord, TaskShard

if TYPE_CHECKING:
    from uniqc_store import JsonValue


def record(
    *, status: str = "failed", error: str | None = None, metadata: dict[str, Any] | None = None
) -> TaskRecord:
    return TaskRecord(
        task_id="uqt_1",
        backend="quark:Baihua",
        status=status,
        shots=1000,
        submit_time="",
        update_time="",
        metadata=metadata or {},
        error_message=error,
        archived_at=None,
        result_bytes=None,
        damaged=(),
    )


def job(status: str = "failed", error: str | None = None, result: JsonValue = None) -> TaskShard:
    return TaskShard(
        uniqc_task_id="uqt_1",
        shard_index=0,
        platform_task_id="1",
        backend="quark:Baihua",
        status=status,
        error_message=error,
        result=result,
    )


@pytest.mark.parametrize(
    "error",
    [
        *("", " ", "failed", "Failed.", "error", "None", "null", "unknown error", "Task failed"),
        *("shard 0: failed", "shard 0: failed; shard 1: failed", "shard 12: None"),
        "shard(s) failed",
    ],
)
def test_an_error_without_content_says_nothing(error: str) -> None:
    assert not says_something(error)


@pytest.mark.parametrize(
    "error", ["HTTP 401", "shard 0: failed; shard 1: too deep", "失败: 校准中"]
)
def test_an_error_with_content_says_something(error: str) -> None:
    assert says_something(error)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"status": "Failed", "tid": 26, "msg": "compile error"}, "compile error"),
        ({"error": "chip is cold"}, "chip is cold"),
        ({"error": {"code": 17, "message": "no route"}}, "no route"),
        ({"error": {"code": 17, "text": "no route"}}, "no route"),
        ({"data": [{"errMsg": "queue closed"}]}, "queue closed"),
        ({"message": "failed", "detail": "gate T is unknown"}, "gate T is unknown"),
        ({"errors": ["q[7] is off"]}, "q[7] is off"),
        ({"failure_reason": "calibration"}, "calibration"),
        ({"error_info": "calibration"}, "calibration"),
        ({"errorMessage": "", "reason": "no credit"}, "no credit"),
        ([{"msg": "too many shots"}], "too many shots"),
        ("backend is offline", "backend is offline"),
        (json.dumps({"msg": "twice encoded"}), "twice encoded"),
        ({"errCode": 1201}, "code 1201"),
        ({"code": 200, "data": None}, ""),
        ({"status": "Failed", "tid": 26}, ""),
        ({"error_mitigation": "m3", "failure_stage": "run"}, ""),
        ({}, ""),
        (None, ""),
        (17, ""),
        ({"status": "Cancelled"}, CANCELLED_AT_PLATFORM),
        ({"job": {"state": "CANCELED"}}, CANCELLED_AT_PLATFORM),
        ({"status": "canceled", "msg": "by user 7"}, f"{CANCELLED_AT_PLATFORM}: by user 7"),
        (
            {"status": "cancelled", "msg": "cancelled by user"},
            f"{CANCELLED_AT_PLATFORM}: cancelled by user",
        ),
    ],
)
def test_the_answer_of_a_platform_is_searched_for_a_reason(payload: JsonValue, reason: str) -> None:
    assert payload_reason(payload) == reason


def test_an_answer_of_any_depth_and_size_is_searched_in_bounded_time() -> None:
    deep: JsonValue = {"msg": "too deep to find"}
    for _ in range(500):
        deep = {"data": deep}
    assert payload_reason(deep) == ""
    assert payload_reason({"codes": [*range(200_000)], "more": {"data": {"x": "y"}}}) == ""


def test_the_first_place_that_says_something_wins() -> None:
    failed = job(error="of the job", result={"msg": "of the answer"})
    metadata = {"failure_error": "of metadata", "other_error": "of other metadata"}
    places = [
        (record(error="of the row", metadata=metadata), [failed], "of the row"),
        (record(error="shard 0: failed", metadata=metadata), [failed], "of metadata"),
        (record(error="shard 0: failed"), [failed], "of the job"),
        (record(error="shard 0: failed"), [job(result={"msg": "of the answer"})], "of the answer"),
        (record(metadata={"other_error": "of other metadata"}), [job()], "of the result"),
    ]
    for task, jobs, reason in places:
        assert failure_reason(task, jobs, result_error="of the result") == reason
    assert failure_reason(record(metadata={"other_error": "late"}), [job()]) == "late"


def test_an_error_that_repeats_those_of_the_jobs_is_told_by_their_places() -> None:
    task = record(error="shard 0: failed; shard 2: too deep")
    jobs = [job(), job("success"), job(error="too deep")]
    reason = failure_reason(task, jobs)
    assert reason == "job 3 of 3 (1 more failed, 1 for another reason or none): too deep"
    assert failure_reason(task, []) == "shard 0: failed; shard 2: too deep"


def test_jobs_with_the_same_reason_are_counted() -> None:
    jobs = [job("success"), *3 * [job(error="no credit")]]
    assert failure_reason(record(), jobs) == "job 2 of 4 (2 more failed): no credit"
    assert failure_reason(record(), jobs[1:2]) == "no credit"


def test_a_cancelled_job_is_told_as_such_where_it_is_stored_as_failed() -> None:
    jobs = [job(error="by user 7", result={"status": "Cancelled", "message": "by user 7"})]
    reason = failure_reason(record(error="shard 0: by user 7"), jobs)
    assert reason == f"{CANCELLED_AT_PLATFORM}: by user 7"
    mixed = [job("success"), job("cancelled")]
    assert failure_reason(record(status="cancelled"), mixed) == "job 2 of 2: cancelled"


def test_an_error_that_says_nothing_is_better_than_none() -> None:
    assert failure_reason(record(error="shard 0: failed"), [job()]) == "shard 0: failed"
    assert failure_reason(record(), [job()]) == ""
