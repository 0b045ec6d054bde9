"""wait_for_tasks: changes are reported at once and only once, with the tasks still active."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
import pytest
from tests.server.test_token_budget import NASTY, cost, realistic, record, tokens, wire
from tests.server.watching import (
    A_WHILE,
    PATIENCE,
    running,
    save,
    uniqc,
    until,
    until_nobody_watches,
    until_noticed,
    watchers,
)

from uniqc_mcp.token_budget import ANSWER
from uniqc_mcp.waiting import wait as waiting_wait
from uniqc_mcp.waiting.target import WaitTarget
from uniqc_mcp.waiting.wait import Wait
from uniqc_store import Snapshot, StoreError, TaskChange, TaskFilter, TaskStore, TaskWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from mcp import Client
    from tests.server.conftest import Cache, Mode

    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_mcp.waiting.wait import WaitResult

Answer = TypeVar("Answer")

ACTIVE = TaskFilter(status="active")


class Waiting:
    """A call of the tool that runs in the background of a test."""

    def __init__(self, cache: Cache, client: Client, **arguments: Any) -> None:
        self._cache = cache
        self._client = client
        self._arguments = {"timeout_seconds": 30, **arguments}
        self.begun = anyio.Event()
        self.done: tuple[str, dict[str, Any]] | None = None

    async def run(self) -> None:
        async def report(progress: float, total: float | None, message: str | None) -> None:
            assert message
            assert total == self._arguments["timeout_seconds"] >= progress
            self.begun.set()

        with anyio.fail_after(PATIENCE):
            result = await self._client.call_tool(
                "wait_for_tasks", self._arguments, progress_callback=report
            )
        self.done = self._cache.answer(result)


async def while_waiting(
    cache: Cache, happens: Callable[[], object], mode: Mode = "auto", /, **arguments: Any
) -> tuple[str, dict[str, Any]]:
    """Return the answer of a wait during which a function is called."""
    async with cache.client(mode) as client:
        waiting = Waiting(cache, client, **arguments)
        async with anyio.create_task_group() as calls:
            calls.start_soon(waiting.run)
            with anyio.fail_after(PATIENCE):
                await waiting.begun.wait()
            happens()
    assert waiting.done is not None
    return waiting.done


def changes(structured: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["task_id"], one["before"], one["status"]) for one in structured["changes"]]


# The tasks to wait for


async def test_the_first_of_several_tasks_to_change_ends_the_wait(cache: Cache, mode: Mode) -> None:
    other = uniqc(cache, a="running", b="pending", c="running")
    text, structured = await while_waiting(
        cache, lambda: save(other, "a", "success", name="a step"), mode, task_ids=["a", "b"]
    )
    assert structured["state"] == "changed"
    assert changes(structured) == [("a", "running", "success")]
    assert [task["task_id"] for task in structured["active"]] == ["b"]
    assert text.startswith("1 of the tasks asked for changed")
    assert '- a "a step" running -> success on originq:WK_C180, updated ' in text
    assert "Still active: 1\n- b pending on " in text
    assert structured["cursor"] in text


async def test_another_active_status_is_a_change_too(cache: Cache) -> None:
    other = uniqc(cache, a="pending")
    _, structured = await while_waiting(cache, lambda: save(other, "a", "QUEUED"))
    assert structured["state"] == "changed"
    assert changes(structured) == [("a", "pending", "QUEUED")]


async def test_a_wait_for_all_lasts_until_the_last_task_is_finished(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="running", c="running")

    async with cache.client() as client:
        waiting = Waiting(cache, client, task_ids=["a", "b"], until="all")
        async with anyio.create_task_group() as calls:
            calls.start_soon(waiting.run)
            await waiting.begun.wait()
            save(other, "a", "success")
            await anyio.sleep(A_WHILE)
            assert waiting.done is None
            save(other, "b", "failed")
    assert waiting.done is not None
    text, structured = waiting.done
    assert structured["state"] == "finished"
    assert sorted(changes(structured)) == [("a", "running", "success"), ("b", "running", "failed")]
    assert text.startswith("None of the tasks asked for is active")


async def test_a_task_can_be_named_by_any_of_its_ids(cache: Cache) -> None:
    cache.write(
        {"task_id": "uqt_aaaaaa1", "status": "running"},
        {"task_id": "uqt_bbbbbb1", "status": "running"},
        version=5,
    )
    cache.change(
        "INSERT INTO task_shards VALUES ('uqt_bbbbbb1', 0, 'JOB/1', 'ibm', 1, 0, 'x', NULL, NULL, "
        "'', '')"
    )
    other = uniqc(cache)
    _, structured = await while_waiting(
        cache, lambda: save(other, "uqt_bbbbbb1", "success"), task_ids=["uqt_aaa", "JOB/1"]
    )
    assert changes(structured) == [("uqt_bbbbbb1", "running", "success")]
    assert [task["task_id"] for task in structured["active"]] == ["uqt_aaaaaa1"]


async def test_only_tasks_that_match_the_filter_end_the_wait(cache: Cache) -> None:
    other = uniqc(cache)
    for task_id, backend, name in (
        ("chip", "originq:WK_C180", "VQE 1"),
        ("platform", "quark:Baihua", "VQE 2"),
        ("name", "originq:WK_C180", "qaoa"),
    ):
        save(other, task_id, "running", backend=backend, name=name)

    def others_move() -> None:
        save(other, "platform", "success", backend="quark:Baihua", name="VQE 2")
        save(other, "name", "success", name="qaoa")

    quiet, structured = await while_waiting(
        cache, others_move, backend="originq", name_contains="vqe", timeout_seconds=1
    )
    assert structured["state"] == "timeout"
    assert quiet.startswith(
        'None of the active tasks on "originq" with "vqe" in the name changed in 1 s'
    )
    _, structured = await while_waiting(
        cache,
        lambda: save(other, "chip", "success", name="VQE 1"),
        backend="originq:WK_C180",
        name_contains="vqe",
    )
    assert structured["state"] == "finished"
    assert changes(structured) == [("chip", "running", "success")]


async def test_tasks_that_are_already_finished_are_reported_at_once(cache: Cache) -> None:
    uniqc(cache, a="success", b="failed")
    text, structured = await cache.ask("wait_for_tasks", task_ids=["a", "b"], timeout_seconds=50)
    assert structured["state"] == "finished"
    assert changes(structured) == []
    assert sorted(changes({"changes": structured["finished"]})) == [
        ("a", "", "success"),
        ("b", "", "failed"),
    ]
    assert "Finished before:\n" in text
    assert "- a success on originq:WK_C180, updated " in text
    text, structured = await cache.ask("wait_for_tasks", timeout_seconds=50)
    assert structured["state"] == "finished"
    assert text.startswith("There are no active tasks. ")


async def test_a_task_that_is_already_finished_does_not_end_the_wait_for_another(
    cache: Cache,
) -> None:
    other = uniqc(cache, a="success", b="running")
    _, structured = await while_waiting(
        cache, lambda: save(other, "b", "success"), task_ids=["a", "b"]
    )
    assert changes(structured) == [("b", "running", "success")]
    assert changes({"changes": structured["finished"]}) == [("a", "", "success")]


async def test_a_task_that_is_removed_ends_the_wait(cache: Cache, mode: Mode) -> None:
    other = uniqc(cache, a="running", **{"task-1": "running", "task-12": "running"})
    text, structured = await while_waiting(
        cache, lambda: other.delete("task-1"), mode, task_ids=["task-1", "a"]
    )
    assert changes(structured) == [("task-1", "running", "gone")]
    assert [task["task_id"] for task in structured["active"]] == ["a"]
    assert "- task-1 running -> gone on originq:WK_C180" in text


async def test_a_task_that_is_archived_ends_the_wait(cache: Cache) -> None:
    cache.write({"task_id": "a", "status": "running"}, version=5)

    def archive() -> None:
        with closing(sqlite3.connect(cache.path)) as connection:
            connection.execute(
                "INSERT INTO archived_tasks SELECT task_id, backend, status, shots, submit_time, "
                "update_time, result_json, metadata_json, update_time, error_message FROM tasks"
            )
            connection.execute("DELETE FROM tasks")
            connection.commit()

    _, structured = await while_waiting(cache, archive, task_ids=["a"])
    assert structured["state"] == "finished"
    assert changes(structured) == [("a", "running", "archived")]
    assert structured["finished"] == []


async def test_a_new_finished_task_is_reported_and_a_new_active_one_is_waited_for(
    cache: Cache,
) -> None:
    other = uniqc(cache, a="running")

    def they_come() -> None:
        save(other, "b", "running")
        save(other, "c", "success")

    _, structured = await while_waiting(cache, they_come)
    assert structured["state"] == "changed"
    assert changes(structured) == [("c", "", "success")]
    assert {task["task_id"] for task in structured["active"]} <= {"a", "b"}


OF_EACH_KIND = (
    {"task_id": "chip", "status": "running", "backend": "ibm:ibm_fez"},
    {"task_id": "platform", "status": "running", "backend": "ibm"},
    {"task_id": "alike", "status": "running", "backend": "ibmq:ibm_fez"},
    {"task_id": "done", "status": "success", "backend": "ibm:ibm_fez"},
    {"task_id": "name", "status": "running", "metadata_json": '{"task_name": "VQE 1"}'},
)
EACH = frozenset(str(task["task_id"]) for task in OF_EACH_KIND)
TOUCH = "UPDATE tasks SET update_time = '2026-11-03T17:00:00+00:00'"
INSERT_TASK = (
    "INSERT INTO tasks (task_id, backend, status, submit_time, update_time) "
    "SELECT 'come', 'ibm:ibm_fez', '{}', submit_time, '' FROM tasks LIMIT 1"
)
NO_TASKS = frozenset[str]()
TO_IBM = replace(ACTIVE, backend="ibm")


@pytest.mark.parametrize(
    ("statement", "target", "reported"),
    [
        (TOUCH, ACTIVE, NO_TASKS),
        (TOUCH, EACH, NO_TASKS),
        (TOUCH, frozenset({"done"}), NO_TASKS),
        ("UPDATE tasks SET shots = 5", EACH, NO_TASKS),
        ("UPDATE tasks SET status = 'failed'", ACTIVE, EACH - {"done"}),
        ("UPDATE tasks SET status = 'failed'", EACH, EACH),
        ("UPDATE tasks SET status = 'failed'", frozenset({"alike"}), {"alike"}),
        ("UPDATE tasks SET status = 'failed'", TO_IBM, {"chip", "platform"}),
        ("UPDATE tasks SET status = 'failed'", replace(ACTIVE, backend="ibm:ibm_fez"), {"chip"}),
        ("UPDATE tasks SET status = 'failed'", replace(ACTIVE, backend="ibm:ibm"), NO_TASKS),
        ("UPDATE tasks SET status = 'failed'", replace(ACTIVE, name_contains="vqe"), {"name"}),
        ("UPDATE tasks SET status = 'pending'", TO_IBM, {"chip", "platform", "done"}),
        ("DELETE FROM tasks", ACTIVE, EACH - {"done"}),
        ("DELETE FROM tasks", TO_IBM, {"chip", "platform"}),
        ("DELETE FROM tasks", EACH, EACH),
        (INSERT_TASK.format("running"), TO_IBM, NO_TASKS),
        (INSERT_TASK.format("failed"), TO_IBM, {"come"}),
        (INSERT_TASK.format("failed"), replace(ACTIVE, backend="ibmq"), NO_TASKS),
    ],
)
async def test_only_a_status_change_of_its_own_tasks_ends_a_wait(
    cache: Cache, statement: str, target: TaskFilter | frozenset[str], reported: AbstractSet[str]
) -> None:
    cache.write(*OF_EACH_KIND)
    ids = target if isinstance(target, frozenset) else NO_TASKS
    task_filter = ACTIVE if isinstance(target, frozenset) else target
    async with running(cache) as live:
        await live.refresh()
        wait = replace(
            _wait(timeout=0),
            target=WaitTarget(task_ids=ids, task_filter=task_filter),
            cursor=live.watch.since().cursor,
        )
        cache.change(statement)
        seen = await wait.run(cache.store, live)
    assert {moved.state.task_id for moved in seen.status_changes} == reported
    assert seen.condition_met == (bool(reported) or not seen.tasks.active_total)


async def test_a_new_update_time_alone_does_not_end_a_wait(cache: Cache, mode: Mode) -> None:
    cache.write(*OF_EACH_KIND)
    for arguments in ({"task_ids": ["chip", "done"]}, {"backend": "ibm"}):
        text, structured = await while_waiting(
            cache, lambda: cache.change(TOUCH), mode, timeout_seconds=1, **arguments
        )
        assert (structured["state"], structured["changes"]) == ("timeout", [])
        assert re.search(r" changed in \d+ seconds?\.", text)
        cache.change("UPDATE tasks SET update_time = ''")


# The cursor


async def test_a_change_between_two_waits_is_reported_once(cache: Cache, mode: Mode) -> None:
    other = uniqc(cache, a="running", b="running")
    async with cache.client(mode) as client:

        async def wait(**arguments: Any) -> dict[str, Any]:
            result = await client.call_tool("wait_for_tasks", {"timeout_seconds": 1, **arguments})
            return cache.answer(result)[1]

        first = await wait()
        assert first["state"] == "timeout"
        await until_nobody_watches()
        save(other, "a", "success")
        second = await wait(cursor=first["cursor"], timeout_seconds=50)
        assert changes(second) == [("a", "running", "success")]
        third = await wait(cursor=second["cursor"])
        assert third["state"] == "timeout"
        assert changes(third) == []
        save(other, "b", "running")
        fresh = await wait()
        assert changes(fresh) == []


async def test_a_task_that_is_deleted_between_two_waits_is_reported_as_gone(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="running")
    async with cache.client() as client:
        arguments: dict[str, Any] = {"task_ids": ["a", "b"], "timeout_seconds": 1}
        _, first = cache.answer(await client.call_tool("wait_for_tasks", arguments))
        other.delete("a")
        arguments["cursor"] = first["cursor"]
        _, second = cache.answer(await client.call_tool("wait_for_tasks", arguments))
    assert changes(second) == [("a", "running", "gone")]


@pytest.mark.parametrize("cursor", ["x", "\x00", "龘" * 3_000, "gcU1zW_W3CcAAAAAAAAAAQ", "x.AAAA"])
async def test_an_invalid_cursor_is_refused_with_advice(cache: Cache, cursor: str) -> None:
    uniqc(cache, a="running")
    said = await cache.refusal("wait_for_tasks", {"cursor": cursor})
    assert said.startswith("The cursor is not one that wait_for_tasks gave.")
    assert "Leave cursor out" in said


# Refusals


async def test_an_unknown_task_is_refused(cache: Cache) -> None:
    uniqc(cache, uqt_abcdef1="running")
    said = await cache.refusal("wait_for_tasks", {"task_ids": ["uqt_abcdef2"]})
    assert said.startswith('No task has the id "uqt_abcdef2". Nearest: "uqt_abcdef1".')
    assert not watchers()


@pytest.mark.parametrize("more", [{"backend": "originq"}, {"name_contains": "x"}])
async def test_ids_together_with_a_filter_are_refused(cache: Cache, more: dict[str, str]) -> None:
    uniqc(cache, a="running")
    said = await cache.refusal("wait_for_tasks", {"task_ids": ["a"], **more})
    assert said.startswith("Give task_ids, or filters")


async def test_more_than_fifty_ids_are_refused(cache: Cache) -> None:
    other = uniqc(cache)
    ids = [f"task-{number:03}" for number in range(51)]
    for task_id in ids:
        save(other, task_id, "success")
    said = await cache.refusal("wait_for_tasks", {"task_ids": ids})
    assert said.startswith("task_ids must be at most 50 ids, not 51.")
    _, structured = await cache.ask("wait_for_tasks", task_ids=ids[:50])
    assert len(structured["finished"]) == 50


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds must be at least 1, not"),
        ({"timeout_seconds": 51}, "timeout_seconds must be at most 50, not"),
        ({"until": "some"}, "until must be one of any or all, not"),
        ({"task_id": "a"}, "Did you mean task_ids?"),
        ({"task_ids": [""]}, "No task has the id"),
    ],
)
async def test_invalid_arguments_are_refused(
    cache: Cache, arguments: dict[str, Any], problem: str
) -> None:
    uniqc(cache, a="running")
    assert problem in await cache.refusal("wait_for_tasks", arguments)


# Timeout and progress


async def test_a_timeout_reports_the_active_tasks_and_their_age(cache: Cache, mode: Mode) -> None:
    cache.write({"status": "running", "metadata_json": '{"task_name": "a step"}'})
    async with cache.client(mode) as client:
        result = await client.call_tool("wait_for_tasks", {"timeout_seconds": 1})
    text, structured = cache.answer(result)
    assert structured["state"] == "timeout"
    assert structured["waited_seconds"] >= 1
    assert structured["active"][0]["seconds_since_update"] == 6 * 3600
    assert text.startswith("None of the active tasks changed in ")
    assert 'task-000001 "a step" running on ' in text
    assert "last heard of 6 h ago" in text
    assert "Statuses change only while some uniqc process polls the platform" in text
    assert "`uniqc result TASK_ID`" in text


async def test_the_timeout_of_a_wait_for_all_reports_the_changes_so_far(cache: Cache) -> None:
    other = uniqc(cache, a="running", b="running")
    text, structured = await while_waiting(
        cache, lambda: save(other, "a", "success"), until="all", timeout_seconds=2
    )
    assert structured["state"] == "timeout"
    assert changes(structured) == [("a", "running", "success")]
    said = r"1 of the active tasks changed in \d+ seconds, but not all are finished\."
    assert re.match(said, text)


async def test_a_wait_reports_its_progress(cache: Cache, mode: Mode) -> None:
    uniqc(cache, a="running")
    reports: list[tuple[float, float | None, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    async with cache.client(mode) as client:
        await client.call_tool("wait_for_tasks", {"timeout_seconds": 6}, progress_callback=report)
    assert len(reports) == 2
    (at_once, total, message), (later, _, _) = reports
    assert (at_once, later) == (0, 5)
    assert total == 6
    assert message == "waiting for a change of status"


# Cancelled and concurrent waits


async def test_a_cancelled_wait_stops_its_watcher_and_leaves_nothing(
    cache: Cache, mode: Mode
) -> None:
    uniqc(cache, a="running")
    async with cache.client(mode) as client:
        waiting = Waiting(cache, client, task_ids=["a"], timeout_seconds=50)
        async with anyio.create_task_group() as calls:
            calls.start_soon(waiting.run)
            await waiting.begun.wait()
            assert watchers() == 1
            calls.cancel_scope.cancel()
        await until_nobody_watches()
        _, structured = cache.answer(await client.call_tool("list_tasks", {}))
        assert structured["total"] == 1


async def test_a_cancelled_wait_no_longer_tracks_its_tasks(cache: Cache) -> None:
    uniqc(cache, a="running")
    async with running(cache) as live:
        for moment in range(30):
            with anyio.move_on_after(moment * 0.005):
                await result(cache, live, "a")
        assert isinstance(live.watch, TaskWatch)
        assert not live.watch._tracked  # pyright: ignore[reportPrivateUsage]
        assert not live._listeners  # pyright: ignore[reportPrivateUsage]
        await until_nobody_watches()


async def test_twenty_concurrent_waits_share_one_watcher(cache: Cache, mode: Mode) -> None:
    other = uniqc(cache, **{f"task-{number}": "running" for number in range(20)})
    async with cache.client(mode) as client:
        waits = [Waiting(cache, client, task_ids=[f"task-{number}"]) for number in range(20)]
        async with anyio.create_task_group() as calls:
            for waiting in waits:
                calls.start_soon(waiting.run)
            for waiting in waits:
                with anyio.fail_after(PATIENCE):
                    await waiting.begun.wait()
            assert watchers() == 1
            save(other, "task-7", "success")
            await until(lambda: waits[7].done)
            await anyio.sleep(A_WHILE)
            assert [number for number, one in enumerate(waits) if one.done] == [7]
            assert watchers() == 1
            calls.cancel_scope.cancel()
        await until_nobody_watches()


async def test_changes_of_other_tasks_do_not_cause_reads(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A report reads the tasks too. None may fall into this test, even on a slow machine.
    monkeypatch.setattr(waiting_wait, "SECONDS_BETWEEN_REPORTS", PATIENCE)
    other = uniqc(cache, a="running")
    store = CountedStore(cache.directory, read_only=True)
    async with running(cache) as live, anyio.create_task_group() as calls:
        begun = anyio.Event()
        calls.start_soon(_wait("a", begun=begun).run, store, live)
        await begun.wait()  # not sooner: the first read repeats itself while others write
        before = store.reads
        for number in range(5):
            cursor = live.watch.since().cursor
            save(other, "b", f"step {number}")
            await until_noticed(live, cursor)
        assert store.reads <= before + 1
        calls.cancel_scope.cancel()


# Changes and faults of the file


class CountedStore(TaskStore):
    """A store that counts its reads."""

    reads = 0

    def read(self, question: Callable[[Snapshot], Answer]) -> Answer:
        self.reads += 1
        return super().read(question)


def _wait(*task_ids: str, timeout: float = 30, begun: anyio.Event | None = None) -> Wait:
    async def report(_: float) -> None:
        if begun is not None:
            begun.set()

    target = WaitTarget(task_ids=frozenset(task_ids), task_filter=ACTIVE)
    return Wait(
        target=target,
        until="any",
        timeout=timeout,
        cursor="",
        resumption=None,
        max_active=10,
        report=report,
        cancelled=lambda place, active: None,
    )


async def result(
    cache: Cache, live: StoreWatcher, *task_ids: str, timeout: float = 30
) -> WaitResult:
    return await _wait(*task_ids, timeout=timeout).run(cache.store, live)


async def test_without_a_file_there_is_nothing_to_wait_for(cache: Cache) -> None:
    text, structured = await cache.ask("wait_for_tasks")
    assert structured["state"] == "finished"
    assert "uniqc has no task cache yet" in text
    said = await cache.refusal("wait_for_tasks", {"task_ids": ["uqt_abc"]})
    assert "uniqc has no task cache yet" in said


async def test_a_file_that_is_unreadable_at_the_start_is_an_error(cache: Cache) -> None:
    cache.path.write_bytes(b"no database" * 1_000)
    said = await cache.refusal("wait_for_tasks", {})
    assert said.startswith("The task store can't be read")
    assert not watchers()


def break_file(cache: Cache) -> bytes:
    with closing(sqlite3.connect(cache.path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    content = cache.path.read_bytes()
    cache.path.write_bytes(b"no database" * 1_000)
    return content


async def test_a_file_that_is_unreadable_for_a_while_does_not_end_the_wait(cache: Cache) -> None:
    uniqc(cache, a="running")
    async with cache.client() as client:
        waiting = Waiting(cache, client, task_ids=["a"])
        async with anyio.create_task_group() as calls:
            calls.start_soon(waiting.run)
            await waiting.begun.wait()
            content = break_file(cache)
            await anyio.sleep(A_WHILE)
            assert waiting.done is None
            cache.path.write_bytes(content)
            await anyio.sleep(A_WHILE)
            assert waiting.done is None
            save(uniqc(cache), "a", "success")
    assert waiting.done is not None
    assert changes(waiting.done[1]) == [("a", "running", "success")]


async def test_a_file_that_is_unreadable_at_the_timeout_is_an_error(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    uniqc(cache, a="running")
    now = 0.0  # on a busy machine the first read alone may take a second
    monkeypatch.setattr(waiting_wait, "time", SimpleNamespace(monotonic=lambda: now))
    async with running(cache) as live, anyio.create_task_group() as calls:
        begun = anyio.Event()

        async def wait() -> None:
            with pytest.raises(StoreError):
                await _wait("a", timeout=0.1, begun=begun).run(cache.store, live)

        calls.start_soon(wait)
        await begun.wait()  # a read that is under way would keep the file from being changed
        break_file(cache)
        now = 1.0


async def test_after_the_file_is_replaced_the_new_one_decides(cache: Cache, mode: Mode) -> None:
    uniqc(cache, a="running", b="running")

    def replace() -> None:
        for path in cache.directory.iterdir():
            path.unlink()
        uniqc(cache, b="success", c="running")

    _, structured = await while_waiting(cache, replace, mode, task_ids=["a", "b"], until="all")
    assert structured["state"] == "finished"
    assert sorted(changes(structured)) == [("a", "running", "gone"), ("b", "running", "success")]


async def test_clearing_all_tasks_ends_a_wait(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    _, structured = await while_waiting(cache, other.clear_all, until="all")
    assert structured["state"] == "finished"
    assert changes(structured) == [("a", "running", "gone")]


async def test_an_answer_is_consistent_while_others_keep_writing(cache: Cache) -> None:
    other = uniqc(cache, a="running")
    stop = anyio.Event()

    async def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            status = ("running", "pending")[number % 2]
            await anyio.to_thread.run_sync(save, other, "b", status)

    async def wait(live: StoreWatcher, begun: anyio.Event) -> None:
        seen = await _wait("a", begun=begun).run(cache.store, live)
        moved = [
            change.after.status for change in seen.status_changes if isinstance(change, TaskChange)
        ]
        assert moved == ["success"]
        assert seen.tasks.active_total == 0
        assert [record.status for record in seen.tasks.finished] == ["success"]

    async with running(cache) as live, anyio.create_task_group() as writing:
        writing.start_soon(write)
        for _ in range(20):
            await anyio.to_thread.run_sync(save, other, "a", "running")
            begun = anyio.Event()
            async with anyio.create_task_group() as calls:
                calls.start_soon(wait, live, begun)
                await begun.wait()
                await anyio.to_thread.run_sync(save, other, "a", "success")
        stop.set()


# Size


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_the_answer_of_a_wait_stays_within_the_budget(cache: Cache, text: str) -> None:
    ids = [f"{number:02} {text[:200]}" for number in range(50)]
    tasks = [{**record(text[:1_000], n), "task_id": task_id} for n, task_id in enumerate(ids)]
    cache.write(*tasks, version=5)

    def move() -> None:
        cache.change("UPDATE tasks SET status = status || 'x' WHERE task_id < '30'")

    said, structured = await while_waiting(cache, move, task_ids=ids)
    assert cost(said, structured) <= ANSWER
    assert structured["changes_total"] == 30
    assert structured["active_total"] == 50
    assert structured["changes"]
    assert structured["active"]
    assert f"{30 - len(structured['changes'])} more tasks changed; list_tasks" in said
    assert f"{50 - len(structured['active'])} more tasks are active; list_tasks" in said
    cache.change("UPDATE tasks SET status = 'success'")
    said, structured = await cache.ask("wait_for_tasks", task_ids=ids)
    assert cost(said, structured) <= ANSWER
    missing = 50 - len(structured["finished"])
    assert missing == 0 or f"there is no room for: {missing}" in said


async def test_long_texts_of_a_change_are_cut(cache: Cache) -> None:
    cache.write(
        {"task_id": "t" * 400, "status": "s" * 400, "backend": "b" * 400}
        | {"metadata_json": json.dumps({"task_name": "n" * 400})}
    )
    _, structured = await while_waiting(
        cache, lambda: cache.change("UPDATE tasks SET status = status || 'x'")
    )
    (change,) = structured["changes"]
    longest = {"task_id": 256, "name": 120, "backend": 120, "before": 60, "status": 60}
    assert {name: len(change[name]) for name in longest} == longest


async def test_ordinary_changes_take_few_tokens(cache: Cache) -> None:
    cache.write(*realistic(20))
    text, structured = await while_waiting(
        cache, lambda: cache.change("UPDATE tasks SET status = 'success' WHERE shots > 5000")
    )
    assert structured["changes_total"] == len(structured["changes"]) == 5
    assert len(structured["active"]) == 10
    assert tokens(text) <= 1_500
    assert tokens(wire(structured)) <= 2_500
    assert json.loads(wire(structured)) == structured


@pytest.mark.parametrize(
    ("task_ids", "said"),
    [
        ({"id": 1}, 'task_ids must be a list of texts, not {"id": 1}.'),
        (5, "task_ids must be a list of texts, not 5."),
        ([5], "Each of task_ids must be a text, not 5."),
    ],
)
async def test_ids_that_are_not_a_list_of_texts_are_refused(
    cache: Cache, task_ids: Any, said: str
) -> None:
    cache.write({})
    assert said in await cache.refusal("wait_for_tasks", {"task_ids": task_ids})
