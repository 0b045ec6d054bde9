"""Answers that were misread: ages, silence of all tasks, groups out of order, a platform's id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.server.test_token_budget import INSERT_SHARD

from uniqc_mcp.responses.times import age
from uniqc_mcp.server import build_server
from uniqc_mcp.tasks.models import MAX_WITH_TIMES

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

SILENT = "Nothing has polled these active tasks since 2026-11-03T12:00:40Z, 5 h ago"


def running(minute_and_second: str, hour: int = 12) -> dict[str, object]:
    time = f"2026-11-03T{hour}:{minute_and_second}+00:00"
    return {"status": "running", "submit_time": time, "update_time": time}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (5_700, "1.5 h"),
        (7_199, "1.9 h"),
        (7_200, "2 h"),
        (17_999, "4.9 h"),
        (20_000, "5 h"),
        (86_400 * 2 + 8_640, "2.1 d"),
        (86_400 * 111, "111 d"),
    ],
)
def test_close_ages_can_be_told_apart(seconds: int, told: str) -> None:
    assert age(seconds) == told


@pytest.mark.parametrize("tasks", [2, MAX_WITH_TIMES + 1])
async def test_an_active_row_tells_its_age_and_in_a_short_list_its_time(
    cache: Cache, tasks: int
) -> None:
    cache.write(*[running(f"{minute:02}:00", 16) for minute in range(tasks)])
    text, _ = await cache.ask("list_tasks")
    assert ("submitted 2026-11-03T16:01:00Z (1.9 h ago)" in text) == (tasks == 2)
    assert ("1.9 h old" in text) == (tasks > 2)


async def test_a_list_of_tasks_silent_since_one_minute_says_that_nothing_polls(
    cache: Cache,
) -> None:
    cache.write(running("00:10"), running("00:40"), {"status": "success"})
    text, answer = await cache.ask("list_tasks", status="any")
    assert SILENT in text
    assert SILENT in json.dumps(answer["store"]["notes"])


@pytest.mark.parametrize(
    "tasks",
    [
        [running("00:10")],
        [running("00:10"), running("01:20")],
        [running("55:10", 17), running("55:30", 17)],
        [running("00:10") | {"update_time": "2026-11-03T13:00:00+00:00"}, running("00:10")],
    ],
)
async def test_other_lists_do_not_say_so(cache: Cache, tasks: list[dict[str, object]]) -> None:
    text, _ = await cache.write(*tasks).ask("list_tasks")
    assert "Nothing has polled" not in text


async def test_the_groups_of_one_backend_stand_together(cache: Cache) -> None:
    labels = ["b failed", *["a success"] * 4, *["b success"] * 3, *["b running"] * 2, "a failed"]
    rows = [label.split() for label in labels]
    cache.write(*({"backend": backend, "status": status} for backend, status in rows))
    text, answer = await cache.ask("count_tasks", group_by="status_backend")
    told = [f"{one['status']} on {one['backend']}: {one['count']}" for one in answer["groups"]]
    assert told == [
        *("success on b: 3", "running on b: 2", "failed on b: 1"),
        *("success on a: 4", "failed on a: 1"),
    ]
    assert text.splitlines()[1:] == [f"- {one}" for one in told]


async def test_a_task_found_by_a_platforms_id_says_which_job_it_was(cache: Cache) -> None:
    cache.write({"task_id": "uqt_1"}, version=5)
    time = "2026-11-03T12:00:00+00:00"
    for place, platform_id in enumerate(("P1", "P2", "P2")):
        row = ("uqt_1", place, platform_id, "originq", 1, place, "failed", None, None, time, time)
        cache.change(INSERT_SHARD, *row)
    for reference, job in (("P1", 'job 1 ("failed")'), ("P2", 'job 2 ("failed") and 3 ("failed")')):
        text, answer = await cache.ask("get_task", task_id=reference)
        note = f'"{reference}" is the platform\'s id of {job} of 3.'
        assert answer["task"]["notes"][0] == note
        assert f"note: {note}\n" in text
    text, _ = await cache.ask("get_task", task_id="uqt_1")
    assert "platform's id of job" not in text


def test_a_server_that_only_reads_says_what_clearing_needs(cache: Cache) -> None:
    instructions = build_server(cache.store).instructions or ""
    assert "only reads" in instructions
    assert "--allow-clear success,failed" in instructions
