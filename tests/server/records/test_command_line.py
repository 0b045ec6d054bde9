"""The reasons of failures and missing platform jobs, as the commands tell them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.server.cli.test_watch import feed_of, frame_text, next_events
from tests.server.records.conftest import TASK_ID
from tests.server.records.test_waits import ITS_JOB, RUNNING_TOO

from uniqc_mcp.cli.doctor import examine
from uniqc_mcp.cli.watch.lines import json_line, plain_lines
from uniqc_mcp.cli.watch.view import Scene
from uniqc_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Cache

    from uniqc_mcp.cli.watch.events import Event

    Case = Callable[..., Cache]

PART = "its submission did not get through, or is under way"


def lines(event: Event, cache: Cache) -> str:
    return "\n".join(plain_lines(event, cache.path))


def as_json(event: Event, cache: Cache) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(json_line(event, cache.path))
    return parsed


def test_watch_tells_active_tasks_without_a_job(case: Case) -> None:
    cache = case("pending-without-job", RUNNING_TOO, ITS_JOB)
    (started,) = next_events(feed_of(cache))
    (stuck,) = [line for line in lines(started, cache).splitlines() if TASK_ID in line]
    assert "no platform job" in stuck
    assert "heard of" not in stuck
    assert PART in lines(started, cache)
    notes = {task["task_id"]: task["note"] for task in as_json(started, cache)["tasks"]}
    assert notes == {TASK_ID: "no platform job", "uqt_running": ""}


def test_the_table_shows_no_job_until_there_is_one(case: Case) -> None:
    cache = case("pending-without-job")
    feed = feed_of(cache)
    (started,) = next_events(feed)

    def table() -> str:
        return frame_text(
            Scene(
                path=cache.path,
                store_status=feed.store_status,
                active=started.active,
                without_job=feed.without_job,
            )
        )

    assert "no job" in table()
    cache.change(ITS_JOB.replace("'uqt_running'", f"'{TASK_ID}'"))
    while feed.without_job:
        feed.events()
    assert "no job" not in table()


def test_watch_tells_why_a_task_failed(case: Case) -> None:
    cache = case("batch-failed-no-error", "UPDATE tasks SET status = 'running'")
    feed = feed_of(cache)
    next_events(feed)
    cache.change("UPDATE tasks SET status = 'failed'")
    (changed,) = next_events(feed)
    assert 'error: "job 2 of 3: A invalid qubit is used.' in lines(changed, cache)
    task = as_json(changed, cache)["task"]
    assert task["error"].startswith("job 2 of 3: A invalid qubit is used.")
    assert task["note"] == "results of 2 of 3 jobs"


def test_watch_tells_of_the_jobs_of_an_active_task(case: Case) -> None:
    cache = case("batch-failed-no-error", "UPDATE tasks SET status = 'running'")
    feed = feed_of(cache)
    (started,) = next_events(feed)
    told = lines(started, cache)
    assert "running on dummy:local:virtual-line-3" in told
    assert "results of 2 of 3 jobs; all 3 jobs are finished, error: " in told
    (task,) = as_json(started, cache)["tasks"]
    assert task["note"] == "results of 2 of 3 jobs; all 3 jobs are finished"
    assert task["error"].startswith("job 2 of 3: A invalid qubit is used.")
    cache.change("UPDATE tasks SET status = 'pending'")
    (changed,) = next_events(feed)
    assert as_json(changed, cache)["task"]["note"] == task["note"]


def test_watch_hides_a_credential_in_a_reason(case: Case) -> None:
    cache = case("batch-failed-no-error", "UPDATE tasks SET status = 'running'")
    feed = feed_of(cache)
    next_events(feed)
    cache.change("UPDATE task_shards SET error_message = 'token=hunter2hunter2'")
    cache.change("UPDATE tasks SET status = 'failed'")
    (changed,) = next_events(feed)
    assert "hunter2" not in lines(changed, cache) + json_line(changed, cache.path)
    assert "[redacted]" in lines(changed, cache)


def test_a_batch_cut_short_is_told_when_it_finishes(case: Case) -> None:
    cache = case("batch-cut-short", "UPDATE tasks SET status = 'running'")
    feed = feed_of(cache)
    next_events(feed)
    cache.change("UPDATE tasks SET status = 'success'")
    (changed,) = next_events(feed)
    assert "2 of 5 circuits submitted" in lines(changed, cache)


def test_doctor_counts_tasks_without_a_job_and_ids_of_two_tasks(case: Case) -> None:
    cache = case("pending-without-job")
    diagnosis = examine(Settings(cache_dir=cache.directory))
    assert any(PART in note for note in diagnosis.notes)
    assert PART in diagnosis.text()
    cache = case("undo-archived-id")
    notes = examine(Settings(cache_dir=cache.directory)).notes
    assert notes == ["Ids of both a live and an archived task: 1. get_task shows the live one."]
