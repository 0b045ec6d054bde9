"""The exit status of ``uniqc-mcp watch --exit-status``, and the shots and seconds of its events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.server.cli.test_commands import run
from tests.server.cli.test_watch import event, task
from tests.server.cli.test_watch_command import DEADLINE_SECONDS, piped, read_line

from uniqc_mcp.cli.watch.endings import Endings

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_mcp.cli.watch.events import Event
    from uniqc_store import TaskState


def ended(number: int, status: str) -> TaskState:
    return task(number, status=status, active=False)


def failure_of(*events: Event) -> str:
    endings = Endings()
    endings.add(events)
    return endings.failure()


def test_tasks_that_succeeded_are_no_failure() -> None:
    assert failure_of() == ""
    assert failure_of(event("started", active=(task(1),)), event("new", task=task(2))) == ""
    assert failure_of(event("changed", task=ended(1, "success"), before="running")) == ""


def test_a_failure_names_the_tasks_and_counts_their_ends() -> None:
    said = failure_of(
        event("changed", task=ended(1, "success"), before="running"),
        event("changed", task=ended(2, "failed"), before="running"),
        event("new", task=ended(3, "failed")),
        event("gone", task=task(4), before="running"),
    )
    ids = ", ".join(f"uqt_{number:032x}" for number in (2, 3, 4))
    assert said == f"Not all of 4 tasks succeeded: 2 failed, 1 removed ({ids})."


def test_the_last_end_of_a_task_counts() -> None:
    said = failure_of(
        event("changed", task=ended(1, "failed"), before="running"),
        event("changed", task=task(1), before="failed"),
        event("changed", task=ended(1, "success"), before="running"),
    )
    assert said == ""


def test_tasks_that_had_ended_before_do_not_count() -> None:
    assert failure_of(event("changed", task=ended(1, "failed"), before="failed")) == ""
    succeeded = event("changed", task=ended(1, "success"), before="running")
    assert failure_of(succeeded, event("gone", task=ended(1, "success"))) == ""


@pytest.mark.parametrize(
    ("end", "status", "errors"),
    [
        ("success", 0, ""),
        ("failed", 1, "Error: Not all of 1 task succeeded: 1 failed (task-000001).\n"),
    ],
)
def test_the_exit_status_says_whether_all_succeeded(
    cache: Cache, end: str, status: int, errors: str
) -> None:
    cache.write({"status": "running"}, {"status": "failed"})
    with piped(cache, "--until-idle", "--exit-status") as process:
        read_line(process)
        cache.change(f"UPDATE tasks SET status = '{end}' WHERE task_id = 'task-000001'")
        _, said = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, said) == (status, errors)


def test_an_exit_status_needs_an_end() -> None:
    result = run("watch", "--exit-status")
    assert result.exit_code == 2
    assert "add --until-idle" in result.output


def test_events_carry_error_shots_and_seconds(cache: Cache) -> None:
    cache.write(*[{"status": "running", "shots": 1000 + n} for n in range(60)], version=5)
    with piped(cache, "--json") as process:
        tasks = json.loads(read_line(process))["tasks"]
        assert {one["task_id"]: one["shots"] for one in tasks} == {
            f"task-{n + 1:06}": 1000 + n for n in range(60)
        }
        assert all(one["seconds"] > 0 for one in tasks)
        cache.change(
            "UPDATE tasks SET status = 'failed', error_message = 'no such qubit' "
            "WHERE task_id = 'task-000002'"
        )
        failed = json.loads(read_line(process))["task"]
    assert (failed["shots"], failed["error"]) == (1001, "no such qubit")
    assert failed["seconds"] > 0


def test_lines_tell_the_shots(cache: Cache) -> None:
    cache.write({"status": "running", "shots": 2000})
    with piped(cache, "--until-idle") as process:
        read_line(process)
        assert " on originq:WK_C180, 2,000 shots, " in read_line(process)
        read_line(process)
        cache.change("UPDATE tasks SET status = 'success'")
        assert "running -> success on originq:WK_C180, 2,000 shots" in read_line(process)
