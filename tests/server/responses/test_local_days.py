"""A date in a filter is a day of this machine's time zone, and the zone is told."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from mcp import Client

from uniqc_mcp.responses.times import local_zone, requested_time
from uniqc_mcp.server import build_server

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.server.conftest import Cache

NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)


@contextmanager
def in_zone(zone: str) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


def beginning(day: str) -> datetime:
    moment = requested_time(day, NOW)
    assert moment is not None
    assert moment.tzinfo is UTC
    return moment


@pytest.mark.parametrize(
    ("zone", "day", "utc"),
    [
        ("UTC", "2026-11-03", "2026-11-03T00:00"),
        ("Asia/Shanghai", "2026-11-03", "2026-11-02T16:00"),
        ("Asia/Shanghai", "20261103", "2026-11-02T16:00"),
        ("America/New_York", "2026-07-01", "2026-07-01T04:00"),
        ("America/New_York", "2026-12-01", "2026-12-01T05:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),  # no midnight: it begins at 1:00
        ("America/Havana", "2025-11-02", "2025-11-02T04:00"),  # midnight twice: the first
        ("Asia/Shanghai", "0001-01-01", "0001-01-01T00:00"),
    ],
)
def test_a_date_is_the_beginning_of_that_local_day(zone: str, day: str, utc: str) -> None:
    with in_zone(zone):
        assert beginning(day) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "next_day", "hours"),
    [
        ("2026-03-28", "2026-03-29", 24),
        ("2026-03-29", "2026-03-30", 23),
        ("2026-10-25", "2026-10-26", 25),
    ],
)
def test_days_on_which_the_clock_changes_are_shorter_or_longer(
    day: str, next_day: str, hours: int
) -> None:
    with in_zone("Europe/Berlin"):
        assert beginning(next_day) - beginning(day) == timedelta(hours=hours)


def test_a_time_without_a_zone_is_in_utc_everywhere() -> None:
    with in_zone("Asia/Shanghai"):
        assert beginning("2026-11-03T18:30") == datetime(2026, 11, 3, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "UTC"),
        ("Asia/Shanghai", "Asia/Shanghai, now UTC+08:00"),
        ("America/New_York", "America/New_York, now UTC-05:00"),
        ("Asia/Kathmandu", "Asia/Kathmandu, now UTC+05:45"),
        ("<+03>-3", "local time, now UTC+03:00"),
    ],
)
def test_the_zone_is_told_by_name_and_offset(zone: str, shown: str) -> None:
    with in_zone(zone):
        assert local_zone(NOW) == shown


@pytest.mark.anyio
async def test_answers_say_which_instant_a_date_was_and_the_server_its_zone(cache: Cache) -> None:
    cache.write({"submit_time": "2026-11-02T20:00:00+00:00"})
    with in_zone("Asia/Shanghai"):
        asked = {"submitted_after": "2026-11-03", "submitted_before": "2026-11-04"}
        text, structured = await cache.ask("count_tasks", **asked)
        server = build_server(cache.store, clock=lambda: cache.now)
        async with Client(server) as client:
            instructions = client.instructions or ""
        store = json.loads(await cache.read("uniqc://store"))
    assert structured["total"] == 1
    assert "submitted between 2026-11-02T16:00:00Z and 2026-11-03T16:00:00Z" in text
    assert "this machine's zone (Asia/Shanghai, now UTC+08:00)" in instructions
    assert "This machine's time zone: Asia/Shanghai, now UTC+08:00." in store["store"]["notes"]
