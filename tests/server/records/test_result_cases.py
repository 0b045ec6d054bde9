"""Stores in which the obvious reading of a result is wrong, each with variations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.server.conftest import Cache

CASES = Path(__file__).parents[2] / "data" / "cases"
RIGHT, LEFT = "right (c[0] is last)", "left (c[0] is first)"
LIKELY = f"{RIGHT} if uniqc 0.0.13 or later fetched it"
INSERT_JOB = """
    INSERT INTO task_shards VALUES ('task-000001', {index}, '{platform_id}', '{backend}',
        {circuits}, {first}, 'success', '{result}', NULL, '{time}', '{time}');
"""
BEFORE = "2026-05-01T00:00:00+00:00"
AFTER = "2026-11-03T12:00:00+00:00"


def job(
    result: object,
    *,
    backend: str,
    index: int = 0,
    first: int = 0,
    circuits: int = 1,
    platform_id: str = "P",
    time: str = AFTER,
) -> str:
    return INSERT_JOB.format(
        index=index,
        platform_id=platform_id,
        backend=backend,
        circuits=circuits,
        first=first,
        result=json.dumps(result),
        time=time,
    )


def measure(*qubits: int, gates: str = "H q[0]\n", creg: int = 0) -> str:
    lines = [f"MEASURE q[{qubit}], c[{bit}]\n" for bit, qubit in enumerate(qubits)]
    return f"QINIT 9\nCREG {creg or len(qubits)}\n{gates}{''.join(lines)}"


def task(
    result: object, *, backend: str, shots: int = 1000, circuit: str = "", **metadata: Any
) -> dict[str, object]:
    known = {"circuit_ir": circuit, "circuit_language": "OriginIR"} if circuit else {}
    return {
        "backend": backend,
        "shots": shots,
        "result_json": json.dumps(result),
        "metadata_json": json.dumps({**known, **metadata}),
    }


def case(cache: Cache, name: str) -> Cache:
    shutil.copyfile(CASES / f"{name}.sqlite", cache.path)
    return cache


async def result_of(cache: Cache, task_id: str = "task-000001", **more: Any) -> tuple[str, Any]:
    """Return the text of a task without its jobs and metadata, and its result in the structure."""
    text, answer = await cache.ask("get_task", task_id=task_id, **more)
    shown = text.partition("\nmetadata: ")[0]
    result = answer["task"]["result"]
    # Each channel stands alone.
    for circuit in [result, *result["batch"]]:
        assert all(note in text for note in circuit["notes"])
        assert circuit.get("numbers", "") in text
        assert circuit.get("measured", "") in text
    return shown, result


async def by_name(cache: Cache) -> Mapping[str, tuple[str, Any]]:
    _, answer = await cache.ask("list_tasks", status="any", limit=100)
    return {
        row["name"]: await result_of(cache, row["task_id"], outcomes=4) for row in answer["tasks"]
    }


# Bytes of shots


async def test_bytes_of_shots_are_no_outcomes(cache: Cache) -> None:
    text, result = await result_of(case(cache, "ibm-wide"), "uqt_00000000000000000000000000000001")
    assert (result["numbers"], result["bit_order"]) == ("bytes of shots", "unknown")
    assert not result.keys() & {"outcomes", "distinct", "shown"}
    assert "remaining_probability" not in result
    assert "each byte of a shot" in text
    assert "0.507" not in text
    assert result["measured"] == "c[0]=q[0] to c[9]=q[9], in order"


@pytest.mark.parametrize(
    ("backend", "bits", "shots", "total", "version"),
    [
        ("ibm:ibm_fez", 9, 1000, 2000, 5),
        ("ibm", 16, 500, 1000, 3),
        ("ibm:ibm_torino", 17, 100, 300, 5),
    ],
)
async def test_bytes_of_shots_are_known_by_their_total(
    cache: Cache, backend: str, bits: int, *, shots: int, total: int, version: int
) -> None:
    counts = {"0" * bits: total - 7, "0" * (bits - 1) + "1": 7}
    cache.write(task(counts, backend=backend, shots=shots), version=version)
    text, result = await result_of(cache)
    assert (result["numbers"], result["outcomes"]) == ("bytes of shots", [])
    assert f"The counts add up to {total}, the task's shots are {shots}." in text


@pytest.mark.parametrize(
    ("backend", "bits", "total", "numbers"),
    [
        ("ibm:ibm_fez", 10, 1000, "counted shots"),
        ("ibm:ibm_fez", 8, 2000, "counted shots"),
        ("originq:WK_C180", 10, 2000, "counted shots"),
        ("ibm:ibm_fez", 10, 1500, "counts, perhaps of bytes of shots"),
    ],
)
async def test_other_wide_results_are_shown(
    cache: Cache, backend: str, bits: int, total: int, numbers: str
) -> None:
    cache.write(task({"1" * bits: total}, backend=backend), version=5)
    _, result = await result_of(cache)
    assert (result["numbers"], result["distinct"]) == (numbers, 1)


# Rounded probabilities


async def test_zeros_of_a_rounding_simulator_are_no_outcomes(cache: Cache) -> None:
    text, result = await result_of(
        case(cache, "dummy-rounded"), "uqt_00000000000000000000000000000001"
    )
    assert result["numbers"] == "rounded probabilities"
    assert result["outcomes"] == [{"bits": "0000000000", "count": 100, "probability": 1.0}]
    assert (result["distinct"], result["shown"]) == (1, 1)
    assert "Outcomes stored with a count of 0: 1023." in text
    assert "there is no sampling noise" in text
    assert "zeros come from the rounding" in text


@pytest.mark.parametrize(
    ("backend", "version"),
    [
        ("dummy", 2),
        ("dummy:originq:WK_C180", 5),
        ("dummy:local:virtual-line-3", 5),
        ("dummy:virtual:lab", 5),
    ],
)
async def test_all_dummies_but_mps_round(cache: Cache, backend: str, version: int) -> None:
    cache.write(task({"0": 1000, "1": 0}, backend=backend, circuit=measure(0)), version=version)
    text, result = await result_of(cache)
    assert (result["numbers"], result["distinct"]) == ("rounded probabilities", 1)
    assert "the first outcome takes the rounding" in text


@pytest.mark.parametrize(
    ("backend", "circuit", "metadata"),
    [
        ("dummy:local:mps-linear-3", measure(0), {}),
        ("dummy:mps-linear-32:chi=16", measure(0), {}),
        ("dummy", measure(0), {"dummy_backend_id": "dummy:local:mps-linear-3"}),
        ("dummy:local:simulator", measure(0, gates="QIF c[0]\nX q[0]\nENDQIF\n"), {}),
    ],
)
async def test_a_simulator_that_samples_counts_shots(
    cache: Cache, backend: str, circuit: str, metadata: dict[str, Any]
) -> None:
    cache.write(task({"0": 512, "1": 488}, backend=backend, circuit=circuit, **metadata), version=5)
    text, result = await result_of(cache)
    assert result["numbers"] == "counted shots"
    assert "sampling noise" not in text


async def test_counts_that_were_cut_are_told_with_the_reason(cache: Cache) -> None:
    cache.write(task({"00": 333, "01": 333, "11": 333}, backend="dummy:dummy"))
    text, _ = await result_of(cache)
    assert "The counts add up to 999, the task's shots are 1000." in text
    assert "uniqc up to 0.0.7 cut the fractions off" in text


async def test_what_a_dummys_numbers_mean_is_told_for_each(cache: Cache) -> None:
    told = await by_name(case(cache, "dummy-meaning-0.1.1"))
    text, result = told["H on 7, 200 shots"]
    assert "Negative counts and zeros come from the rounding." in text
    assert all(outcome["count"] == 2 for outcome in result["outcomes"])
    text, result = told["no MEASURE"]
    assert result["measured"] == "nothing"
    assert not result.keys() & {"outcomes", "distinct"}
    assert "The recorded circuit measures nothing" in text
    text, result = told["2 of 3 on simulator"]
    assert result["measured"] == "c[0]=q[2], c[1]=q[0]"
    assert "The 2 bits on the right are measured; those before them are always 0." in text
    assert told["2 of 3 on mps-linear-3"][1]["numbers"] == "counted shots"
    assert "first outcome takes the rounding" in told["H on 3, 100 shots"][0]
    assert {result["bit_order"] for _, result in told.values()} == {RIGHT}


# Circuits that measure otherwise than it seems


@pytest.mark.parametrize(
    ("backend", "note", "shown"),
    [
        ("dummy:local:simulator", "The recorded circuit measures nothing: the stored outcome", 0),
        ("dummy:originq:WK_C180", "The recorded circuit measures nothing: the stored outcome", 0),
        ("dummy:local:mps-linear-3", "the simulator measured each q[i] into c[i]", 1),
        ("originq:WK_C180", "The recorded circuit measures nothing: the stored outcome", 1),
    ],
)
async def test_a_circuit_that_measures_nothing_is_said_to(
    cache: Cache, backend: str, note: str, shown: int
) -> None:
    cache.write(task({"0": 1000}, backend=backend, circuit="QINIT 1\nCREG 1\nX q[0]\n"), version=5)
    text, result = await result_of(cache)
    assert note in text
    assert (result["measured"], result.get("shown", 0)) == ("nothing", shown)


@pytest.mark.parametrize("backend", ["dummy:local:simulator", "originq:WK_C180", "ibm:ibm_fez"])
async def test_a_gate_after_the_measurement_is_told(cache: Cache, backend: str) -> None:
    circuit = measure(2, 1) + "X q[2]\n"
    cache.write(task({"00": 1000}, backend=backend, circuit=circuit), version=5)
    text, _ = await result_of(cache)
    assert "A gate acts on q[2] after the measurement" in text


@pytest.mark.parametrize(("backend", "missing"), [("ibm:ibm_fez", True), ("originq:W", False)])
async def test_a_register_that_is_missing_is_told_of_ibm(
    cache: Cache, backend: str, *, missing: bool
) -> None:
    cache.write(task({"00": 1000}, backend=backend, circuit=measure(0, 1, 2, 3)), version=5)
    text, result = await result_of(cache)
    assert ("Keys have 2 of 4 measured bits: of two classical registers" in text) == missing
    assert ("Keys are as wide as the largest outcome, 2 of 4 bits" in text) != missing
    assert result["measured"] == "c[0]=q[0], c[1]=q[1], c[2]=q[2], c[3]=q[3]"


# Both orders


async def test_one_file_holds_both_orders(cache: Cache) -> None:
    told = await by_name(case(cache, "ibm-both-orders"))
    doubtful = f"{LIKELY}, though 0.0.12 or earlier submitted it"
    assert told["A 0.0.12"][1]["bit_order"] == doubtful
    assert told["A 0.1.1"][1]["bit_order"] == LIKELY
    assert told["A 0.0.12"][1]["outcomes"][0]["bits"] == "100"  # as it is stored
    assert "bit order right (c[0] is last) if uniqc 0.0.13" in told["A 0.1.1"][0]
    assert told["C 0.1.1"][1]["measured"] == "c[0]=q[2], c[1]=q[0]"


@pytest.mark.parametrize("backend", ["ibm:ibm_fez", "quafu:ScQ-P18"])
@pytest.mark.parametrize(
    ("version", "fetched_at", "order"),
    [(3, AFTER, LEFT), (5, BEFORE, LEFT), (5, AFTER, LIKELY)],
)
async def test_the_job_tells_when_a_result_was_fetched(
    cache: Cache, backend: str, version: int, fetched_at: str, order: str
) -> None:
    counts = {"100": 960, "000": 40}
    script = job(counts, backend=backend, time=fetched_at) if version == 5 else ""
    cache.write(
        task(counts, backend=backend, circuit=measure(0, 1, 2)), version=version, script=script
    )
    text, result = await result_of(cache)
    assert result["bit_order"] == order
    assert ("c[0] is first" in text) == (order == LEFT)


async def test_each_circuit_of_a_batch_has_the_order_of_its_job(cache: Cache) -> None:
    backend = "ibm:ibm_fez"
    script = "".join(
        job(
            {"10": 9}, backend=backend, index=index, first=index, platform_id=f"P{index}", time=time
        )
        for index, time in enumerate([BEFORE, AFTER])
    )
    cache.write(task([{"10": 9}] * 2, backend=backend, shots=9), version=5, script=script)
    _, result = await result_of(cache)
    assert [circuit["bit_order"] for circuit in result["batch"]] == [LEFT, LIKELY]


# Hex keys


async def test_hex_keys_in_a_list_of_one_are_one_circuit(cache: Cache) -> None:
    text, result = await result_of(case(cache, "ibm-hex-0.0.4"), "old0000000000000000001")
    assert (result["kind"], result["circuits"], result["bit_order"]) == (
        "counts",
        1,
        "hex (c[0] is bit 0)",
    )
    assert result["outcomes"] == [{"bits": "100", "count": 1000, "probability": 1.0}]
    assert "bit order hex (c[0] is bit 0)" in text
    assert "Hex keys have no width" in text
    assert "batch" not in text
    assert json.loads(await cache.read("uniqc://task/old0000000000000000001/result")) == [
        {"0x4": 1000}
    ]


@pytest.mark.parametrize(
    ("backend", "result", "bits"),
    [
        ("ibm", [{"0x0": 400, "0x5": 600}], ["101", "000"]),
        ("ibm", {"0x1": 1000}, ["1"]),
        ("originq", [{"key": "0x0", "value": 0.25}, {"key": "0x3", "value": 0.75}], ["11", "00"]),
    ],
)
async def test_hex_keys_of_old_releases_are_written_as_bits(
    cache: Cache, backend: str, result: object, bits: list[str]
) -> None:
    cache.write(task(result, backend=backend))
    _, told = await result_of(cache)
    assert [outcome["bits"] for outcome in told["outcomes"]] == bits
    assert (told["bit_order"], told["circuits"], told["batch"]) == (
        "hex (c[0] is bit 0)",
        1,
        [],
    )


async def test_the_order_of_hex_keys_from_elsewhere_is_unknown(cache: Cache) -> None:
    cache.write(task({"0x1": 1000}, backend="quark:Baihua"))
    assert (await result_of(cache))[1]["bit_order"] == "unknown"


# Batches with fewer results than circuits


async def test_a_copied_histogram_is_no_result_of_each_circuit(cache: Cache) -> None:
    case(cache, "originq-batch-copied-0.0.16")
    text, result = await result_of(cache, "uqt_ecf9b5c375ab473fa41c08a185e6cdb3")
    assert "Job 0 covers 3 circuits and holds one histogram: uniqc copied it to each" in text
    for circuit in result["batch"]:
        assert circuit["numbers"] == "one histogram of 3 circuits"
        assert not circuit.keys() & {"outcomes", "distinct"}
    assert "001 1000x" not in text


@pytest.mark.parametrize("task_id", ["uqt_41ada2dab93c478a87cfba32f47e6f72", "uqt_0f25de63324e"])
async def test_jobs_that_share_a_platform_id_share_a_histogram(cache: Cache, task_id: str) -> None:
    case(cache, "originq-batch-copied-0.0.16")
    text, result = await result_of(cache, task_id)
    assert "Jobs 0, 1, 2 are one job at the platform; they cover 3 circuits" in text
    assert all(not circuit["outcomes"] for circuit in result["batch"])


@pytest.mark.parametrize(
    ("results", "circuits", "copied"),
    [
        ([{"0": 9}] * 2, 2, True),
        ([{"0": 9}] * 4, 4, True),
        ([{"0": 9}, {"1": 9}], 2, False),
    ],
)
async def test_a_list_of_histograms_is_shown_for_each_circuit(
    cache: Cache, results: list[object], circuits: int, *, copied: bool
) -> None:
    backend = "originq:WK_C180"
    stored = results[0] if copied else results
    script = job(stored, backend=backend, circuits=circuits)
    cache.write(task(results, backend=backend, shots=9), version=5, script=script)
    text, result = await result_of(cache)
    assert ("holds one histogram" in text) == copied
    assert any(circuit["outcomes"] for circuit in result["batch"]) != copied


async def test_a_job_of_one_circuit_beside_a_copied_one_keeps_its_outcomes(cache: Cache) -> None:
    backend = "originq:WK_C180"
    script = job({"0": 9}, backend=backend, circuits=2)
    script += job({"1": 9}, backend=backend, index=1, first=2, platform_id="Q")
    cache.write(
        task([{"0": 9}, {"0": 9}, {"1": 9}], backend=backend, shots=9), version=5, script=script
    )
    _, result = await result_of(cache)
    assert [circuit.get("shown", 0) for circuit in result["batch"]] == [0, 0, 1]


async def test_the_first_circuit_of_a_batch_is_told_to_be_the_only_one(cache: Cache) -> None:
    text, result = await result_of(
        case(cache, "ibm-batch-first-only-0.0.8"), "d0000000000000000000"
    )
    note = "This is 1 of 2 circuits: uniqc kept no result of the others."
    assert note in result["notes"]
    assert note in text
    assert (result["bit_order"], result["outcomes"][0]["bits"]) == (LEFT, "100")


@pytest.mark.parametrize(
    ("version", "metadata", "note"),
    [
        (1, {"batch_size": 3}, "1 of 3 circuits"),
        (3, {"batch": True, "batch_size": 50}, "1 of 50 circuits"),
        (5, {"batch_size": 2, "legacy_platform_id": "d0"}, "1 of 2 circuits"),
        (5, {"batch_size": 2}, ""),
        (2, {"batch_size": 1}, ""),
    ],
)
async def test_first_circuits_are_known_by_the_schema_and_the_size(
    cache: Cache, version: int, metadata: dict[str, Any], note: str
) -> None:
    cache.write(task({"10": 1000}, backend="ibm", **metadata), version=version)
    text, _ = await result_of(cache)
    assert ("uniqc kept no result of the others" in text) == bool(note)
    assert note in text


# Shots, and what users save


@pytest.mark.parametrize("circuits", [2, 3, 7])
async def test_shots_of_a_batch_are_told_with_the_total(cache: Cache, circuits: int) -> None:
    cache.write(task([{"0": 20}] * circuits, backend="quark:Baihua", shots=20))
    text, result = await result_of(cache)
    note = f"20 shots for each circuit, {20 * circuits} in all."
    assert note in text
    assert note in result["notes"]


@pytest.mark.parametrize(
    ("result", "numbers", "said"),
    [
        ({"00": 1.02, "11": -0.02}, "quasi-probabilities", "00 1.02"),
        ({"00": 498.3, "11": 501.7}, "mitigated counts", "11 501.7x"),
        ({"0b00": 400, "0b11": 600}, "counted shots", "11 600x"),
        ({"meas": {"00": 1000}}, "counted shots", 'the classical register "meas"'),
        (["01"] * 1000, "counted shots", "a list that has one outcome for each shot"),
        ({"a": {"0": 1000}, "b": {"1": 1000}}, None, "the outcomes of each classical register"),
    ],
)
async def test_what_users_save_is_shown_in_an_unknown_order(
    cache: Cache, result: object, numbers: str | None, said: str
) -> None:
    cache.write(task(result, backend="originq:WK_C180"))
    text, told = await result_of(cache)
    assert told.get("numbers") == numbers
    assert said in text
    for circuit in [*told["batch"], told]:
        assert circuit.get("bit_order", "unknown") == "unknown"


@pytest.mark.parametrize("rows", [3, 4, 9])
async def test_a_list_of_lists_is_described(cache: Cache, rows: int) -> None:
    cache.write(task([[0.5, 0.5]] * rows, backend="originq:WK_C180"))
    text, told = await result_of(cache)
    assert (told["kind"], told["circuits"]) == ("unknown", 1)
    assert f"A list (entries: {rows}, all lists) that is not understood" in text
    assert "batch" not in text
