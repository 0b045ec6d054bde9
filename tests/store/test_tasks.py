"""Values of a task, without any file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import without_deadline

from uniqc_store import TERMINAL_STATUSES, InvalidValueError, TaskInfo, TaskStatus
from uniqc_store.tasks import assume_local, parse_time, status_text, utc_now

EIGHT_KEYS = [
    "task_id",
    "backend",
    "status",
    "result",
    "shots",
    "submit_time",
    "update_time",
    "metadata",
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
zones = st.timedeltas(-timedelta(hours=23), timedelta(hours=23)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
# In UTC, a time of the first or last day may be in the year 0 or 10000.
FIRST_DAY_LATER = datetime(1, 1, 2)  # noqa: DTZ001 - the zone is drawn
LAST_DAY_EARLIER = datetime(9999, 12, 30)  # noqa: DTZ001 - the zone is drawn
infos = st.builds(
    TaskInfo,
    task_id=st.text(),
    backend=st.text(),
    status=st.sampled_from(TaskStatus) | st.text(),
    result=json_values,
    shots=st.integers(),
    submit_time=st.text(),
    update_time=st.text(),
    metadata=st.dictionaries(st.text(), json_values, max_size=3),
    error_message=st.none() | st.text(min_size=1),
    archived_at=st.none() | st.text(min_size=1),
    damaged=st.lists(st.sampled_from(EIGHT_KEYS), unique=True).map(tuple),
)


def test_a_new_task_has_the_defaults_of_uniqc() -> None:
    task = TaskInfo("a", "dummy")
    assert (task.status, task.result, task.shots, task.metadata) == ("pending", None, 1000, {})
    for stamp in (task.submitted_at, task.updated_at):
        assert stamp is not None
        assert datetime.now(UTC) - stamp < timedelta(minutes=1)


def test_new_times_are_aware_utc() -> None:
    assert utc_now().endswith("+00:00")
    assert TaskInfo("a", "dummy").submit_time.endswith("+00:00")


def test_two_tasks_share_no_metadata() -> None:
    TaskInfo("a", "dummy").metadata["name"] = "first"
    assert TaskInfo("b", "dummy").metadata == {}


def test_finished_depends_on_the_status_as_text_or_as_enum() -> None:
    for status in TaskStatus:
        expected = status.value in TERMINAL_STATUSES
        assert TaskInfo("a", "dummy", status).finished is expected
        assert TaskInfo("a", "dummy", status.value).finished is expected
    assert not TaskInfo("a", "dummy", "QUEUED").finished


def test_the_text_of_a_status_is_its_value() -> None:
    assert status_text(TaskStatus.RUNNING) == "running"
    assert type(status_text(TaskStatus.RUNNING)) is str
    assert status_text("QUEUED") == "QUEUED"


def test_to_dict_of_a_new_task_has_the_keys_of_the_first_schema() -> None:
    assert list(TaskInfo("a", "dummy").to_dict()) == EIGHT_KEYS


def test_to_dict_includes_later_fields_that_are_not_empty() -> None:
    task = TaskInfo("a", "dummy", error_message="no token", archived_at="2026-08-01")
    assert list(task.to_dict()) == [*EIGHT_KEYS, "error_message", "archived_at"]


def test_to_dict_returns_a_deep_copy() -> None:
    task = TaskInfo("a", "dummy", result={"00": 1}, metadata={"tags": ["x"]})
    values = task.to_dict()
    values["result"]["00"] = 2
    values["metadata"]["tags"].append("y")
    assert task.result == {"00": 1}
    assert task.metadata == {"tags": ["x"]}


@without_deadline
@given(infos)
def test_from_dict_is_the_inverse_of_to_dict(task: TaskInfo) -> None:
    assert TaskInfo.from_dict(task.to_dict()) == task


@without_deadline
@given(infos)
def test_a_task_survives_a_round_trip_through_json(task: TaskInfo) -> None:
    assert TaskInfo.from_dict(json.loads(json.dumps(task.to_dict()))) == task


def test_from_dict_needs_only_an_id_and_a_backend() -> None:
    task = TaskInfo.from_dict({"task_id": "a", "backend": "dummy"})
    assert (task.task_id, task.backend, task.status) == ("a", "dummy", "pending")


def test_from_dict_names_an_unknown_key() -> None:
    with pytest.raises(InvalidValueError, match="task_id, backend, status") as caught:
        TaskInfo.from_dict({"task_id": "a", "backend": "dummy", "shot": 5})
    assert caught.value.field == "shot"


@pytest.mark.parametrize("name", ["task_id", "backend"])
def test_from_dict_names_a_missing_key(name: str) -> None:
    whole: dict[str, Any] = {"task_id": "a", "backend": "dummy"}
    del whole[name]
    with pytest.raises(InvalidValueError) as caught:
        TaskInfo.from_dict(whole)
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01T09:00:00+00:00", datetime(2026, 8, 1, 9, tzinfo=UTC)),
        ("2026-08-01T09:00:00Z", datetime(2026, 8, 1, 9, tzinfo=UTC)),
        ("2026-08-01T09:00:00+08:00", datetime(2026, 8, 1, 1, tzinfo=UTC)),
        ("2026-08-01 09:00:00.5-00:30", datetime(2026, 8, 1, 9, 30, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone_is_converted_to_utc(text: str, moment: datetime) -> None:
    parsed = parse_time(text)
    assert parsed == moment
    assert parsed is not None
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize("text", ["2026-08-01T09:00:00", "2026-08-01 09:00:00"])
def test_a_time_without_a_zone_is_parsed_as_naive(text: str) -> None:
    assert parse_time(text) == datetime(2026, 8, 1, 9)  # noqa: DTZ001 - naive is the point


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026",
        "1785574800",
        "20260801T090000",
        "2026-13-01T00:00:00",
        "2026-08-01T09:00:00 UTC",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:00:00-08:00",
        "2026-08-01\0",
        "2026-\ud800",
    ],
)
def test_text_that_is_not_a_time_is_parsed_as_none(text: str) -> None:
    assert parse_time(text) is None


def test_a_week_date_is_not_a_time_because_it_sorts_differently() -> None:
    assert parse_time("2026-W05-4") is None


@without_deadline
@given(st.text())
def test_any_text_is_parsed_as_a_time_or_none(text: str) -> None:
    parsed = parse_time(text)
    assert parsed is None or isinstance(parsed, datetime)


@without_deadline
@given(st.datetimes(FIRST_DAY_LATER, LAST_DAY_EARLIER, timezones=zones))
def test_every_aware_time_is_parsed_from_its_iso_format(moment: datetime) -> None:
    parsed = parse_time(moment.isoformat())
    assert parsed is not None
    assert (parsed, parsed.tzinfo) == (moment.astimezone(UTC), UTC)


@pytest.mark.usefixtures("in_china")
def test_a_time_without_a_zone_is_taken_as_local() -> None:
    local = datetime(2026, 8, 1, 9)  # noqa: DTZ001 - naive is the point
    assert assume_local(local) == datetime(2026, 8, 1, 1, tzinfo=UTC)


def test_a_time_with_a_zone_is_not_taken_as_local() -> None:
    moment = datetime(2026, 8, 1, 9, tzinfo=timezone(timedelta(hours=-3)))
    assert assume_local(moment) == moment


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_the_earliest_and_the_latest_time_can_be_converted_to_utc(text: str) -> None:
    moment = parse_time(text)
    assert moment is not None
    assert assume_local(moment).tzinfo is UTC
