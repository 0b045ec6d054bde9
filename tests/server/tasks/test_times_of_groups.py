"""Groups of days and hours, of which the latest are shown, and ranges that hold no time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.conftest import Cache

LAST_HOUR = datetime(2026, 11, 2, 17, tzinfo=UTC)


@pytest.fixture
def berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def submitted(moment: datetime) -> dict[str, Any]:
    return {"status": "success", "submit_time": moment.isoformat()}


async def test_of_many_hours_the_latest_are_shown_without_a_gap(cache: Cache) -> None:
    hours = [LAST_HOUR - timedelta(hours=age) for age in range(60)]
    # The later an hour, the fewer its tasks.
    cache.write(*(submitted(hour) for age, hour in enumerate(hours) for _ in range(1 + age // 20)))
    _, answer = await cache.ask("summarize_tasks", group_by=["hour"])
    *shown, others = [row[0] for row in answer["rows"]]
    assert others == f"others ({60 - len(shown)} more)"
    assert len(shown) > 10
    assert [datetime.fromisoformat(hour) for hour in shown] == hours[: len(shown)]


async def test_of_days_and_backends_the_latest_days_are_whole(cache: Cache) -> None:
    tasks = [
        submitted(LAST_HOUR - timedelta(days=age)) | {"backend": f"chip:{number}"}
        for age in range(30)
        for number in range(3)
        for _ in range(1 + age)
    ]
    cache.write(*tasks)
    _, answer = await cache.ask("summarize_tasks", group_by=["backend", "day"])
    days = [row[1] for row in answer["rows"][:-1]]
    *whole, _ = sorted(set(days), reverse=True)
    assert len(whole) > 3
    latest = [f"{LAST_HOUR - timedelta(days=age):%Y-%m-%d}" for age in range(len(whole))]
    assert whole == latest
    assert all(days.count(day) == 3 for day in whole)


@pytest.mark.usefixtures("berlin")
async def test_of_the_hour_that_comes_twice_the_second_is_later(cache: Cache) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    cache.write(*(submitted(first + timedelta(hours=age)) for age in range(2)))
    _, answer = await cache.ask("summarize_tasks", group_by=["hour"])
    assert [row[0] for row in answer["rows"]] == [
        "2026-10-25 02:00+0100",
        "2026-10-25 02:00+0200",
    ]


@pytest.mark.parametrize("tool", ["list_tasks", "count_tasks", "summarize_tasks"])
@pytest.mark.parametrize("what", ["submitted", "updated"])
@pytest.mark.parametrize("bounds", [("1h", "2h"), ("2026-11-01", "2026-11-01")])
async def test_a_range_without_a_time_is_refused(
    cache: Cache, tool: str, what: str, bounds: tuple[str, str]
) -> None:
    cache.write(submitted(LAST_HOUR))
    after, before = bounds
    given = {f"{what}_after": after, f"{what}_before": before}
    message = await cache.refusal(tool, given)
    assert f"{what}_before is exclusive" in message


async def test_archived_tasks_among_others_given_by_id_are_told(cache: Cache) -> None:
    cache.write(*[submitted(LAST_HOUR)] * 2, version=5)
    cache.change("""INSERT INTO archived_tasks (task_id, backend, status, shots, submit_time,
        update_time, metadata_json, archived_at) SELECT task_id, backend, status, shots,
        submit_time, update_time, metadata_json, update_time
        FROM tasks WHERE task_id = 'task-000002'""")
    cache.change("DELETE FROM tasks WHERE task_id = 'task-000002'")
    ids = ["task-000001", "task-000002"]
    text, answer = await cache.ask("list_tasks", status="any", task_ids=ids)
    note = "1 of these is archived: archived=include lists them."
    assert note in text
    assert note in answer["store"]["notes"]
