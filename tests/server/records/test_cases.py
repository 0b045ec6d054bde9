"""Records whose obvious reading is wrong, by every way on which they are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.records.conftest import TASK_ID

from uniqc_mcp.prompts import Prompts
from uniqc_mcp.tasks.tools import ReadTools

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Cache

    Case = Callable[..., Cache]

COUNTS = {"00": 500, "11": 500}
A_JOB = """
    INSERT INTO task_shards SELECT task_id, 0, 'p', backend, 1, 0, 'pending', NULL, NULL,
        submit_time, update_time
    FROM tasks
"""
OTHER_PLATFORMS = ("originq:WK_C180", "quark:Baihua", "ibm:ibm_fez", "dummy:local:simulator")


def on_platform(backend: str) -> tuple[str, ...]:
    return tuple(f"UPDATE {table} SET backend = '{backend}'" for table in ("tasks", "task_shards"))


async def got(cache: Cache, task_id: str = TASK_ID) -> tuple[str, dict[str, Any]]:
    text, answer = await cache.ask("get_task", task_id=task_id)
    return text, answer["task"]


async def listed(cache: Cache, **arguments: str) -> tuple[str, dict[str, Any]]:
    text, answer = await cache.ask("list_tasks", **{"status": "any", **arguments})
    (task,) = answer["tasks"]
    return text, task


def embedded(cache: Cache, prompt: str, **arguments: str) -> str:
    """Return the text that a prompt attaches."""
    messages = getattr(Prompts(cache.store, clock=lambda: cache.now), prompt)(**arguments)
    return "".join(message.model_dump_json() for message in messages[1:])


# batch-cut-short


@pytest.mark.parametrize("backend", OTHER_PLATFORMS)
async def test_a_batch_cut_short_is_told_by_its_circuits(case: Case, backend: str) -> None:
    cache = case("batch-cut-short", *on_platform(backend))
    text, task = await got(cache)
    sentence = "2 of 5 circuits were submitted; 3 have no platform job."
    assert sentence in text
    assert task["notes"] == [sentence]
    assert (task["circuits_requested"], task["circuits_submitted"]) == (5, 2)
    text, task = await listed(cache)
    assert task["note"] == "2 of 5 circuits submitted"
    assert "2 of 5 circuits submitted" in text
    assert sentence in embedded(cache, "why_did_it_fail", task_id=TASK_ID)


async def test_a_batch_cut_short_in_one_native_job(case: Case) -> None:
    cache = case(
        "batch-cut-short",
        "DELETE FROM task_shards WHERE shard_index = 1",
        "UPDATE task_shards SET circuit_count = 4",
        "PRAGMA user_version = 4",
    )
    assert "4 of 5 circuits were submitted; 1 has no platform job." in (await got(cache))[0]
    assert json.loads(await cache.read("uniqc://tasks?status=success"))["tasks"][0]["note"] == (
        "4 of 5 circuits submitted"
    )


async def test_the_rest_of_a_refused_batch_is_told_with_the_refusal(case: Case) -> None:
    metadata = "json_set(metadata_json, '$.failure_error', 'HTTP 402 no credit')"
    cache = case("batch-cut-short", f"UPDATE tasks SET metadata_json = {metadata}")
    text, task = await listed(cache)
    assert (task["error"], task["note"]) == ("HTTP 402 no credit", "2 of 5 circuits submitted")
    assert 'error: "HTTP 402 no credit"' in text


async def test_a_whole_batch_has_no_note(case: Case) -> None:
    cache = case("batch-cut-short", "UPDATE task_shards SET circuit_count = 3 - shard_index")
    _, task = await listed(cache)
    assert "note" not in task


async def test_a_batch_of_an_archive_without_jobs_is_measured_by_its_result(case: Case) -> None:
    cache = case(
        "batch-cut-short",
        "INSERT INTO archived_tasks SELECT task_id, backend, status, shots, submit_time,"
        " update_time, result_json, metadata_json, '2026-11-01T00:00:00+00:00', error_message"
        " FROM tasks",
        "DELETE FROM task_shards",
        "DELETE FROM tasks",
    )
    _, task = await got(cache)
    assert task["notes"] == ["The result has fewer circuits than the 5 asked for."]


# batch-failed-no-error


async def test_the_error_of_a_job_is_told_with_its_place(case: Case) -> None:
    cache = case("batch-failed-no-error")
    reason = "job 2 of 3: A invalid qubit is used. Available qubits: [0, 1, 2]"
    for text, task in (await got(cache), await listed(cache, status="failed")):
        assert task["error"].startswith(reason)
        assert reason in text
        assert "none recorded" not in text
    assert reason in embedded(cache, "why_did_it_fail", task_id=TASK_ID)
    assert reason in await cache.read("uniqc://tasks?status=failed")
    text, _ = await got(cache)
    # The line of the job does not repeat what the line of the error has said.
    assert text.count("Available qubits") == 1


@pytest.mark.parametrize("backend", OTHER_PLATFORMS)
async def test_failed_jobs_with_other_reasons_are_counted(case: Case, backend: str) -> None:
    cache = case(
        "batch-failed-no-error",
        *on_platform(backend),
        "UPDATE task_shards SET status = 'failed', error_message = 'no route'"
        " WHERE shard_index = 2",
    )
    _, task = await listed(cache)
    assert task["error"].startswith("job 2 of 3 (1 more failed, 1 for another reason or none): A ")


async def test_the_error_of_a_job_is_redacted_and_bounded(case: Case) -> None:
    long = "token=hunter2hunter2 " + 300 * "qubit 7 is off, "
    cache = case("batch-failed-no-error", f"UPDATE task_shards SET error_message = '{long}'")
    text, task = await listed(cache)
    assert "hunter2" not in text
    assert task["error"].startswith("job 1 of 3 (2 more failed): token=[redacted]")
    assert len(task["error"]) <= 200
    text, task = await got(cache)
    assert "hunter2" not in text + json.dumps(task)
    assert "error" in task["redacted"]
    assert len(task["error"]) <= 2_000


# reason-in-shard-result


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": "Failed", "msg": "no route between Q3 and Q9"}, "no route between Q3 and Q9"),
        ({"error": {"code": 7, "message": "chip is off"}}, "chip is off"),
        ([{"errMsg": "too many gates"}], "too many gates"),
        ({"status": "Cancelled"}, "cancelled at the platform, which uniqc stores as failed"),
    ],
)
@pytest.mark.parametrize("recorded", ["'shard 0: failed'", "NULL", "'failed'"])
async def test_the_answer_of_the_platform_is_the_reason(
    case: Case, answer: object, reason: str, recorded: str
) -> None:
    cache = case(
        "reason-in-shard-result",
        f"UPDATE task_shards SET result_json = '{json.dumps(answer)}'",
        f"UPDATE tasks SET error_message = {recorded}",
    )
    for text, task in (await got(cache), await listed(cache, status="failed")):
        assert task["error"] == reason
        assert f'"{reason}"' in text
    assert reason in embedded(cache, "why_did_it_fail", task_id=TASK_ID)
    _, task = await got(cache)
    assert task["shards"][0]["error"] == reason
    assert "result" not in task


async def test_a_large_answer_is_not_read_for_a_list(case: Case) -> None:
    filler = json.dumps({"log": 1_100_000 * "x", "msg": "found"})
    cache = case("reason-in-shard-result", f"UPDATE task_shards SET result_json = '{filler}'")
    _, task = await listed(cache)
    assert task["error"] == "shard 0: failed"


async def test_a_text_that_is_recorded_three_times_is_told_once(case: Case) -> None:
    cache = case(
        "reason-in-shard-result",
        "UPDATE tasks SET error_message = 'submission failed: HTTP 401 for user alice',"
        " metadata_json = json_object('failure_error', 'HTTP 401 for user alice',"
        " 'submission_error', 'HTTP 401 for user alice', 'mine', 1)",
        "DELETE FROM task_shards",
    )
    text, task = await got(cache)
    assert task["metadata"] == {"mine": 1}
    assert (text + json.dumps(task)).count("HTTP 401") == 2  # once in each channel


# batch-part-done


@pytest.mark.parametrize("backend", OTHER_PLATFORMS)
async def test_results_of_finished_jobs_are_shown_with_their_places(
    case: Case, backend: str
) -> None:
    cache = case("batch-part-done", *on_platform(backend))
    text, task = await got(cache)
    assert [circuit["place"] for circuit in task["result"]["batch"]] == [0, 1]
    assert (task["result"]["jobs"], task["result"]["jobs_with_results"]) == (2, 1)
    assert "results of 1 of 2 jobs" in text
    assert "  circuit 1: 00 500x" in text
    assert "Results of 1 of 2 jobs are stored: circuits 0 to 1 of 4" in text
    stored = json.loads(await cache.read(f"uniqc://task/{TASK_ID}/result"))
    assert stored == [COUNTS, COUNTS, None, None]
    _, task = await listed(cache, status="active")
    assert task["note"] == "results of 1 of 2 jobs"
    assert "results of 1 of 2 jobs" in embedded(cache, "whats_running")


async def test_results_of_the_later_jobs_of_a_failed_batch_keep_their_places(case: Case) -> None:
    cache = case(
        "batch-part-done",
        "UPDATE tasks SET status = 'failed', error_message = 'shard 0: no credit'",
        "UPDATE task_shards SET result_json = NULL, status = 'failed', error_message = 'no credit'"
        " WHERE shard_index = 0",
        "UPDATE task_shards SET status = 'success', result_json = '[{\"0\": 7}, {\"1\": 8}]'"
        " WHERE shard_index = 1",
    )
    text, task = await got(cache)
    assert "  circuit 2: 0 7x" in text
    assert [circuit["place"] for circuit in task["result"]["batch"]] == [2, 3]
    assert task["error"] == "job 1 of 2: no credit"
    stored = json.loads(await cache.read(f"uniqc://task/{TASK_ID}/result"))
    assert stored == [None, None, {"0": 7}, {"1": 8}]


async def test_the_result_of_the_job_of_a_single_task_is_shown(case: Case) -> None:
    cache = case(
        "batch-part-done",
        "DELETE FROM task_shards WHERE shard_index = 1",
        "UPDATE task_shards SET circuit_count = 1, result_json = '{\"00\": 12}'",
        "UPDATE tasks SET metadata_json = '{}'",
    )
    text, task = await got(cache)
    assert task["result"]["kind"] == "counts"
    assert task["note"] == "its job is finished"
    assert "Its job is finished, but the task is not finished." in text
    assert json.loads(await cache.read(f"uniqc://task/{TASK_ID}/result")) == {"00": 12}


async def test_a_run_in_progress_can_be_compared(case: Case) -> None:
    cache = case("batch-part-done")
    insert = "INSERT INTO tasks SELECT 'other', backend, 'success', shots, submit_time, update_time"
    cache.change(f"{insert}, '[{{\"00\": 1}}]', '{{}}', NULL FROM tasks")
    shown = embedded(cache, "explain_differences", task_id=TASK_ID, other_task_id="other")
    assert '\\"place\\": 1' in shown
    assert '\\"jobs_with_results\\": 1' in shown


async def test_results_that_cannot_be_read_are_named(case: Case) -> None:
    cache = case(
        "batch-part-done", "UPDATE task_shards SET result_json = '[{' WHERE shard_index = 0"
    )
    text, task = await got(cache)
    assert task["damaged"] == ["shards[0].result"]
    assert "damaged in the file: shards[0].result" in text
    assert "not JSON" in task["notes"][0]
    assert await cache.read(f"uniqc://task/{TASK_ID}/result") == "null"


async def test_the_results_of_archived_jobs_are_shown(case: Case) -> None:
    shard = "uniqc_task_id, shard_index, platform_task_id, backend, circuit_count"
    shard += ", sub_index_offset, status, result_json, error_message, submit_time, update_time"
    cache = case(
        "batch-part-done",
        f"INSERT INTO archived_task_shards ({shard}, archived_at)"
        f" SELECT {shard}, '2026-11-01T00:00:00+00:00' FROM task_shards",
        "INSERT INTO archived_tasks SELECT task_id, backend, 'failed', shots, submit_time,"
        " update_time, NULL, metadata_json, '2026-11-01T00:00:00+00:00', NULL FROM tasks",
        "DELETE FROM tasks",
    )
    _, task = await got(cache)
    assert [circuit["place"] for circuit in task["result"]["batch"]] == [0, 1]
    stored = json.loads(await cache.read(f"uniqc://task/{TASK_ID}/result"))
    assert stored == [COUNTS, COUNTS, None, None]


# pending-without-job


@pytest.mark.parametrize("status", ["pending", "running", "QUEUED"])
async def test_a_task_that_reached_no_platform_is_not_heard_of(case: Case, status: str) -> None:
    cache = case("pending-without-job", f"UPDATE tasks SET status = '{status}'")
    for text, task in (await got(cache), await listed(cache)):
        assert "heard of" not in text
        assert "no platform job" in text
        assert "its submission did not get through, or is under way" in text
        assert "seconds_since_update" not in task
        assert task["note"] == "no platform job"
    _, answer = await cache.ask("list_tasks")
    assert any("did not get through" in note for note in answer["store"]["notes"])
    assert "no platform job" in embedded(cache, "whats_running")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tasks SET task_id = 'AB12AB12AB12'",
        "DROP TABLE task_shards",
        'UPDATE tasks SET metadata_json = \'{"legacy_platform_id": "AB12"}\'',
        A_JOB,
    ],
)
async def test_of_other_tasks_uniqc_may_have_heard(case: Case, statement: str) -> None:
    text, task = await listed(case("pending-without-job", statement))
    assert "heard of" in text
    assert "note" not in task
    assert "seconds_since_update" in task


async def test_a_cached_answer_gains_no_age(case: Case) -> None:
    cache = case("pending-without-job")
    tools = ReadTools(cache.store, lambda: cache.now)
    for _ in range(2):
        assert tools.list_tasks().tasks[0].seconds_since_update is None
        assert tools.get_task(task_id=TASK_ID).task.seconds_since_update is None


# all-archived


@pytest.mark.parametrize("tool", ["list_tasks", "count_tasks"])
@pytest.mark.parametrize(
    ("filters", "note"),
    [
        ({"status": "failed"}, "1 failed task is archived"),
        ({"status": "finished"}, "1 finished task is archived"),
        ({"status": "any", "backend": "originq"}, '1 task on "originq" is archived'),
        ({"status": "failed", "submitted_after": "2026-01-01"}, "is archived"),
    ],
)
async def test_archived_tasks_are_told_where_nothing_else_matches(
    case: Case, tool: str, filters: dict[str, str], note: str
) -> None:
    cache = case("all-archived", "UPDATE archived_tasks SET backend = 'originq:WK_C180'")
    text, answer = await cache.ask(tool, **filters)
    assert answer["total"] == 0
    assert note in text
    assert any(note in told for told in answer["store"]["notes"])


async def test_archived_tasks_that_do_not_match_are_not_told(case: Case) -> None:
    cache = case("all-archived")
    for filters in ({"status": "success"}, {"status": "failed", "backend": "nowhere"}):
        text, _ = await cache.ask("list_tasks", **filters)
        assert "archived" not in text
    resource = await cache.read("uniqc://tasks?status=failed")
    assert "1 failed task is archived" in resource
    assert "1 failed task is archived" in embedded(cache, "tidy_up")


# An id that is live and archived


async def test_the_archived_task_of_the_same_id_is_told_with_the_live_one(case: Case) -> None:
    cache = case("undo-archived-id")
    text, task = await got(cache, "9dc41044252bdac8")
    assert task["name"] == "second run"
    assert 'archive has another task of this id: "first run" success' in text
    assert "another task of this id" in task["notes"][0]
    text, task = await listed(cache)
    assert task["note"] == "archived twin"
    assert "archived twin" in text
    cache.change("DELETE FROM archived_tasks")
    assert "note" not in (await listed(cache))[1]


# Old releases


@pytest.mark.parametrize(
    ("result", "note"),
    [
        ("{}", "The result is empty: uniqc before 0.0.17.post1 lost results of OriginQ."),
        ('[{}, {"0": 7}, {}]', "2 results are empty: uniqc before 0.0.17.post1 lost"),
    ],
)
async def test_lost_results_of_originq_can_be_fetched_again(
    case: Case, result: str, note: str
) -> None:
    change = f"UPDATE tasks SET result_json = '{result}'"
    text, task = await got(case("batch-cut-short", change))
    assert note in text
    assert any(note in told for told in task["notes"])
    assert "`uniqc result ID` of a later release" in text
    for other in (
        "UPDATE tasks SET backend = 'quark:Baihua'",
        "UPDATE tasks SET status = 'failed'",
    ):
        text, _ = await got(case("batch-cut-short", change, other))
        assert "0.0.17.post1" not in text


async def test_a_cancelled_task_was_not_cancelled_by_todays_uniqc(case: Case) -> None:
    text, task = await got(case("batch-cut-short", "UPDATE tasks SET status = 'cancelled'"))
    assert "uniqc 0.1.1 has no cancel" in text
    assert any("has no cancel" in note for note in task["notes"])
