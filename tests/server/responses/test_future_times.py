"""Times ahead of this machine's clock: no age, and a remark in text and structure."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.responses.times import age_in_seconds, utc_now

if TYPE_CHECKING:
    from tests.server.conftest import Cache

REMARK = "in the future by this machine's clock"


def shifted(cache: Cache, **times: timedelta) -> Cache:
    row = {name: (cache.now + by).isoformat() for name, by in times.items()}
    return cache.write({"status": "running", **row})


async def asked(cache: Cache, tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    text, answer = await cache.ask(tool, **arguments)
    task: dict[str, Any] = answer.get("task") or (answer.get("tasks") or answer["active"])[0]
    return text, task


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_tasks", {}),
        ("get_task", {"task_id": "task-000001"}),
        ("wait_for_tasks", {"timeout_seconds": 1}),
    ],
)
async def test_an_update_in_the_future_has_no_age_and_is_said_to_be_there(
    cache: Cache, tool: str, arguments: dict[str, Any]
) -> None:
    shifted(cache, update_time=timedelta(hours=2))
    text, task = await asked(cache, tool, **arguments)
    assert "seconds_since_update" not in task
    assert task["in_future"] == ["updated_at"]
    assert f"touched {REMARK}" in text
    assert "heard of" not in text


@pytest.mark.parametrize("ahead", [59, 60])
async def test_a_minute_of_skew_is_told_as_no_age(cache: Cache, ahead: int) -> None:
    shifted(cache, update_time=timedelta(seconds=ahead))
    text, task = await asked(cache, "list_tasks")
    assert (task["seconds_since_update"], "in_future" in task) == (0, False)
    assert REMARK not in text


async def test_a_submission_in_the_future_is_shown_by_its_time(cache: Cache) -> None:
    shifted(cache, submit_time=timedelta(days=1), update_time=timedelta(days=1))
    text, task = await asked(cache, "list_tasks")
    assert task["in_future"] == ["submitted_at", "updated_at"]
    assert f"submitted 2026-11-04T18:00:00Z ({REMARK})" in text
    assert " old" not in text


async def test_a_finished_task_says_so_of_both_times(cache: Cache) -> None:
    cache.write({"update_time": (cache.now + timedelta(hours=2)).isoformat()})
    text, task = await asked(cache, "get_task", task_id="task-000001")
    assert task["in_future"] == ["updated_at"]
    assert f"last touched: 2026-11-03T20:00:00Z ({REMARK})" in text


def test_an_age_is_none_from_a_minute_in_the_future_on(cache: Cache) -> None:
    ages = [age_in_seconds(cache.now + timedelta(seconds=by), cache.now) for by in (-1, 0, 60, 61)]
    assert ages == [1, 0, 0, None]


def test_doctor_counts_the_tasks_with_a_time_in_the_future(cache: Cache) -> None:
    later = (utc_now() + timedelta(hours=2)).isoformat()
    cache.write({"update_time": later}, {"submit_time": later}, {})
    command = ["doctor", "--json", "--cache-dir", str(cache.directory)]
    notes = json.loads(CliRunner().invoke(cli, command).output)["notes"]
    assert any("in the future by this machine's clock: 2;" in note for note in notes)
