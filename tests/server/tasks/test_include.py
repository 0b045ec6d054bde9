"""`include` of get_task: a whole result and circuits in pages, as the resources give them."""

from __future__ import annotations

import json
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.records.test_result_cases import measure, task
from tests.server.test_token_budget import INSERT_SHARD, NASTY, cost, record, shard

from uniqc_mcp.tasks.lookup import FoundTask
from uniqc_mcp.tasks.whole_parts import LastWhole
from uniqc_mcp.token_budget import ANSWER

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_mcp.tasks.whole_parts import Part, Whole

pytestmark = pytest.mark.anyio

ID = "task-000001"
URI = f"uniqc://task/{ID}"
EVERY = ["result", "circuit", "compiled"]
RESOURCES = {"result": "/result", "circuit": "/circuit", "compiled": "/circuit/compiled"}


def counted(outcomes: int) -> dict[str, int]:
    rng = random.Random(outcomes)
    return {f"{state:020b}": rng.randrange(1, 9999) for state in rng.sample(range(2**20), outcomes)}


async def pages(cache: Cache, include: list[str], task_id: str = ID) -> tuple[dict[str, str], int]:
    """Return each part put together from all pages, and the number of pages."""
    found: dict[str, str] = {}
    cursor, number = "", 0
    while cursor or not number:
        text, answer = await cache.ask(
            "get_task", task_id=task_id, include=include, **({"cursor": cursor} if cursor else {})
        )
        assert cost(text, answer) <= ANSWER
        for part in answer["included"]:
            before = found.get(part["part"], "")
            assert part["start"] == len(before)
            assert part["end"] == part["start"] + len(part["text"]) <= part["total"]
            assert f"characters {part['start']} to {part['end']} of {part['total']}" in text
            assert part["text"] in text
            found[part["part"]] = before + part["text"]
        cursor = answer.get("next_cursor", "")
        assert (f'cursor="{cursor}"' in text) == bool(cursor)
        number += 1
    return found, number


@pytest.mark.parametrize("include", [["result"], ["circuit", "compiled"], EVERY])
@pytest.mark.parametrize("outcomes", [4, 3_000])
async def test_all_pages_together_equal_the_resources(
    cache: Cache, include: list[str], outcomes: int
) -> None:
    circuit = measure(*range(20), gates="H q[0]\n" * outcomes)
    cache.write(
        task(counted(outcomes), backend="originq:W", circuit=circuit, compiled_circuit_ir=circuit)
    )
    found, number = await pages(cache, include)
    assert (number > 1) == (outcomes == 3_000)
    assert found == {part: await cache.read(URI + RESOURCES[part]) for part in include}


async def test_a_small_result_stands_beside_the_task(cache: Cache) -> None:
    text, answer = await cache.write(task({"0": 9}, backend="originq:W")).ask(
        "get_task", task_id=ID, include="result"
    )
    assert answer["included"] == [
        {"part": "result", "start": 0, "end": 8, "total": 8, "text": '{"0": 9}'}
    ]
    assert answer["task"]["result"]["outcomes"]
    assert '\nresult, characters 0 to 8 of 8, as recorded:\n{"0": 9}\n' in text


async def test_what_is_not_recorded_is_said(cache: Cache) -> None:
    _, answer = await cache.write({"result_json": None}).ask("get_task", task_id=ID, include=EVERY)
    result, circuit, compiled = (part["text"] for part in answer["included"])
    assert result == "null"
    assert json.loads(circuit)["note"] == "the record holds no source circuit"
    assert json.loads(compiled)["note"] == "the record holds no compiled circuit"


async def test_a_later_page_has_the_included_parts_alone_and_says_so(cache: Cache) -> None:
    cache.write(task(counted(2_000), backend="originq:W", tag="mine") | {"status": "failed"})
    _, first = await cache.ask("get_task", task_id=ID, include=["result"])
    assert first["task"]["metadata"] == {"tag": "mine"}
    text, later = await cache.ask(
        "get_task", task_id=ID, include=["result"], cursor=first["next_cursor"]
    )
    assert "metadata" not in later["task"]
    assert "none stored" not in text
    assert "none recorded" not in text
    for channel in (text, json.dumps(later)):
        assert "without cursor, the task is told too" in channel


async def test_a_record_that_changed_between_two_pages_is_told(cache: Cache) -> None:
    cache.write(task(counted(2_000), backend="originq:W"))
    _, first = await cache.ask("get_task", task_id=ID, include=["result"])
    cache.change("UPDATE tasks SET result_json = ?", json.dumps(counted(1_999)))
    text, again = await cache.ask(
        "get_task", task_id=ID, include=["result"], cursor=first["next_cursor"]
    )
    assert again["included"][0]["start"] == 0
    for channel in (text, json.dumps(again)):
        assert "The record has changed since the page before" in channel


async def test_credentials_are_redacted_and_named(cache: Cache) -> None:
    result = {"counts": {"0": 9}, "raw_result": {"token": "hunter2", "deep": ["api_key=hunter2"]}}
    text, answer = await cache.write({"result_json": json.dumps(result)}).ask(
        "get_task", task_id=ID, include=["result"]
    )
    assert "hunter2" not in text + json.dumps(answer)
    assert "result.raw_result.token" in answer["task"]["redacted"]
    assert "result.raw_result.token" in text


def test_the_next_page_of_an_unchanged_record_is_not_redacted_again(cache: Cache) -> None:
    cache.write(task(counted(9), backend="originq:W"))
    last = LastWhole()

    def whole(*include: Part) -> Whole:
        found = cache.store.read(lambda snapshot: FoundTask.find(snapshot, reference=ID))
        return last.of(found, include)

    first = whole("result")
    assert whole("result") is first
    assert whole("result", "circuit") is not first
    second = whole("result")
    cache.change("UPDATE tasks SET result_json = ?", '{"1": 9}')
    assert whole("result").texts == {"result": '{"1": 9}'}
    assert whole("result").digest != second.digest


def test_two_readers_in_turn_get_the_parts_of_their_own_records(cache: Cache) -> None:
    other = task({"1": 5}, backend="originq:W") | {"task_id": "another"}
    cache.write(task({"0": 9}, backend="originq:W"), other)
    last = LastWhole()
    for reference, stored in ((ID, '{"0": 9}'), ("another", '{"1": 5}')) * 2:
        found = cache.store.read(partial(FoundTask.find, reference=reference))
        assert last.of(found, ["result"]).texts == {"result": stored}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"include": ["results"]}, "include"),
        ({"cursor": "result:0:000000000000"}, "cursor goes with include"),
        ({"include": ["result"], "cursor": "x"}, 'cursor "x" is none'),
        ({"include": ["result"], "cursor": "circuit:5:000000000000"}, "goes on with circuit"),
    ],
)
async def test_wrong_arguments_are_refused(
    cache: Cache, arguments: dict[str, Any], message: str
) -> None:
    cache.write({})
    assert message in await cache.refusal("get_task", {"task_id": ID, **arguments})


@pytest.mark.parametrize("name", NASTY)
async def test_any_record_is_within_the_tokens_of_an_answer(cache: Cache, name: str) -> None:
    text = NASTY[name]
    odd = record(text) | {"task_id": "task"}
    metadata = {"circuit_ir": text * 2, "compiled_circuit_ir": text, "note": text * 3}
    cache.write(
        odd | {"metadata_json": json.dumps(metadata), "result_json": json.dumps([text] * 2)},
        version=5,
    )
    for number in range(9):
        cache.change(INSERT_SHARD, *shard(number, text))
    found, _ = await pages(cache, EVERY, "task")
    assert found == {
        part: await cache.read(f"uniqc://task/task{RESOURCES[part]}") for part in EVERY
    }
