"""The tool compare_tasks: what differs between tasks, and how far their outcomes are apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.records.test_result_cases import measure, task
from tests.server.test_token_budget import NASTY, cost, record

from uniqc_mcp.prompts import PROMPTS
from uniqc_mcp.resources import RESOURCES
from uniqc_mcp.token_budget import ANSWER
from uniqc_mcp.tool_registry import TOOLS

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

BELL = measure(0, 1)
CHIP = "originq:WK_C180"
SIMULATOR = "dummy:local:simulator"
ONE, TWO, THREE = (f"task-{number:06}" for number in (1, 2, 3))


def bell(counts: dict[str, float], backend: str = CHIP, **more: Any) -> dict[str, object]:
    return task(counts, backend=backend, circuit=BELL, **more)


async def compare(cache: Cache, *ids: str, **more: Any) -> tuple[str, dict[str, Any]]:
    if ids:
        more["task_ids"] = [*ids]
    return await cache.ask("compare_tasks", **more)


async def test_distances_stand_beside_those_by_chance(cache: Cache) -> None:
    cache.write(bell({"00": 480, "11": 500, "01": 20}), bell({"00": 530, "11": 460, "10": 10}))
    text, found = await compare(cache, ONE, TWO)
    (circuit,) = found["circuits"]
    (pair,) = circuit["distances"]
    assert pair["tasks"] == "first, second"
    assert pair["total_variation"] == 0.06
    assert 0.015 < pair["total_variation_by_chance"] < 0.035
    assert pair["hellinger"] == pytest.approx(0.1265, abs=0.01)
    assert circuit["columns"] == ["bits", "first", "share of first", "second", "share of second"]
    assert circuit["rows"][0] == ["00", 480, 0.48, 530, 0.53]
    assert "\n00: 480 (0.48) | 530 (0.53)\n" in text
    told = f"total variation distance 0.06 ({pair['total_variation_by_chance']:g} by chance)"
    assert told in text


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (bell({"00": 500, "11": 500}, SIMULATOR), bell({"00": 9}), "rounded probabilities"),
        (bell({"00": 9}), bell({"00": 12, "11": -3}), "below zero"),
        (
            bell({"00": 9}),
            task({"00": 9}, backend=CHIP, circuit=measure(1, 0)),
            "The classical bits of the two measure different qubits",
        ),
        (bell({"00": 9}), bell({"00": 9}, "quark:B"), "does not tell which end"),
    ],
)
async def test_no_distance_is_given_where_it_would_mislead(
    cache: Cache, one: dict[str, object], other: dict[str, object], reason: str
) -> None:
    text, found = await compare(cache.write(one, other, version=5), ONE, TWO)
    (circuit,) = found["circuits"]
    assert circuit["distances"] == []
    assert "distance 0" not in text
    assert reason in text
    assert reason in json.dumps(circuit["notes"])


async def test_probabilities_have_a_distance_without_noise(cache: Cache) -> None:
    cache.write(bell({"00": 0.5, "11": 0.5}), bell({"00": 60, "11": 40}))
    text, found = await compare(cache, ONE, TWO)
    (pair,) = found["circuits"][0]["distances"]
    assert pair["total_variation"] == 0.1
    assert "total_variation_by_chance" not in pair
    assert "by chance)" not in text
    assert "does not tell how much the numbers of the first vary by chance" in text


async def test_a_task_that_can_not_stand_beside_the_others_is_left_out_alone(cache: Cache) -> None:
    cache.write(bell({"00": 9}), {"status": "running"}, bell({"00": 8, "11": 1}), bell({"00": 7}))
    text, found = await compare(cache, ONE, TWO, THREE, "task-000004")
    (circuit,) = found["circuits"]
    pairs = [pair["tasks"] for pair in circuit["distances"]]
    assert pairs == ["first, third", "first, fourth", "third, fourth"]
    assert circuit["rows"][0] == ["00", 9, 1.0, 8, 0.889, 7, 1.0]
    for channel in (text, json.dumps(found)):
        assert "Not side by side: the second has no result." in channel


async def test_what_differs_and_what_is_the_same_is_named(cache: Cache) -> None:
    other = measure(0, 1, gates="H q[0]\nX q[1]\n")
    cache.write(
        bell({"00": 9}, shots=9, seed=1, tag="a", task_name="x"),
        task({"00": 8}, backend="originq:PQPUMESH8", shots=8, circuit=other, seed=1, tag="b"),
    )
    text, found = await compare(cache, ONE, TWO)
    assert found["differences"] == [
        ["backend", CHIP, "originq:PQPUMESH8"],
        ["shots", 9, 8],
        ["circuit", 'line 4: "MEASURE q[0], c[0]"', 'line 4: "X q[1]"'],
        ["metadata.tag", '"a"', '"b"'],
    ]
    assert found["same"] == ["status"]
    assert f"\nbackend: {CHIP} | originq:PQPUMESH8\nshots: 9 | 8\n" in text
    assert '\nmetadata.tag: "a" | "b"\nsame: status\n' in text


async def test_the_newest_tasks_of_a_name_are_compared(cache: Cache) -> None:
    times = [f"2026-11-0{day}T12:00:00+00:00" for day in (1, 3, 2)]
    cache.write(
        *(bell({"00": 9}, task_name="VQE") | {"submit_time": time} for time in times),
        bell({"00": 9}, task_name="vqe 2"),
    )
    text, found = await compare(cache, name="vqe")
    assert [one["task_id"] for one in found["tasks"]] == [TWO, THREE]
    assert found["matching"] == 'the 2 newest tasks with the name "vqe"'
    assert text.startswith('Compared: the 2 newest tasks with the name "vqe". ')
    _, found = await compare(cache, name="vqe", newest=6)
    assert [one["task_id"] for one in found["tasks"]] == [TWO, THREE, ONE]


async def test_without_arguments_the_two_newest_tasks_are_compared(cache: Cache) -> None:
    assert "uniqc has no task cache yet" in await cache.refusal("compare_tasks", {})
    cache.write(bell({"00": 9}))
    assert "There are fewer than two tasks" in await cache.refusal("compare_tasks", {})
    cache.path.unlink()
    cache.write(*[bell({"00": 9})] * 3)
    text, found = await compare(cache)
    assert [one["task_id"] for one in found["tasks"]] == [THREE, TWO]
    assert text.startswith("Compared: the 2 newest tasks. Read ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task_ids": [ONE, TWO], "name": "x"}, "Give task_ids or name, not both"),
        ({"task_ids": [ONE]}, "task_ids has 1 id; give 2 to 6."),
        ({"task_ids": [ONE, TWO] * 4}, "task_ids has 8 ids; give 2 to 6."),
        ({"task_ids": [ONE, ONE]}, f'Both ids stand for the task "{ONE}"'),
        ({"name": "nobody"}, 'No task has the name "nobody"; two are needed.'),
        ({"name": "x"}, f'Only "{ONE}" has the name "x"; two are needed.'),
        ({"name": "x", "newest": 7}, "newest"),
    ],
)
async def test_what_can_not_be_compared_is_refused(
    cache: Cache, arguments: dict[str, Any], message: str
) -> None:
    cache.write(bell({"00": 9}, task_name="x"), bell({"00": 9}))
    assert message in await cache.refusal("compare_tasks", arguments)


async def test_all_wrong_ids_are_named_in_one_error(cache: Cache) -> None:
    cache.write(*[bell({"00": 9})] * 3)
    ids = ["nowhere-to-be-found", ONE, "task-0"]
    error = await cache.refusal("compare_tasks", {"task_ids": ids})
    assert 'No task has the id "nowhere-to-be-found"' in error
    assert '"task-0" stands for several tasks' in error


@pytest.mark.parametrize("circuits", [1, 2, 7])
async def test_a_batch_is_compared_circuit_by_circuit(cache: Cache, circuits: int) -> None:
    stored = [{f"{place:03b}": 900, "111": 100} for place in range(circuits)]
    cache.write(*[task(stored, backend=CHIP)] * 3)
    text, found = await compare(cache, ONE, TWO, THREE)
    assert len(found["circuits"]) == min(circuits, 4)
    for place, circuit in enumerate(found["circuits"]):
        assert len(circuit["distances"]) == 3
        assert circuit["rows"][0][:2] == [f"{place:03b}", 900]
        assert circuit.get("place") == (place if circuits > 1 else None)
    hidden = "Circuits that are not side by side here: 3."
    assert (hidden in text, hidden in found["notes"]) == (circuits == 7, circuits == 7)


async def test_a_large_result_is_not_compared_and_the_reason_is_said(cache: Cache) -> None:
    large = bell({"00": 9}) | {"result_json": f'{{"00": 9{" " * 2**22}}}'}
    text, found = await compare(cache.write(large, bell({"00": 9})), ONE, TWO)
    reason = "the first has a result of more than 4194304 bytes"
    assert reason in text
    assert reason in found["notes"][0]


@pytest.mark.parametrize("name", NASTY)
async def test_a_comparison_of_any_records_is_within_its_tokens(cache: Cache, name: str) -> None:
    counts = {f"{state:020b}": 1 + state for state in range(40)}
    tasks = [
        record(NASTY[name], number)
        | {"result_json": json.dumps([counts] * 5), "backend": CHIP, "error_message": NASTY[name]}
        for number in range(6)
    ]
    cache.write(*tasks, version=5)
    ids = [f"{number} {NASTY[name]}"[:60] for number in range(6)]
    text, found = await compare(cache, *ids)
    assert len(found["tasks"]) == 6
    assert found["circuits"]
    assert cost(text, found) <= ANSWER


def test_no_prompt_or_resource_has_the_name_of_a_tool() -> None:
    others = [*(spec.name for spec in PROMPTS), *(spec.method for spec in RESOURCES)]
    tools = {spec.name for spec in TOOLS}
    assert not tools.intersection(others)
    # A tool may be added for each verb: none of them may be a prompt of today.
    verbs = {tool.partition("_")[0] for tool in tools}
    assert not [name for name in others if name.partition("_")[0] in verbs]
