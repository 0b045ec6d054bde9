"""What machines send: taken for the token's owner, and refused with a reason that helps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.contract.records import StoredTask
from tests.lab.http.doors import EPOCH, Doors
from tests.lab.messages import STORE, compare_of, push_of

from uniqc_mcp.lab.errors import LabRefusedError, LabUnavailableError
from uniqc_mcp.lab.exchange import COMPARE_PATH, MAX_BATCH_BYTES, PUSH_PATH, Compared, Problem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

TASK = StoredTask(task_id="uqt_a")
PUSH = push_of([(1, TASK)]).model_dump(mode="json")
WRONG: list[dict[str, Any]] = [{"owner": "bob"}, {"store_id": "x"}, {"tasks": [{}]}]
TOKEN = "uqm_of_alice"  # noqa: S105 - a test's


@pytest.fixture
def doors() -> Doors:
    found = Doors()
    found.grants.add(TOKEN, "alice")
    found.grants.add("uqm_of_bob", "bob")
    return found


def problem_of(answer: Any) -> Problem:
    return Problem.model_validate(answer.json())


async def test_messages_are_taken_for_the_owner_of_the_token(doors: Doors) -> None:
    async with doors.http("uqm_of_bob") as http:
        compared = await http.post(COMPARE_PATH, json=compare_of([TASK]).model_dump(mode="json"))
        pushed = await http.post(PUSH_PATH, json=PUSH)
    assert Compared.model_validate(compared.json()) == Compared(epoch=EPOCH, revision=3, same=True)
    assert pushed.json() == {"epoch": EPOCH, "revision": 4, "refused": []}
    assert [one[0] for one in doors.receiver.taken] == ["bob", "bob"]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_message_that_is_none_is_refused_by_its_fields(
    doors: Doors, wrong: dict[str, Any]
) -> None:
    async with doors.http(TOKEN) as http:
        body: dict[str, Any] = {**PUSH, **wrong}
        answer = await http.post(PUSH_PATH, json=body)
    assert answer.status_code == 422
    assert next(iter(wrong)) in problem_of(answer).error
    assert doors.receiver.taken == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"hunter2"'])
async def test_a_body_that_is_no_message_is_refused_without_repeating_it(
    doors: Doors, body: bytes
) -> None:
    async with doors.http(TOKEN) as http:
        answer = await http.post(PUSH_PATH, content=body)
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_so(
    doors: Doors, *, declared: bool
) -> None:
    async def parts() -> AsyncGenerator[bytes]:
        for _ in range(9):
            yield b" " * 2**20

    content: Any = b" " * (MAX_BATCH_BYTES + 1) if declared else parts()
    async with doors.http(TOKEN) as http:
        answer = await http.post(PUSH_PATH, content=content)
    assert answer.status_code == 413
    assert str(MAX_BATCH_BYTES) in problem_of(answer).error


async def test_a_message_that_gets_no_place_in_time_is_to_come_again(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        begun.release()
        go_on.wait(300)

    doors.receiver.during = wait
    statuses: list[int] = []

    async def push(token: str) -> None:
        async with doors.http(token) as http:
            statuses.append((await http.post(PUSH_PATH, json=PUSH)).status_code)

    doors.grants.add("uqm_of_carol", "carol")
    async with anyio.create_task_group() as group:
        for token in 2 * (TOKEN, "uqm_of_bob"):
            group.start_soon(push, token)
        for _ in range(4):
            await anyio.to_thread.run_sync(begun.acquire)
        monkeypatch.setattr("uniqc_mcp.lab.http.share._SECONDS_FOR_A_PLACE", 0.2)
        async with doors.http("uqm_of_carol") as http:
            answer = await http.post(PUSH_PATH, json=PUSH)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert problem_of(answer).retry_after
        go_on.set()
    assert statuses == [200] * 4
    async with doors.http(TOKEN) as http:
        assert (await http.post(PUSH_PATH, json=PUSH)).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        (LabRefusedError("Messages of version 7 are not taken here."), 422, False),
        (LabUnavailableError("host=secret-host"), 503, True),
    ],
    ids=["refused", "unavailable"],
)
async def test_an_error_of_the_database_says_if_trying_again_helps(
    doors: Doors, error: Exception, status: int, *, again: bool
) -> None:
    def fail() -> None:
        raise error

    doors.receiver.during = fail
    async with doors.http(TOKEN) as http:
        answer = await http.post(PUSH_PATH, json=PUSH)
    assert answer.status_code == status
    assert (problem_of(answer).retry_after is not None) == again
    assert "secret-host" not in answer.text


def test_paths_and_the_store_of_the_messages_are_the_documented_ones() -> None:
    assert (COMPARE_PATH, PUSH_PATH) == ("share/v1/compare", "share/v1/push")
    assert PUSH["store_id"] == STORE
