"""A time that an answer shows, given back as an argument, means the same instant."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.clearing_cache import Cache as ClearingCache

from uniqc_mcp.clearing.tools import ClearTools
from uniqc_mcp.responses.times import (
    exact_wire_time,
    has_no_zone,
    recorded_time,
    requested_time,
    wire_time,
)
from uniqc_mcp.settings import ClearSettings
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import ClearPolicy, TaskFilter, TaskStore, assume_local, parse_time

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.server.conftest import Cache

NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)
SECOND = timedelta(seconds=1)

# Clocks that jump by an hour, by half an hour, by two hours, and by a whole day; that run in
# quarters of an hour; that are set back in Ramadan; and those that stay.
ZONES = (
    *("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"),
    *("Antarctica/Troll", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca"),
)
NAIVE = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - naive is the point
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001 - naive is the point
)


@contextmanager
def local_zone(name: str) -> Generator[None]:
    """Set the local time zone of this process for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", name)
        time.tzset()
        try:
            yield
        finally:
            patch.undo()
            time.tzset()


def near_changes(zone: str, year: int) -> list[datetime]:
    """Return naive times around each change of a zone's clock, folds and gaps included."""
    info = ZoneInfo(zone)
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(366 * 24)]
    offsets = [moment.astimezone(info).utcoffset() for moment in hours]
    changes = [hours[n] for n in range(1, len(hours)) if offsets[n] != offsets[n - 1]]
    minutes = range(-180, 181, 15)
    return [
        (change + timedelta(minutes=n)).astimezone(info).replace(tzinfo=None)
        + timedelta(minutes=shift)
        for change in changes
        for n in minutes
        for shift in (0, 60)
    ]


def assert_shown_as_meant(stored: str) -> None:
    """Assert that filters find a stored time by the text in which it is shown."""
    shown = recorded_time(stored)
    moment = parse_time(stored)
    assert moment is not None
    assert has_no_zone(shown) == (moment.tzinfo is None)
    # The wall clock is what was recorded, also where the clock skipped that time.
    if moment.tzinfo is None:
        assert shown.startswith(moment.isoformat(timespec="seconds"))
    pasted = requested_time(shown, NOW)
    assert pasted is not None
    assert pasted <= assume_local(moment) < pasted + SECOND
    assert TaskFilter(submitted_after=pasted).matches_submit_time(stored)
    assert TaskFilter(submitted_before=pasted + SECOND).matches_submit_time(stored)
    if not moment.microsecond:
        assert not TaskFilter(submitted_before=pasted).matches_submit_time(stored)


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None)
@given(moment=NAIVE, separator=st.sampled_from("T "))
@example(moment=datetime(1, 1, 1), separator="T")  # noqa: DTZ001 - naive is the point
@example(moment=datetime(9999, 12, 31, 23, 59, 58), separator="T")  # noqa: DTZ001 - likewise
def test_a_time_without_a_zone_is_shown_as_the_instant_that_filters_take_it_for(
    zone: str, moment: datetime, separator: str
) -> None:
    with local_zone(zone):
        assert_shown_as_meant(moment.isoformat(separator))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [2011, 2025, 2026])
def test_a_time_at_a_change_of_the_clock_is_shown_as_the_instant_it_is_taken_for(
    zone: str, year: int
) -> None:
    with local_zone(zone):
        for moment in near_changes(zone, year):
            assert_shown_as_meant(moment.isoformat())


@settings(deadline=None)
@given(
    moment=st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(9998, 12, 31),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.sampled_from([ZoneInfo(zone) for zone in ZONES]),
    )
)
def test_a_time_with_a_zone_is_shown_as_its_instant(moment: datetime) -> None:
    with local_zone("Asia/Shanghai"):
        assert_shown_as_meant(moment.isoformat())


@pytest.mark.parametrize(
    ("zone", "stored", "shown"),
    [
        ("Asia/Shanghai", "2026-08-12T07:28:00", "2026-08-12T07:28:00+08:00"),
        ("UTC", "2026-08-12 07:28:00.5", "2026-08-12T07:28:00+00:00"),
        # Berlin sets its clock back from 3:00 to 2:00: the first 2:30 is meant.
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),
        # And forward from 2:00 to 3:00: there is no 2:30, which Python takes for 1:30.
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T02:30:00+02:00"),
        ("Asia/Shanghai", "2026-08-12T07:28:00+00:00", "2026-08-12T07:28:00Z"),
    ],
)
def test_only_a_time_without_a_zone_gets_the_offset_of_this_machine(
    zone: str, stored: str, shown: str
) -> None:
    with local_zone(zone):
        assert recorded_time(stored) == shown


@pytest.mark.parametrize("text", ["2026-08-12T07:28:00.25+08:00", "2026-08-12", "36h", "90s"])
def test_a_filter_in_words_names_the_very_instant_that_it_compares(text: str) -> None:
    asked = requested_time(text, NOW.replace(microsecond=123_456))
    assert asked is not None
    assert requested_time(exact_wire_time(asked), NOW) == asked


def test_an_age_means_a_time_in_whole_seconds() -> None:
    asked = requested_time("36h", NOW.replace(microsecond=999_999))
    assert asked == NOW - timedelta(hours=36)


# Every answer of a file that uniqc 0.0.7 wrote.


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_each_task_of_an_old_release_is_found_by_its_shown_time(cache: Cache, zone: str) -> None:
    cache.copy("1-0.0.7.post1.sqlite")
    tools = ReadTools(TaskStore(cache.directory, read_only=True), lambda: NOW)
    with local_zone(zone):
        answer = tools.list_tasks(status="any", limit=100)
        old = [task for task in answer.tasks if has_no_zone(task.submitted_at)]
        assert len(old) > 90
        for task in old:
            shown = task.submitted_at
            assert f"submitted {shown} (zone not recorded)" in answer.text()
            until = wire_time((requested_time(shown, NOW) or NOW) + SECOND)
            found = tools.list_tasks(status="any", submitted_after=shown, submitted_before=until)
            assert task.task_id in [other.task_id for other in found.tasks]
            counted = tools.count_tasks(submitted_after=shown, submitted_before=until)
            assert counted.total == len(found.tasks) < 10


@pytest.mark.usefixtures("in_shanghai")
async def test_every_answer_with_a_time_without_a_zone_says_so(cache: Cache) -> None:
    cache.write(
        {"task_id": "old", "status": "running", "submit_time": "2026-08-12T07:28:00"},
        {"task_id": "other", "submit_time": "2026-08-12T07:28:00+00:00"},
    )
    note = (
        "Times with an offset, such as 2026-08-12T07:28:00+08:00, have no recorded zone; read as "
        "local time here."
    )
    for tool, arguments in (
        ("list_tasks", {"status": "any"}),
        ("get_task", {"task_id": "old"}),
        ("wait_for_tasks", {"task_ids": ["old"], "timeout_seconds": 1}),
    ):
        text, answer = await cache.ask(tool, **arguments)
        assert note in text
        assert note in answer["store"]["notes"]
    for arguments in ({"task_id": "other"}, {"task_id": "other", "outcomes": 0}):
        text, answer = await cache.ask("get_task", **arguments)
        assert "zone" not in text
        assert answer["store"]["notes"] == []


@pytest.mark.usefixtures("in_shanghai")
def test_a_plan_shows_times_that_can_be_pasted_back(tmp_path: Path) -> None:
    cache = ClearingCache(tmp_path / "cache").fill(3)
    cache.change("UPDATE tasks SET submit_time = '2026-08-12T07:28:0' || rowid")
    settings = ClearSettings(policy=ClearPolicy())
    tools = ClearTools(cache.store, settings, cache.store.pending_plans())
    plan = tools.plan(TaskFilter(), older_than=timedelta(0))
    assert plan.oldest == "2026-08-12T07:28:01+08:00"
    assert plan.newest == "2026-08-12T07:28:03+08:00"
    assert f"submitted {plan.oldest} (zone not recorded) to {plan.newest}" in plan.text()
    assert "have no recorded zone" in plan.store.notes[0]
    asked = TaskFilter(
        submitted_after=requested_time(plan.oldest, NOW),
        submitted_before=requested_time(plan.newest, NOW),
    )
    assert tools.plan(asked, older_than=timedelta(0)).planned == 2
