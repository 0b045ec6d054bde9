"""Batches: their shots, the names of their qubits, and results that are short or copied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.records.test_result_cases import job, measure, result_of, task

if TYPE_CHECKING:
    from tests.server.conftest import Cache

CHIP_NOTE = "The q[] of a batch may be the chip's: uniqc keeps its compiled circuits."
COPIES = "copied one histogram to each circuit of an OriginQ batch, and no job is stored"
BATCH: dict[str, Any] = {"batch": True, "batch_size": 1}


# Shots and circuits of a batch


def batch(result: object, circuits: int, backend: str = "quark:Baihua") -> dict[str, object]:
    sources = [measure(0)] * circuits
    return task(result, backend=backend, circuits=sources, batch=True, batch_size=circuits)


@pytest.mark.parametrize("status", ["running", "failed", "pending"])
async def test_shots_of_a_batch_without_a_result_are_told(cache: Cache, status: str) -> None:
    cache.write({**batch(None, 3), "status": status, "result_json": None}, version=5)
    text, answer = await cache.ask("get_task", task_id="task-000001")
    note = "1000 shots for each of 3 circuits, 3000 in all, were asked for."
    assert note in answer["task"]["notes"]
    assert f"note: {note}" in text


async def test_shots_of_finished_jobs_are_not_called_all(cache: Cache) -> None:
    script = job([{"0": 1000}] * 2, backend="quark:Baihua", circuits=2)
    row = {**batch(None, 4), "status": "running", "result_json": None}
    cache.write(row, version=5, script=script)
    text, result = await result_of(cache)
    note = "1000 shots for each circuit, 2000 in the 2 of 4 with a result."
    assert note in result["notes"]
    assert "in all" not in text


async def test_shots_of_a_batch_that_was_cut_short_are_not_called_all(cache: Cache) -> None:
    cache.write(batch([{"0": 1000}] * 2, 5), version=5)
    text, result = await result_of(cache)
    note = "1000 shots for each circuit, 2000 in the 2 of 5 with a result."
    assert note in result["notes"]
    assert note in text


async def test_a_histogram_that_is_not_copied_yet_is_told_once(cache: Cache) -> None:
    backend = "originq:WK_C180"
    row = {**batch(None, 3, backend), "status": "running", "result_json": None}
    cache.write(row, version=5, script=job({"0": 1000}, backend=backend, circuits=2))
    text, result = await result_of(cache)
    assert result["batch"][0]["numbers"] == "one histogram of 2 circuits"
    assert "circuit 0 of 3, counted from 0" in text
    assert "holds one result for several circuits; it stands at the place of the first" in text
    assert "uniqc copied it" not in text


@pytest.mark.parametrize(("shots", "said"), [(1, "1 shot for each circuit, 2 in all.")])
async def test_one_shot_and_one_circuit_are_told_in_the_singular(
    cache: Cache, shots: int, said: str
) -> None:
    cache.write(task([{"0": 1}, None], backend="quark:Baihua", shots=shots))
    text, _ = await result_of(cache)
    assert said in text
    assert "1 circuit has no outcomes." in text


@pytest.mark.parametrize("result", [{"0": 1000}, [{"0": 1000}], [{"0": 1000}] * 2])
async def test_a_result_that_is_shorter_than_its_batch_is_told(
    cache: Cache, result: object
) -> None:
    cache.write(batch(result, 3), version=5)
    text, answer = await cache.ask("get_task", task_id="task-000001")
    note = "The result has fewer circuits than the 3 asked for."
    assert note in answer["task"]["notes"]
    assert note in text


# Batches whose jobs the archive dropped


def copies(result: object, **more: Any) -> dict[str, object]:
    return task(result, backend="originq:WK_C180", **more)


@pytest.mark.parametrize("circuits", [2, 3, 9])
async def test_equal_results_without_jobs_may_be_copies(cache: Cache, circuits: int) -> None:
    cache.write(copies([{"00": 600, "11": 400}] * circuits), version=5)
    text, result = await result_of(cache)
    assert any(COPIES in note for note in result["notes"])
    assert COPIES in text


async def test_an_archived_batch_may_hold_copies(cache: Cache) -> None:
    cache.write(copies([{"00": 600, "11": 400}] * 2), version=5)
    cache.change(
        "INSERT INTO archived_tasks SELECT task_id, backend, status, shots, submit_time, "
        "update_time, result_json, metadata_json, update_time, error_message FROM tasks"
    )
    cache.change("DELETE FROM tasks")
    text, _ = await result_of(cache)
    assert COPIES in text


@pytest.mark.parametrize(
    ("row", "version", "script"),
    [
        (copies([{"00": 600, "11": 400}, {"00": 601, "11": 399}]), 5, ""),
        (copies([{"00": 600, "11": 400}, None]), 5, ""),
        (copies([{"0": 9}] * 2), 3, ""),
        (copies([{"0": 9}] * 2, legacy_platform_id="A"), 5, ""),
        (task([{"0": 9}] * 2, backend="quark:Baihua"), 5, ""),
        (
            copies([{"0": 9}] * 2),
            5,
            job([{"0": 9}] * 2, backend="originq:WK_C180", circuits=2),
        ),
    ],
)
async def test_other_equal_results_are_no_copies(
    cache: Cache, row: dict[str, object], version: int, script: str
) -> None:
    assert json.loads(str(row["result_json"]))
    cache.write(row, version=version, script=script)
    text, _ = await result_of(cache)
    assert COPIES not in text


# Qubits of the chip


@pytest.mark.parametrize(
    ("result", "version", "metadata"),
    [
        ([{"00": 1000}], 5, {"circuits": [measure(101, 57)], **BATCH}),
        ({"00": 1000}, 3, {"circuit_ir": measure(101, 57), **BATCH, "batch_size": 5}),
        ([{"00": 1000}] * 2, 5, {"circuits": [measure(101, 57)] * 2, **BATCH, "batch_size": 2}),
    ],
)
@pytest.mark.parametrize("backend", ["ibm:ibm_fez", "originq:WK_C180"])
async def test_qubits_of_any_cloud_batch_may_be_the_chips(
    cache: Cache, backend: str, result: object, version: int, metadata: dict[str, Any]
) -> None:
    cache.write(task(result, backend=backend, **metadata), version=version)
    text, told = await result_of(cache)
    assert CHIP_NOTE in told["notes"]
    assert text.count(CHIP_NOTE) == 1


@pytest.mark.parametrize(
    ("backend", "metadata"),
    [
        ("ibm:ibm_fez", {"circuit_ir": measure(101, 57)}),
        ("dummy:local:simulator", {"circuits": [measure(101, 57)], **BATCH}),
    ],
)
async def test_qubits_of_other_tasks_are_the_users(
    cache: Cache, backend: str, metadata: dict[str, Any]
) -> None:
    cache.write(task({"00": 1000}, backend=backend, **metadata), version=5)
    text, _ = await result_of(cache)
    assert CHIP_NOTE not in text


@pytest.mark.parametrize("shots", [0, -5, "many"])
async def test_shots_that_are_not_recorded_are_said_to_be(cache: Cache, shots: object) -> None:
    cache.write({**task({"1": 3}, backend="originq"), "shots": shots})
    text, answer = await cache.ask("get_task", task_id="task-000001")
    assert "The number of shots is not recorded." in answer["task"]["notes"]
    assert "note: The number of shots is not recorded." in text
    assert "the task's shots are" not in text
