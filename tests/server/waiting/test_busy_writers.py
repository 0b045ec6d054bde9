"""A wait beside programs that write all the time ends when its time is up, and says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tests.server.watching import running, save, uniqc

from uniqc_mcp.waiting import wait as waiting_wait
from uniqc_mcp.waiting.target import WaitTarget
from uniqc_mcp.waiting.wait import Wait
from uniqc_store import Snapshot, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from tests.server.conftest import Cache

    from uniqc_mcp.waiting.wait import WaitResult

Answer = TypeVar("Answer")


class BusyStore(TaskStore):
    """A store in which a task has another status after each read."""

    def __init__(self, cache: Cache, task_id: str) -> None:
        super().__init__(cache.directory, read_only=True)
        self._other, self._task_id = TaskStore(cache.directory), task_id
        self.reads = 0

    def read(self, question: Callable[[Snapshot], Answer]) -> Answer:
        answer = super().read(question)
        self.reads += 1
        save(self._other, self._task_id, f"step {self.reads}")
        return answer


async def wait_for_a(cache: Cache, store: TaskStore, *, timeout: float) -> WaitResult:
    async def report(_: float) -> None:
        pass

    wait = Wait(
        target=WaitTarget(task_ids=frozenset({"a"}), task_filter=TaskFilter(status="active")),
        until="any",
        timeout=timeout,
        cursor="",
        resumption=None,
        max_active=10,
        report=report,
        cancelled=lambda place, active: None,
    )
    async with running(cache) as watcher:
        return await wait.run(store, watcher)


async def test_tasks_that_go_on_changing_are_not_read_again_once_the_time_is_up(
    cache: Cache,
) -> None:
    uniqc(cache, a="running")
    store = BusyStore(cache, "a")
    result = await wait_for_a(cache, store, timeout=0)
    assert store.reads == 1
    assert not result.consistent
    # The changes are newer than the tasks, so that the next wait doesn't tell them again.
    assert [change.state.status for change in result.status_changes] == ["step 1"]


async def test_tasks_that_go_on_changing_are_read_again_while_there_is_time(cache: Cache) -> None:
    uniqc(cache, a="running")
    store = BusyStore(cache, "a")
    result = await wait_for_a(cache, store, timeout=30)
    assert store.reads > 1
    assert not result.consistent


async def test_changes_of_other_tasks_do_not_lead_to_another_read(cache: Cache) -> None:
    uniqc(cache, a="running", b="running")
    store = BusyStore(cache, "b")
    result = await wait_for_a(cache, store, timeout=0)
    assert store.reads == 1
    assert result.consistent


async def test_an_answer_says_that_tasks_changed_while_they_were_read(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    uniqc(cache, a="running")
    _, quiet = await cache.ask("wait_for_tasks", timeout_seconds=1)
    assert not any("while they were read" in note for note in quiet["store"]["notes"])
    monkeypatch.setattr(waiting_wait, "_MAX_READS", 0)
    text, busy = await cache.ask("wait_for_tasks", timeout_seconds=1)
    assert any("while they were read" in note for note in busy["store"]["notes"])
    assert "Tasks changed while they were read" in text
