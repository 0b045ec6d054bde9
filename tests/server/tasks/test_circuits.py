"""Source, compiled and executed circuits in an answer and by URI, and the rest of the metadata."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_mcp.records.circuits import circuits_at
from uniqc_mcp.subscriptions.watched_uris import can_change
from uniqc_mcp.tasks.lookup import find_task

if TYPE_CHECKING:
    from tests.server.conftest import Cache

CASES = Path(__file__).parents[2] / "data" / "cases"
BELL = "QINIT 2\nCREG 2\nH q[0]\nCNOT q[0], q[1]\nMEASURE q[0], c[0]\n"
NATIVE = "QINIT 156\nCREG 2\n" + "RZ q[0], (1.5707963267948966)\n" * 200
QASM = "OPENQASM 2.0;\nqreg q[2];\n"


async def ask(
    cache: Cache, metadata: dict[str, Any], backend: str = "quark:Baihua", version: int = 5
) -> tuple[str, dict[str, Any]]:
    cache.write({"metadata_json": json.dumps(metadata), "backend": backend}, version=version)
    text, answer = await cache.ask("get_task", task_id="task-000001")
    return text, answer["task"]


async def whole(cache: Cache, part: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(await cache.read(f"uniqc://task/task-000001/{part}"))
    return shown


def stages(task: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(stage["stage"], stage["count"], stage["language"]) for stage in task["circuits"]]


def copy_case(cache: Cache, name: str) -> None:
    shutil.copyfile(CASES / name, cache.path)
    os.utime(cache.path, (cache.now.timestamp(), cache.now.timestamp()))


# Stages.


@pytest.mark.parametrize(
    ("backend", "batch", "recorded"),
    [
        ("dummy:originq:LINE5", False, ["source", "compiled", "executed"]),
        ("dummy:originq:LINE5", True, ["source"]),
        ("dummy:local:simulator", False, ["source"]),
        ("originq:LINE5", False, ["source", "compiled"]),
        ("originq:LINE5", True, ["submitted"]),
    ],
)
async def test_each_stage_that_uniqc_0_1_1_recorded_is_found(
    cache: Cache,
    backend: str,
    batch: bool,  # noqa: FBT001 - a parameter of the table
    recorded: list[str],
) -> None:
    """On a store that uniqc 0.1.1 wrote, for a chip that is a line of five qubits."""
    copy_case(cache, "circuits-0.1.1.sqlite")
    (stored,) = [
        task
        for task in cache.store.list()
        if task.backend == backend and ("batch" in task.metadata) is batch
    ]
    _, answer = await cache.ask("get_task", task_id=stored.task_id)
    task = answer["task"]
    assert stages(task) == [(stage, 2 if batch else 1, "OriginIR") for stage in recorded]
    shown = {
        circuit
        for stage in task["circuits"]
        for circuit in json.loads(await cache.read(stage["uri"]))["circuits"]
    }
    kept: dict[str, Any] = stored.metadata
    single = {value for key, value in kept.items() if key.endswith("circuit_ir")}
    assert shown == {*single, *(kept.get("circuits", []) if batch else [])}
    # Only a compiled circuit is in the gates of the chip.
    compiled = [stage for stage in recorded if stage != "source"]
    assert any("SX q[0]" in circuit for circuit in shown) == bool(compiled)


async def test_the_compiled_circuit_of_the_case_is_whole_and_leaves_room_for_a_note(
    cache: Cache,
) -> None:
    copy_case(cache, "compiled-cut.sqlite")
    (task_id,) = [task.task_id for task in cache.store.list()]
    text, answer = await cache.ask("get_task", task_id=task_id)
    task = answer["task"]
    assert stages(task) == [("source", 1, "OriginIR"), ("compiled", 1, "OriginIR")]
    compiled = task["circuits"][1]["uri"]
    assert f"compiled circuit: 1, OriginIR, {compiled}" in text
    shown = json.loads(await cache.read(compiled))
    stored = cache.store.get(task_id)
    assert stored is not None
    assert shown["circuits"] == [stored.metadata["compiled_circuit_ir"]]
    assert list(task["metadata"]) == ["my_note", "failure_stage"]
    assert '"my_note": "read me"' in text


@pytest.mark.parametrize("version", [1, 5])
async def test_a_dummy_that_imitates_a_chip_has_all_three_stages(
    cache: Cache, version: int
) -> None:
    metadata = {
        "circuit_ir": BELL,
        "circuit_language": "OriginIR",
        "compiled_circuit_ir": NATIVE,
        "compiled_circuit_language": "OriginIR",
        "executed_circuit_ir": NATIVE,
        "executed_circuit_language": "OriginIR",
        "compile_target_backend": "originq:WK_C180",
        "label": "monday",
    }
    text, task = await ask(cache, metadata, "dummy:originq:WK_C180", version)
    assert [stage["stage"] for stage in task["circuits"]] == ["source", "compiled", "executed"]
    assert list(task["metadata"]) == ["label", "compile_target_backend"]
    for stage, circuit in zip(task["circuits"], (BELL, NATIVE, NATIVE), strict=True):
        assert f"{stage['stage']} circuit: 1, OriginIR, {stage['uri']}" in text
        assert json.loads(await cache.read(stage["uri"])) == {
            "stage": stage["stage"],
            "language": "OriginIR",
            "circuits": [circuit],
            "note": "",
        }


@pytest.mark.parametrize("backend", ["originq:WK_C180", "ibm:ibm_fez", "quark", "tianyan:t176"])
@pytest.mark.parametrize("key", ["circuits", "circuit_ir"])
async def test_circuits_of_a_batch_on_a_cloud_are_shown_as_submitted(
    cache: Cache, backend: str, key: str
) -> None:
    circuits = [BELL, NATIVE] if key == "circuits" else [NATIVE]
    metadata = {
        "batch": True,
        "batch_size": 2,
        key: circuits if key == "circuits" else NATIVE,
        "circuit_language": "OriginIR",
    }
    text, task = await ask(cache, metadata, backend)
    (stage,) = task["circuits"]
    assert (stage["stage"], stage["count"]) == ("submitted", len(circuits))
    assert "the source is not stored" in stage["note"]
    assert f"({stage['note']})" in text
    shown = await whole(cache, "circuit")
    assert (shown["stage"], shown["circuits"]) == ("submitted", circuits)
    assert shown["note"] == stage["note"]
    compiled = await whole(cache, "circuit/compiled")
    assert compiled["circuits"] == []
    assert "see /circuit" in compiled["note"]


@pytest.mark.parametrize("backend", ["dummy:local:simulator", "dummy"])
async def test_circuits_of_a_batch_on_a_dummy_are_its_source(cache: Cache, backend: str) -> None:
    metadata = {"batch": True, "batch_size": 2, "circuits": [BELL, BELL]}
    text, task = await ask(cache, metadata, backend)
    assert stages(task) == [("source", 2, "OriginIR")]
    assert "note" not in task["circuits"][0]
    assert "source circuits: 2, OriginIR, " in text


async def test_a_single_task_whose_user_calls_it_a_batch_keeps_its_source(cache: Cache) -> None:
    _, task = await ask(cache, {"batch": True, "circuit_ir": BELL})
    assert stages(task) == [("source", 1, "OriginIR")]
    assert task["metadata"] == {"batch": True}


@pytest.mark.parametrize(
    ("key", "stage"),
    [("qasm", "source"), ("compiled_qasm", "compiled"), ("executed_circuit", "executed")],
)
async def test_a_circuit_that_uniqcs_gateway_would_find_is_found(
    cache: Cache, key: str, stage: str
) -> None:
    _, task = await ask(cache, {key: QASM, "note": "mine"})
    assert stages(task) == [(stage, 1, "OpenQASM")]
    assert task["metadata"] == {"note": "mine"}


async def test_a_text_that_is_no_circuit_stays_under_a_name_of_the_gateway(cache: Cache) -> None:
    _, task = await ask(cache, {"circuit": "the one from Monday", "qasm": 3})
    assert (task["circuits"], task["metadata"]) == (
        [],
        {"circuit": "the one from Monday", "qasm": 3},
    )


@pytest.mark.parametrize("part", ["circuit", "circuit/compiled", "circuit/executed"])
async def test_a_stage_that_is_not_recorded_says_so(cache: Cache, part: str) -> None:
    cache.write({})
    stage = part.partition("/")[2] or "source"
    assert await whole(cache, part) == {
        "stage": stage,
        "language": "",
        "circuits": [],
        "note": f"the record holds no {stage} circuit",
    }


@pytest.mark.parametrize("part", ["circuit", "circuit/compiled", "circuit/executed"])
async def test_a_credential_in_a_circuit_is_hidden_at_each_stage(cache: Cache, part: str) -> None:
    secret = f"{BELL}// password=hunter2\n"
    metadata: dict[str, Any] = dict.fromkeys(
        ["circuit_ir", "compiled_circuit_ir", "executed_circuit_ir"], secret
    )
    text, _ = await ask(cache, metadata)
    assert "hunter2" not in text + await cache.read(f"uniqc://task/task-000001/{part}")
    assert (await whole(cache, part))["circuits"] == [f"{BELL}// password=[redacted]\n"]


@pytest.mark.parametrize("part", ["circuit", "circuit/compiled", "circuit/executed"])
def test_a_change_of_a_task_concerns_each_of_its_circuits(part: str) -> None:
    assert can_change(f"uniqc://task/uqt_1/{part}")
    assert not can_change(f"uniqc://task/uqt_1/{part}/more")


def test_circuits_of_one_stage_are_read_without_a_view(cache: Cache) -> None:
    cache.write({"metadata_json": json.dumps({"circuit_ir": BELL, "compiled_circuit_ir": NATIVE})})
    record = cache.store.read(lambda snapshot: snapshot.record(find_task(snapshot, "task-000001")))
    source, compiled = circuits_at(record, "source"), circuits_at(record, "compiled")
    assert source is not None
    assert compiled is not None
    assert (source.texts, compiled.texts) == ((BELL,), (NATIVE,))
    assert circuits_at(record, "executed") is None


# The rest of the metadata.


@pytest.mark.parametrize(
    "metadata",
    [
        {"task_name": 7},
        {"task_name": ["a", "b"]},
        {"circuit_ir": [BELL]},
        {"circuit_ir": ""},
        {"circuits": BELL},
        {"circuits": [BELL, 7]},
        {"circuits": []},
        {"compiled_circuit_ir": {"q": 1}},
        {"executed_circuit_ir": 5},
        {"circuit_language": 3, "circuit_ir": None},
        {"circuit_language": "OriginIR"},
        {"failure_error": {"code": 401}},
        {"submission_error": 5},
        {"legacy_platform_id": 12},
    ],
)
async def test_metadata_of_another_type_than_expected_stays(
    cache: Cache, metadata: dict[str, Any]
) -> None:
    text, task = await ask(cache, metadata)
    assert task["metadata"] == metadata
    assert f"metadata: {json.dumps(metadata)}" in text


async def test_a_circuit_beside_a_batch_stays_in_the_metadata(cache: Cache) -> None:
    _, task = await ask(cache, {"circuits": [BELL, BELL], "circuit_ir": BELL}, "dummy")
    assert stages(task) == [("source", 2, "OriginIR")]
    assert task["metadata"] == {"circuit_ir": BELL}


async def test_a_note_that_equals_the_error_stays_in_the_metadata(cache: Cache) -> None:
    _, task = await ask(cache, {"failure_error": "cold", "my_note": "cold"})
    assert (task["error"], task["metadata"]) == ("cold", {"my_note": "cold"})


async def test_metadata_of_the_user_comes_before_that_of_uniqc(cache: Cache) -> None:
    used_gates = [f"GATE{number}" for number in range(3_000)]
    metadata = {
        "circuit_ir": BELL,
        "used_gates": used_gates,
        "validation_warnings": ["x" * 1_000] * 20,
        "failure_error": "long " * 400,
        "my_note": "read me",
        "seed": 7,
    }
    text, task = await ask(cache, metadata | {"submission_error": "other"})
    assert list(task["metadata"])[:2] == ["my_note", "seed"]
    assert '"my_note": "read me", "seed": 7' in text
