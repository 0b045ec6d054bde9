"""Rows that uniqc 0.1.1 wrote through its own API, each answer beside plain SQL.

``tests/soak/records_by_uniqc.py`` makes the store again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.records.conftest import CASES

from uniqc_mcp.tasks.uris import task_uri

if TYPE_CHECKING:
    from tests.server.conftest import Cache

NAME = "by-uniqc-0.1.1"
IDS: dict[str, str] = json.loads((CASES / f"{NAME}.json").read_text())

Case = Callable[..., "Cache"]


def sql(statement: str, label: str = "") -> Any:
    """Return the first value that SQLite gives, with the id of the task as the parameter."""
    uri = f"{(CASES / f'{NAME}.sqlite').as_uri()}?immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        (value,) = connection.execute(statement, {"id": IDS[label]} if label else {}).fetchone()
    return value


async def get(case: Case, label: str) -> tuple[str, dict[str, Any]]:
    text, answer = await case(NAME).ask("get_task", task_id=IDS[label], outcomes=50)
    task: dict[str, Any] = answer["task"]
    return text, task


async def listed(case: Case, label: str) -> tuple[str, dict[str, Any]]:
    text, answer = await case(NAME).ask("list_tasks", status="any", limit=100)
    (task,) = [task for task in answer["tasks"] if task["task_id"] == IDS[label]]
    return text, task


REASONS = {
    "platform says why": (
        "SELECT json_extract(result_json, '$.msg') FROM task_shards WHERE uniqc_task_id = :id"
    ),
    "cancelled at the platform": (
        "SELECT 'cancelled at the platform, which uniqc stores as failed: ' "
        "|| json_extract(result_json, '$.msg') FROM task_shards WHERE uniqc_task_id = :id"
    ),
    "refused": "SELECT error_message FROM tasks WHERE task_id = :id",
    "second job failed": (
        "SELECT 'job ' || (shard_index + 1) || ' of 3: ' || error_message FROM task_shards "
        "WHERE uniqc_task_id = :id AND status = 'failed'"
    ),
}


@pytest.mark.parametrize("label", REASONS)
async def test_the_reason_of_a_failure_is_shown_once_with_its_place(case: Case, label: str) -> None:
    reason = sql(REASONS[label], label)
    text, task = await get(case, label)
    assert task["error"] == reason
    assert text.count(json.dumps(reason)) == 1
    text, task = await listed(case, label)
    assert task["error"] == reason.replace("\n", "⏎")
    assert json.dumps(task["error"], ensure_ascii=False) in text


async def test_circuits_that_were_not_submitted_are_counted(case: Case) -> None:
    requested = sql(
        "SELECT json_array_length(metadata_json, '$.circuits') FROM tasks WHERE task_id = :id",
        "cut short",
    )
    submitted = sql(
        "SELECT sum(circuit_count) FROM task_shards WHERE uniqc_task_id = :id", "cut short"
    )
    text, task = await get(case, "cut short")
    assert (task["circuits_requested"], task["circuits_submitted"]) == (requested, submitted)
    assert (task["status"], submitted, requested) == ("success", 2, 5)
    assert "2 of 5 circuits were submitted; 3 have no platform job." in text
    text, task = await listed(case, "cut short")
    assert task["note"] == "2 of 5 circuits submitted"
    assert f"{IDS['cut short']} success on quark:Baihua" in text
    assert text.count("2 of 5 circuits submitted") == 1


@pytest.mark.parametrize("label", ["part done", "second job failed"])
async def test_results_of_finished_jobs_are_shown_at_their_places(case: Case, label: str) -> None:
    places = json.loads(
        sql(
            "SELECT json_group_array(sub_index_offset) FROM task_shards "
            "WHERE uniqc_task_id = :id AND result_json IS NOT NULL",
            label,
        )
    )
    jobs = sql("SELECT count(*) FROM task_shards WHERE uniqc_task_id = :id", label)
    text, task = await get(case, label)
    result = task["result"]
    assert (result["jobs_with_results"], result["jobs"]) == (len(places), jobs)
    assert [circuit["place"] for circuit in result["batch"]] == places == [0, 2]
    assert f"results of {len(places)} of {jobs} jobs" in text
    whole = json.loads(await case(NAME).read(task_uri(IDS[label], "result")))
    assert [place for place, circuit in enumerate(whole) if circuit is not None] == places
    assert len(whole) == jobs


async def test_a_task_without_a_platform_job_is_no_news_of_the_platform(case: Case) -> None:
    assert sql("SELECT count(*) FROM task_shards WHERE uniqc_task_id = :id", "no job") == 0
    text, task = await get(case, "no job")
    assert "seconds_since_update" not in task
    assert "heard of" not in text
    assert "its submission did not get through, or is under way" in text
    text, task = await listed(case, "no job")
    assert task["note"] == "no platform job"
    text, answer = await case(NAME).ask("wait_for_tasks", task_ids=[IDS["no job"]])
    assert answer["state"] == "not_submitted"
    assert "its submission did not get through" in text


async def test_archived_tasks_are_named_where_a_filter_finds_no_live_one(case: Case) -> None:
    assert sql("SELECT count(*) FROM archived_tasks WHERE status = 'failed'") == 1
    cache = case(NAME, "DELETE FROM tasks WHERE status = 'failed'")
    for tool in ("list_tasks", "count_tasks"):
        text, answer = await cache.ask(tool, status="failed")
        assert answer["total"] == 0
        assert "1 failed task is archived" in " ".join(answer["store"]["notes"])
        assert "1 failed task is archived" in text


async def test_a_live_task_with_an_archived_one_of_its_id_says_so(case: Case) -> None:
    twins = sql("SELECT count(*) FROM tasks JOIN archived_tasks USING (task_id)")
    assert twins == sql("SELECT count(*) FROM archived_tasks WHERE task_id = :id", "twin") == 1
    text, task = await get(case, "twin")
    assert task["archived_at"] == ""
    assert any("archive has another task of this id" in note for note in task["notes"])
    assert "This is the live one; get_task shows the other as" in text


NUMBERS = {
    "ten qubits": ("rounded probabilities", "right (c[0] is last)"),
    "three in superposition": ("rounded probabilities", "right (c[0] is last)"),
    "two of three": ("rounded probabilities", "right (c[0] is last)"),
    "two of three sampled": ("counted shots", "right (c[0] is last)"),
    "sampled": ("counted shots", "right (c[0] is last)"),
    "right": ("counted shots", "right (c[0] is last) if uniqc 0.0.13 or later fetched it"),
    "twin": ("counted shots", "unknown"),
}


@pytest.mark.parametrize("label", NUMBERS)
async def test_a_result_says_what_its_numbers_are_and_which_end_is_c0(
    case: Case, label: str
) -> None:
    stored = json.loads(sql("SELECT result_json FROM tasks WHERE task_id = :id", label))
    counts = {key: count for key, count in stored.get("counts", stored).items() if count}
    text, task = await get(case, label)
    result = task["result"]
    assert {outcome["bits"]: outcome["count"] for outcome in result["outcomes"]} == counts
    assert (result["numbers"], result["bit_order"]) == NUMBERS[label]
    assert result["numbers"] in text
    measured = [
        line.removeprefix("MEASURE ").split(", ")
        for line in sql(
            "SELECT json_extract(metadata_json, '$.circuit_ir') FROM tasks WHERE task_id = :id",
            label,
        ).splitlines()
        if line.startswith("MEASURE")
    ]
    assert all(
        bit in result["measured"] and qubit in result["measured"]
        for qubit, bit in (measured[0], measured[-1])
    )


async def test_bytes_of_shots_are_no_outcomes(case: Case) -> None:
    total = sql("SELECT sum(value) FROM tasks, json_each(result_json) WHERE task_id = :id", "wide")
    assert total == 2 * sql("SELECT shots FROM tasks WHERE task_id = :id", "wide")
    text, task = await get(case, "wide")
    assert (task["result"]["numbers"], task["result"]["outcomes"]) == ("bytes of shots", [])
    assert "no outcomes of the circuit" in text
    assert "0.502" not in text


async def test_a_circuit_that_measures_nothing_has_no_outcome(case: Case) -> None:
    circuit = sql(
        "SELECT json_extract(metadata_json, '$.circuit_ir') FROM tasks WHERE task_id = :id",
        "nothing measured",
    )
    assert "MEASURE" not in circuit
    text, task = await get(case, "nothing measured")
    assert task["result"]["outcomes"] == []
    assert "The recorded circuit measures nothing" in text


async def test_shots_of_a_batch_are_told_for_each_circuit_and_in_all(case: Case) -> None:
    shots = sql("SELECT shots FROM tasks WHERE task_id = :id", "two circuits")
    text, task = await get(case, "two circuits")
    assert f"{shots} shots for each circuit, {2 * shots} in all." in text
    assert f"{shots} shots for each circuit, {2 * shots} in all." in task["result"]["notes"]


async def test_the_compiled_circuit_is_a_resource_and_not_in_the_metadata(case: Case) -> None:
    compiled = sql(
        "SELECT json_extract(metadata_json, '$.compiled_circuit_ir') FROM tasks "
        "WHERE task_id = :id",
        "compiled",
    )
    text, task = await get(case, "compiled")
    assert "compiled_circuit_ir" not in task["metadata"]
    assert next(iter(task["metadata"])) == "my_note"
    uri = task_uri(IDS["compiled"], "circuit/compiled")
    assert uri in text
    assert json.loads(await case(NAME).read(uri))["circuits"] == [compiled]


async def test_a_name_that_is_no_text_stays_in_the_metadata(case: Case) -> None:
    label = "a name that is no text"
    name = sql(
        "SELECT json_extract(metadata_json, '$.task_name') FROM tasks WHERE task_id = :id", label
    )
    text, task = await get(case, label)
    assert (task["name"], task["metadata"]["task_name"]) == ("", name)
    assert '"task_name": 7' in text
