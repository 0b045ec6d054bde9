"""What several looks come to, and how far back a cursor reaches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from uniqc_store import InvalidValueError, StoreBusyError, StoreState, TaskState
from uniqc_store.watch.change_log import ChangeLog, TaskEvent
from uniqc_store.watch.changes import StoreStatus

STORE = StoreState(path=Path("/cache/tasks.sqlite"), exists=True, schema_version=1)
STANDING = StoreStatus(store=STORE, total=9)


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


def came(now: TaskState) -> TaskEvent:
    return TaskEvent(key=now.task_id, before=None, last=now, is_new=True)


def changed(was: TaskState | None, now: TaskState) -> TaskEvent:
    return TaskEvent(key=now.task_id, before=was, last=now)


def went(was: TaskState, *, archived: bool = False) -> TaskEvent:
    return TaskEvent(key=was.task_id, before=was, last=was, is_gone=True, archived=archived)


@pytest.fixture
def log() -> ChangeLog:
    return ChangeLog(max_events=100)


def take_down(
    log: ChangeLog, *events: TaskEvent, others: int = 0, before: StoreStatus = STANDING
) -> None:
    log.append(events, untracked_delta=others, before=before)


def start_of(log: ChangeLog) -> str:
    return log.since("", STANDING).cursor


@pytest.mark.parametrize(
    ("events", "new", "change", "gone"),
    [
        ([came(RUNNING)], RUNNING, None, None),
        ([came(RUNNING), changed(RUNNING, SUCCESS)], SUCCESS, None, None),
        ([came(RUNNING), went(RUNNING)], None, None, None),
        ([came(RUNNING), changed(RUNNING, SUCCESS), went(SUCCESS)], None, None, None),
        ([came(RUNNING), went(RUNNING), came(FAILED)], FAILED, None, None),
        ([changed(RUNNING, SUCCESS)], None, (RUNNING, SUCCESS), None),
        ([changed(RUNNING, SUCCESS), changed(SUCCESS, FAILED)], None, (RUNNING, FAILED), None),
        ([changed(RUNNING, SUCCESS), changed(SUCCESS, RUNNING)], None, None, None),
        ([changed(None, RUNNING)], None, (None, RUNNING), None),
        ([changed(None, RUNNING), changed(RUNNING, FAILED)], None, (None, FAILED), None),
        ([went(SUCCESS)], None, None, (SUCCESS, SUCCESS)),
        ([changed(RUNNING, SUCCESS), went(SUCCESS)], None, None, (RUNNING, SUCCESS)),
        ([changed(None, RUNNING), went(RUNNING)], None, None, (None, RUNNING)),
        ([went(SUCCESS), came(SUCCESS)], None, None, None),
        ([went(SUCCESS), came(RUNNING)], None, (SUCCESS, RUNNING), None),
        ([went(SUCCESS), came(RUNNING), went(RUNNING)], None, None, (SUCCESS, RUNNING)),
    ],
)
def test_what_happens_to_a_task_is_told_as_one_thing(
    log: ChangeLog,
    events: list[TaskEvent],
    new: TaskState | None,
    change: tuple[TaskState | None, TaskState] | None,
    gone: tuple[TaskState | None, TaskState] | None,
) -> None:
    start = start_of(log)
    for event in events:
        take_down(log, event)
    changes = log.since(start, STANDING)
    assert changes.new == ((new,) if new else ())
    assert [(one.before, one.after) for one in changes.changed] == ([change] if change else [])
    assert [(one.before, one.last) for one in changes.gone] == ([gone] if gone else [])


def test_each_cursor_has_its_own_since(log: ChangeLog) -> None:
    cursors = [start_of(log)]
    for event in (came(RUNNING), changed(RUNNING, SUCCESS), went(SUCCESS)):
        take_down(log, event)
        cursors.append(log.since(cursors[-1], STANDING).cursor)
    told = [log.since(cursor, STANDING) for cursor in cursors]
    assert [(len(one.new), len(one.changed), len(one.gone)) for one in told] == [
        (0, 0, 0),
        (0, 0, 1),
        (0, 0, 1),
        (0, 0, 0),
    ]
    assert len({one.cursor for one in told}) == 1
    assert log.since(cursors[-1], STANDING) == log.since("", STANDING)


def test_tasks_are_told_of_newest_first(log: ChangeLog) -> None:
    start = start_of(log)
    take_down(log, *(came(state(f"t{hour}", "running", hour=hour)) for hour in (3, 7, 5)))
    assert [one.task_id for one in log.since(start, STANDING).new] == ["t7", "t5", "t3"]


def test_others_are_counted_together(log: ChangeLog) -> None:
    start = start_of(log)
    take_down(log, others=5)
    take_down(log, others=-2)
    changes = log.since(start, STANDING)
    assert changes.untracked_delta == 3
    assert (changes.store_changed, changes.active_changed) == (True, False)


def test_the_file_changed_if_it_is_not_as_it_was_at_the_cursor(log: ChangeLog) -> None:
    busy = replace(STANDING, trouble=StoreBusyError(STORE.path, 5))
    start = start_of(log)
    take_down(log, before=STANDING)
    in_trouble = log.since(start, busy)
    take_down(log, before=busy)
    assert in_trouble.file_changed
    assert in_trouble.store_changed
    assert not log.since(start, STANDING).file_changed
    assert log.since(in_trouble.cursor, STANDING).file_changed
    newer = replace(STANDING, store=replace(STORE, schema_version=5))
    assert log.since(start, newer).file_changed


def test_how_many_tasks_there_are_and_when_it_was_read_is_no_change_of_the_file(
    log: ChangeLog,
) -> None:
    start = start_of(log)
    take_down(log, others=1)
    assert not log.since(start, replace(STANDING, total=10)).file_changed


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([came(RUNNING)], True),
        ([came(SUCCESS)], False),
        ([changed(RUNNING, SUCCESS)], True),
        ([changed(SUCCESS, FAILED)], False),
        ([changed(FAILED, RUNNING)], True),
        ([changed(None, RUNNING)], True),
        ([went(RUNNING)], True),
        ([went(SUCCESS)], False),
        ([changed(RUNNING, SUCCESS), went(SUCCESS)], True),
        ([came(RUNNING), changed(RUNNING, SUCCESS)], False),
    ],
)
def test_the_active_tasks_changed_if_one_was_or_is_active(
    log: ChangeLog, events: list[TaskEvent], *, expected: bool
) -> None:
    start = start_of(log)
    for event in events:
        take_down(log, event)
    assert log.since(start, STANDING).active_changed is expected


def test_what_the_status_was_tells_whether_it_changed(log: ChangeLog) -> None:
    start = start_of(log)
    touched = replace(RUNNING, update_time="2026-08-01T10:00:00+00:00")
    take_down(log, changed(RUNNING, touched))
    (change,) = log.since(start, STANDING).changed
    assert not change.status_changed
    take_down(log, changed(touched, SUCCESS))
    (change,) = log.since(start, STANDING).changed
    assert change.status_changed


def test_whether_it_is_in_the_archive_is_what_was_found_last(log: ChangeLog) -> None:
    start = start_of(log)
    for event in (went(SUCCESS, archived=True), came(SUCCESS), went(SUCCESS)):
        take_down(log, event)
    (gone,) = log.since(start, STANDING).gone
    assert not gone.archived


def test_a_cursor_that_the_log_no_longer_reaches_is_refused() -> None:
    log = ChangeLog(max_events=10)
    cursors = [start_of(log)]
    for number in range(20):
        take_down(log, *(came(state(f"{number}-{n}", "running")) for n in range(3)))
        cursors.append(start_of(log))
    assert len(log.keys) == 9
    assert [len(log.since(cursor, STANDING).new) for cursor in cursors[-4:]] == [9, 6, 3, 0]
    for cursor in cursors[:-4]:
        with pytest.raises(
            InvalidValueError, match=r"too old.*leave it out to begin now"
        ) as raised:
            log.since(cursor, STANDING)
        assert raised.value.field == "cursor"


def test_what_the_last_look_found_is_kept_however_much_it_is() -> None:
    log = ChangeLog(max_events=10)
    start = start_of(log)
    take_down(log, *(came(state(f"{number}", "running")) for number in range(50)))
    assert len(log.since(start, STANDING).new) == 50
    take_down(log, others=1)
    with pytest.raises(InvalidValueError):
        log.since(start, STANDING)


def test_a_task_is_remembered_for_as_long_as_any_of_its_events() -> None:
    log = ChangeLog(max_events=2)
    take_down(log, came(RUNNING))
    take_down(log, changed(RUNNING, SUCCESS))
    take_down(log, came(state("b", "running")))
    assert log.keys == {"a", "b"}
    take_down(log, came(state("c", "running")))
    assert log.keys == {"b", "c"}


@pytest.mark.parametrize("cursor", ["x", "?", "é", "AAAA", "A" * 22, "A" * 500, "=", " "])
def test_what_is_no_cursor_is_refused(log: ChangeLog, cursor: str) -> None:
    with pytest.raises(InvalidValueError, match="leave it out to begin now"):
        log.since(cursor, STANDING)


def test_a_cursor_of_another_log_is_refused(log: ChangeLog) -> None:
    with pytest.raises(InvalidValueError, match="ends with the process that gave it"):
        log.since(start_of(ChangeLog(max_events=100)), STANDING)


def test_a_cursor_is_short_and_safe_in_an_address(log: ChangeLog) -> None:
    cursor = start_of(log)
    assert len(cursor) == 22
    assert cursor.replace("-", "").replace("_", "").isalnum()
