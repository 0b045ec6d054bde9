"""Look-ups that wait while a question is under way are the next question."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.server.watching import PATIENCE, until

from uniqc_mcp.lab.database.shared_lookups import SharedLookups
from uniqc_mcp.lab.errors import LabUnavailableError
from uniqc_mcp.protocol.threads import call_is_cancelled
from uniqc_store import InterruptedReadError

if TYPE_CHECKING:
    from collections.abc import Collection


class Questions:
    """Questions that are answered once a test says so."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.may_answer = threading.Event()
        self.fault: Exception | None = None

    def find(self, keys: Collection[str]) -> dict[str, str]:
        self.asked.append(sorted(keys))
        for _ in range(round(PATIENCE / 0.01)):
            if self.may_answer.wait(0.01):
                break
            if call_is_cancelled():
                raise InterruptedReadError
        if self.fault is not None:
            raise self.fault
        return {key: key.upper() for key in keys if key != "unknown"}


async def look_up(lookups: SharedLookups[str, str], key: str, found: dict[str, str | None]) -> None:
    found[key] = await lookups.result(key)


async def test_look_ups_that_come_meanwhile_are_one_question() -> None:
    questions, found = Questions(), dict[str, str | None]()
    lookups = SharedLookups(questions.find)
    async with anyio.create_task_group() as group:
        group.start_soon(look_up, lookups, "a", found)
        await until(lambda: questions.asked)
        for key in ("b", "c", "unknown"):
            group.start_soon(look_up, lookups, key, found)
        await anyio.wait_all_tasks_blocked()
        questions.may_answer.set()
    assert questions.asked == [["a"], ["b", "c", "unknown"]]
    assert found == {"a": "A", "b": "B", "c": "C", "unknown": None}


async def test_the_question_of_a_cancelled_look_up_is_asked_again_for_the_others() -> None:
    questions, found = Questions(), dict[str, str | None]()
    lookups = SharedLookups(questions.find)
    first = anyio.CancelScope()

    async def cancelled() -> None:
        with first, suppress(InterruptedReadError):
            await look_up(lookups, "a", found)

    async with anyio.create_task_group() as group:
        group.start_soon(cancelled)
        group.start_soon(look_up, lookups, "b", found)
        await until(lambda: questions.asked)
        first.cancel()
        await until(lambda: len(questions.asked) == 2)
        questions.may_answer.set()
    assert questions.asked == [["a", "b"], ["a", "b"]]
    assert found == {"b": "B"}


async def test_all_who_wait_are_told_of_one_failure() -> None:
    questions, failures = Questions(), list[str]()
    questions.fault = LabUnavailableError("it is away")
    lookups = SharedLookups(questions.find)

    async def fail(key: str) -> None:
        with pytest.raises(LabUnavailableError):
            await lookups.result(key)
        failures.append(key)

    async with anyio.create_task_group() as group:
        for key in ("a", "b", "c"):
            group.start_soon(fail, key)
        await until(lambda: questions.asked)
        questions.may_answer.set()
    assert sorted(failures) == ["a", "b", "c"]
    assert questions.asked == [["a", "b", "c"]]
