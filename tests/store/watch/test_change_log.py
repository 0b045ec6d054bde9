"""The changes since a cursor, merged from several scans, and how far back a cursor reaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from uniqc_store import InvalidValueError, StoreBusyError, StoreState, TaskState
from uniqc_store.watch.change_log import ChangeLog, TaskEvent
from uniqc_store.watch.changes import StoreStatus

STORE = StoreState(path=Path("/cache/tasks.sqlite"), exists=True, schema_version=1)
READ_AT = datetime(2026, 8, 1, 9, tzinfo=UTC)
STATUS = StoreStatus(store=STORE, total=9, read_at=READ_AT)


def state(task_id: str, status: str, *, hour: int = 9) -> TaskState:
    time = f"2026-08-01T{hour:02}:00:00+00:00"
    return TaskState(
        task_id=task_id,
        backend="dummy",
        name="",
        status=status,
        active=status not in {"success", "failed", "cancelled"},
        submit_time=time,
        update_time=time,
    )


RUNNING, SUCCESS, FAILED = (state("a", status) for status in ("running", "success", "failed"))


def added(now: TaskState) -> TaskEvent:
    return TaskEvent(key=now.task_id, before=None, last=now, is_new=True)


def changed(was: TaskState | None, now: TaskState) -> TaskEvent:
    return TaskEvent(key=now.task_id, before=was, last=now)


def removed(was: TaskState, *, archived: bool = False) -> TaskEvent:
    return TaskEvent(key=was.task_id, before=was, last=was, is_gone=True, archived=archived)


@pytest.fixture
def log() -> ChangeLog:
    return ChangeLog(max_events=100)


def append(
    log: ChangeLog, *events: TaskEvent, untracked_delta: int = 0, before: StoreStatus = STATUS
) -> None:
    log.append(events, untracked_delta=untracked_delta, before=before)


def cursor_of(log: ChangeLog) -> str:
    return log.since("", STATUS).cursor


@pytest.mark.parametrize(
    ("events", "new", "change", "gone"),
    [
        ([added(RUNNING)], RUNNING, None, None),
        ([added(RUNNING), changed(RUNNING, SUCCESS)], SUCCESS, None, None),
        ([added(RUNNING), removed(RUNNING)], None, None, None),
        ([added(RUNNING), changed(RUNNING, SUCCESS), removed(SUCCESS)], None, None, None),
        ([added(RUNNING), removed(RUNNING), added(FAILED)], FAILED, None, None),
        ([changed(RUNNING, SUCCESS)], None, (RUNNING, SUCCESS), None),
        ([changed(RUNNING, SUCCESS), changed(SUCCESS, FAILED)], None, (RUNNING, FAILED), None),
        ([changed(RUNNING, SUCCESS), changed(SUCCESS, RUNNING)], None, None, None),
        ([changed(None, RUNNING)], None, (None, RUNNING), None),
        ([changed(None, RUNNING), changed(RUNNING, FAILED)], None, (None, FAILED), None),
        ([removed(SUCCESS)], None, None, (SUCCESS, SUCCESS)),
        ([changed(RUNNING, SUCCESS), removed(SUCCESS)], None, None, (RUNNING, SUCCESS)),
        ([changed(None, RUNNING), removed(RUNNING)], None, None, (None, RUNNING)),
        ([removed(SUCCESS), added(SUCCESS)], None, None, None),
        ([removed(SUCCESS), added(RUNNING)], None, (SUCCESS, RUNNING), None),
        ([removed(SUCCESS), added(RUNNING), removed(RUNNING)], None, None, (SUCCESS, RUNNING)),
    ],
)
def test_the_events_of_a_task_are_merged_into_one_change(
    log: ChangeLog,
    events: list[TaskEvent],
    new: TaskState | None,
    change: tuple[TaskState | None, TaskState] | None,
    gone: tuple[TaskState | None, TaskState] | None,
) -> None:
    start = cursor_of(log)
    for event in events:
        append(log, event)
    changes = log.since(start, STATUS)
    assert changes.new == ((new,) if new else ())
    assert [(one.before, one.after) for one in changes.changed] == ([change] if change else [])
    assert [(one.before, one.last) for one in changes.gone] == ([gone] if gone else [])


def test_each_cursor_gets_only_the_changes_after_it(log: ChangeLog) -> None:
    cursors = [cursor_of(log)]
    for event in (added(RUNNING), changed(RUNNING, SUCCESS), removed(SUCCESS)):
        append(log, event)
        cursors.append(log.since(cursors[-1], STATUS).cursor)
    answers = [log.since(cursor, STATUS) for cursor in cursors]
    assert [(len(one.new), len(one.changed), len(one.gone)) for one in answers] == [
        (0, 0, 0),
        (0, 0, 1),
        (0, 0, 1),
        (0, 0, 0),
    ]
    assert len({one.cursor for one in answers}) == 1
    assert log.since(cursors[-1], STATUS) == log.since("", STATUS)


def test_changed_tasks_are_reported_newest_first(log: ChangeLog) -> None:
    start = cursor_of(log)
    append(log, *(added(state(f"t{hour}", "running", hour=hour)) for hour in (3, 7, 5)))
    assert [one.task_id for one in log.since(start, STATUS).new] == ["t7", "t5", "t3"]


def test_the_deltas_of_untracked_tasks_are_added_up(log: ChangeLog) -> None:
    start = cursor_of(log)
    append(log, untracked_delta=5)
    append(log, untracked_delta=-2)
    changes = log.since(start, STATUS)
    assert changes.untracked_delta == 3
    assert (changes.store_changed, changes.active_changed) == (True, False)


def test_the_file_changed_if_its_state_differs_from_that_at_the_cursor(log: ChangeLog) -> None:
    busy = replace(STATUS, trouble=StoreBusyError(STORE.path, 5))
    start = cursor_of(log)
    append(log, before=STATUS)
    in_trouble = log.since(start, busy)
    append(log, before=busy)
    assert in_trouble.file_changed
    assert in_trouble.store_changed
    assert not log.since(start, STATUS).file_changed
    assert log.since(in_trouble.cursor, STATUS).file_changed
    newer = replace(STATUS, store=replace(STORE, schema_version=5))
    assert log.since(start, newer).file_changed


@pytest.mark.parametrize("other", [{"total": 10}, {"read_at": READ_AT + timedelta(seconds=1)}])
def test_another_number_of_tasks_or_time_of_reading_is_not_a_change_of_the_file(
    log: ChangeLog, other: dict[str, Any]
) -> None:
    start = cursor_of(log)
    append(log, untracked_delta=1)
    changes = log.since(start, replace(STATUS, **other))
    assert not changes.file_changed
    assert changes.untracked_delta == 1


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([added(RUNNING)], True),
        ([added(SUCCESS)], False),
        ([changed(RUNNING, SUCCESS)], True),
        ([changed(SUCCESS, FAILED)], False),
        ([changed(FAILED, RUNNING)], True),
        ([changed(None, RUNNING)], True),
        ([removed(RUNNING)], True),
        ([removed(SUCCESS)], False),
        ([changed(RUNNING, SUCCESS), removed(SUCCESS)], True),
        ([added(RUNNING), changed(RUNNING, SUCCESS)], False),
    ],
)
def test_the_active_tasks_changed_if_one_was_or_is_active(
    log: ChangeLog, events: list[TaskEvent], *, expected: bool
) -> None:
    start = cursor_of(log)
    for event in events:
        append(log, event)
    assert log.since(start, STATUS).active_changed is expected


def test_another_update_time_is_not_a_change_of_status(log: ChangeLog) -> None:
    start = cursor_of(log)
    touched = replace(RUNNING, update_time="2026-08-01T10:00:00+00:00")
    append(log, changed(RUNNING, touched))
    (change,) = log.since(start, STATUS).changed
    assert not change.status_changed
    append(log, changed(touched, SUCCESS))
    (change,) = log.since(start, STATUS).changed
    assert change.status_changed


def test_the_last_removal_decides_whether_a_task_is_archived(log: ChangeLog) -> None:
    start = cursor_of(log)
    for event in (removed(SUCCESS, archived=True), added(SUCCESS), removed(SUCCESS)):
        append(log, event)
    (gone,) = log.since(start, STATUS).gone
    assert not gone.archived


def test_a_cursor_that_the_log_no_longer_reaches_is_refused() -> None:
    log = ChangeLog(max_events=10)
    cursors = [cursor_of(log)]
    for number in range(20):
        append(log, *(added(state(f"{number}-{n}", "running")) for n in range(3)))
        cursors.append(cursor_of(log))
    assert len(log.keys) == 9
    assert [len(log.since(cursor, STATUS).new) for cursor in cursors[-4:]] == [9, 6, 3, 0]
    for cursor in cursors[:-4]:
        with pytest.raises(
            InvalidValueError, match=r"too old.*leave it out to begin now"
        ) as raised:
            log.since(cursor, STATUS)
        assert raised.value.field == "cursor"


def test_the_events_of_the_last_scan_are_kept_however_many() -> None:
    log = ChangeLog(max_events=10)
    start = cursor_of(log)
    append(log, *(added(state(f"{number}", "running")) for number in range(50)))
    assert len(log.since(start, STATUS).new) == 50
    append(log, untracked_delta=1)
    with pytest.raises(InvalidValueError):
        log.since(start, STATUS)


def test_a_task_is_remembered_for_as_long_as_any_of_its_events() -> None:
    log = ChangeLog(max_events=2)
    append(log, added(RUNNING))
    append(log, changed(RUNNING, SUCCESS))
    append(log, added(state("b", "running")))
    assert log.keys == {"a", "b"}
    append(log, added(state("c", "running")))
    assert log.keys == {"b", "c"}


@pytest.mark.parametrize("cursor", ["x", "?", "é", "AAAA", "A" * 22, "A" * 500, "=", " "])
def test_an_invalid_cursor_is_refused(log: ChangeLog, cursor: str) -> None:
    with pytest.raises(InvalidValueError, match="leave it out to begin now"):
        log.since(cursor, STATUS)


def test_a_cursor_of_another_log_is_refused(log: ChangeLog) -> None:
    with pytest.raises(InvalidValueError, match="ends with the process that gave it"):
        log.since(cursor_of(ChangeLog(max_events=100)), STATUS)


def test_a_cursor_is_short_and_safe_in_a_url(log: ChangeLog) -> None:
    cursor = cursor_of(log)
    assert len(cursor) == 22
    assert cursor.replace("-", "").replace("_", "").isalnum()
