"""Machines with a slow network, or many at once: nobody else's messages wait for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from tests.contract.records import StoredTask
from tests.lab.http.doors import Doors
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.lab.exchange import COMPARE_PATH, PUSH_PATH, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

TASK = StoredTask(task_id="uqt_a")
PUSH = push_of([(1, TASK)]).model_dump_json().encode()
COMPARE = compare_of([TASK]).model_dump_json().encode()


@pytest.fixture
def doors() -> Doors:
    found = Doors()
    for owner in ("alice", "bob"):
        found.grants.add(f"uqm_of_{owner}", owner)
    return found


async def body_that_stops() -> AsyncGenerator[bytes]:
    yield PUSH[:20]
    await anyio.sleep(60)


async def body_that_creeps() -> AsyncGenerator[bytes]:
    for byte in PUSH:
        yield bytes([byte])
        await anyio.sleep(0.05)


@pytest.mark.parametrize(
    ("limit", "body"),
    [("_SECONDS_FOR_A_PART", body_that_stops), ("_SECONDS_FOR_A_BODY", body_that_creeps)],
)
async def test_a_body_that_does_not_come_is_given_up(
    doors: Doors,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    body: Callable[[], AsyncGenerator[bytes]],
) -> None:
    monkeypatch.setattr(f"uniqc_mcp.lab.http.share.{limit}", 0.2)
    async with doors.http("uqm_of_alice") as http:
        with anyio.fail_after(10):
            answer = await http.post(PUSH_PATH, content=body())
        assert answer.status_code == 408
        assert Problem.model_validate(answer.json()).retry_after
        assert (await http.post(PUSH_PATH, content=PUSH)).status_code == 200


async def test_slow_bodies_of_one_owner_leave_places_to_others(doors: Doors) -> None:
    async def stall() -> None:
        async with doors.http("uqm_of_alice") as http:
            await http.post(PUSH_PATH, content=body_that_stops())

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(stall)
        await anyio.sleep(0.1)
        async with doors.http("uqm_of_bob") as http:
            with anyio.fail_after(3):
                assert (await http.post(PUSH_PATH, content=PUSH)).status_code == 200
        group.cancel_scope.cancel()


async def test_machines_that_compare_at_the_same_moment_are_all_answered(doors: Doors) -> None:
    statuses: list[int] = []
    for number in range(100):
        doors.grants.add(f"uqm_{number}", f"owner {number}")

    async def compare(token: str) -> None:
        async with doors.http(token) as http:
            statuses.append((await http.post(COMPARE_PATH, content=COMPARE)).status_code)

    async with anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(compare, f"uqm_{number}")
    assert statuses == [200] * 100
