"""Times and durations in requests and in answers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniqc_mcp.responses import times
from uniqc_mcp.responses.times import (
    duration,
    recorded_time,
    requested_duration,
    requested_time,
    seconds_since,
    wire_time,
)
from uniqc_store import parse_time

NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)

zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=zones,
)


# Times in requests.


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
        ("2026-11-03T18:30", datetime(2026, 11, 3, 18, 30, tzinfo=UTC)),
        ("2026-11-03 18:30:15", datetime(2026, 11, 3, 18, 30, 15, tzinfo=UTC)),
        ("2026-11-03T18:30:00Z", datetime(2026, 11, 3, 18, 30, tzinfo=UTC)),
        ("2026-11-03T18:30:00+08:00", datetime(2026, 11, 3, 10, 30, tzinfo=UTC)),
        ("2026-11-03T00:30:00-05:30", datetime(2026, 11, 3, 6, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("0s", NOW),
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("36h", NOW - timedelta(hours=36)),
        ("7d", NOW - timedelta(days=7)),
        ("7 d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("999999w", datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_a_requested_time_is_a_date_a_time_or_an_age(text: str, moment: datetime) -> None:
    requested = requested_time(text, NOW)
    assert requested == moment
    assert requested is not None
    assert requested.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-03T18:30", datetime(2026, 11, 3, 18, 30, tzinfo=UTC)),
        ("2026-11-03T18:30:00+08:00", datetime(2026, 11, 3, 10, 30, tzinfo=UTC)),
        ("36h", NOW - timedelta(hours=36)),
    ],
)
@pytest.mark.usefixtures("in_shanghai")
def test_a_requested_time_does_not_depend_on_the_local_zone(text: str, moment: datetime) -> None:
    assert requested_time(text, NOW) == moment


def test_an_empty_text_requests_no_time() -> None:
    assert requested_time("", NOW) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", timedelta(0)),
        ("0d", timedelta(0)),
        ("45s", timedelta(seconds=45)),
        ("5m", timedelta(minutes=5)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert requested_duration(text) == expected


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1.5h", "30 days", "2026-11-03"])
def test_an_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        requested_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "now",
        "2026-02-29",
        "2026-11-31",
        "2026-13-01",
        "2026-11-03T24:30",
        "2026-11-03T18:00:00+25:00",
        "03.11.2026",
        "11/03/2026",
        "1700000000",
        "7",
        "d",
        "-7d",
        "7D",
        "1.5h",
        "7d 3h",
        "1234567d",
        " 7d",
        "7d\n",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        requested_time(text, NOW)


@given(moment=moments)
def test_any_iso_time_is_accepted_in_any_zone(moment: datetime) -> None:
    assert requested_time(moment.isoformat(), NOW) == moment


@given(text=st.text(max_size=30) | st.from_regex(r"[0-9TZ:+\- ]{1,30}", fullmatch=True))
def test_any_text_is_a_time_in_utc_or_refused(text: str) -> None:
    try:
        moment = requested_time(text, NOW)
    except ValueError:
        return
    assert moment is None or moment.tzinfo is UTC


@given(amount=st.integers(0, 999_998), unit=st.sampled_from("smhdw"))
def test_a_larger_age_is_never_a_later_time(amount: int, unit: str) -> None:
    nearer, farther = (requested_time(f"{n}{unit}", NOW) for n in (amount, amount + 1))
    assert nearer is not None
    assert farther is not None
    assert farther <= nearer <= NOW


# Times in answers.


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-08-05T05:33:52.123456+00:00", "2026-08-05T05:33:52Z"),
        ("2026-08-05T05:33:52+08:00", "2026-08-04T21:33:52Z"),
        ("2026-08-05T05:33:52Z", "2026-08-05T05:33:52Z"),
        ("2026-08-05 05:33:52", "2026-08-05T05:33:52+08:00"),
        ("2026-08-05", "2026-08-05T00:00:00+08:00"),
        ("", ""),
        ("yesterday", ""),
        ("20260805", ""),
        ("0001-01-01T00:00:00+14:00", ""),
    ],
)
@pytest.mark.usefixtures("in_shanghai")
def test_a_recorded_time_is_shown_in_utc_or_with_the_local_offset_if_it_has_no_zone(
    stored: str, shown: str
) -> None:
    assert recorded_time(stored) == shown


@given(moment=moments)
def test_a_time_on_the_wire_is_the_same_time_in_whole_seconds(moment: datetime) -> None:
    shown = wire_time(moment.astimezone(UTC))
    assert shown.endswith("Z")
    assert datetime.fromisoformat(shown) == moment.replace(microsecond=0)


@given(text=st.text())
def test_any_stored_text_is_shown_as_a_time_or_as_nothing(text: str) -> None:
    shown = recorded_time(text)
    assert (seconds_since(text, NOW) is None) == (shown == "")
    if shown:
        datetime.fromisoformat(shown)


@pytest.mark.parametrize(
    ("stored", "seconds"),
    [
        ("2026-11-03T17:59:59.5Z", 0),
        ("2026-11-03T17:00:00+00:00", 3600),
        ("2026-11-03T18:00:00+08:00", 8 * 3600),
        ("2026-11-03T18:01:00Z", 0),
        ("2026-11-03T19:00:00Z", None),
        ("2026-11-03T17:00:00", 9 * 3600),
        ("soon", None),
    ],
)
@pytest.mark.usefixtures("in_shanghai")
def test_an_age_reads_no_zone_as_local_time_and_there_is_none_in_the_future(
    stored: str, seconds: int | None
) -> None:
    assert seconds_since(stored, NOW) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86_399, "23 h"),
        (86_400, "1 d"),
        (111 * 86_400, "111 d"),
    ],
)
def test_a_duration_is_shown_in_the_largest_unit_that_fits(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@given(
    moment=st.datetimes(timezones=st.just(UTC)),
    spec=st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_a_time_in_the_format_of_uniqc_is_shown_like_any_other(moment: datetime, spec: str) -> None:
    assert recorded_time(moment.isoformat(timespec=spec)) == wire_time(moment)


@pytest.mark.parametrize(
    "stored", ["2026-08-05T24:00:00+00:00", "2026-02-30T00:00:00+00:00", "2026-08-05T053352+00:00"]
)
def test_a_time_that_only_resembles_the_format_of_uniqc_is_parsed(stored: str) -> None:
    moment = parse_time(stored)
    assert recorded_time(stored) == ("" if moment is None else wire_time(moment))


def test_a_time_in_the_format_of_uniqc_is_not_reformatted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "wire_time", None)
    assert recorded_time("2026-08-05T05:33:52.123456+00:00") == "2026-08-05T05:33:52Z"
