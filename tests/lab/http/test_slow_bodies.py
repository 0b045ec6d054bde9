"""Machines with a slow network, or many at once: nobody else's messages wait for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.contract.records import StoredTask
from tests.lab.http.doors import Doors
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.lab.exchange import COMPARE_PATH, PUSH_PATH, Problem
from uniqc_mcp.lab.http import share

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
    await anyio.sleep_forever()


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
    async with doors.http("uqm_of_alice") as http:
        with monkeypatch.context() as patch, anyio.fail_after(120):
            patch.setattr(share, limit, 0.2)
            answer = await http.post(PUSH_PATH, content=body())
        assert answer.status_code == 408
        assert Problem.model_validate(answer.json()).retry_after
        assert (await http.post(PUSH_PATH, content=PUSH)).status_code == 200


async def test_slow_bodies_of_one_owner_leave_places_to_others(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "_SECONDS_FOR_A_PLACE", math.inf)
    monkeypatch.setattr(share, "_SECONDS_FOR_A_PART", math.inf)
    begun = 0

    async def body() -> AsyncGenerator[bytes]:
        nonlocal begun
        begun += 1
        async for part in body_that_stops():
            yield part

    async def stall() -> None:
        async with doors.http("uqm_of_alice") as http:
            await http.post(PUSH_PATH, content=body())

    async with anyio.create_task_group() as group:
        with anyio.fail_after(120):
            for _ in range(8):
                group.start_soon(stall)
            while begun < share.MAX_OF_AN_OWNER:
                await anyio.sleep(0.01)
            async with doors.http("uqm_of_bob") as http:
                assert (await http.post(PUSH_PATH, content=PUSH)).status_code == 200
        group.cancel_scope.cancel()


async def test_machines_that_compare_at_the_same_moment_are_all_answered(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "_SECONDS_FOR_A_PLACE", 120)  # whatever a busy machine needs
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
