"""A watch reports the same changes of a small store as two full reads."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.conftest import connect

from uniqc_store import TERMINAL_STATUSES, TaskInfo, TaskState, TaskStore, TaskWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uniqc_store import Changes

NEWEST = 2

Full = dict[str, TaskState]
"""All tasks, newest first."""


def read_all(directory: Path) -> Full:
    """Return all tasks by a plain query, without the store."""
    if not any(directory.glob("*.sqlite")):
        return {}
    with closing(connect(directory)) as connection:
        found = connection.execute(
            "SELECT task_id, backend, metadata_json, status, submit_time, update_time "
            "FROM tasks ORDER BY submit_time DESC, rowid DESC"
        ).fetchall()
    return {
        task_id: TaskState(
            task_id=task_id,
            backend=backend,
            name=json.loads(metadata_json).get("task_name", ""),
            status=status,
            active=status not in TERMINAL_STATUSES,
            submit_time=submit_time,
            update_time=update_time,
        )
        for task_id, backend, metadata_json, status, submit_time, update_time in found
    }


@dataclass(frozen=True)
class Refresh:
    """The state at a refresh.

    Attributes:
        full: All tasks.
        tracked: The tasks that the watch had to track.
        removed: The tasks that were removed since the previous refresh.
    """

    cursor: str
    full: Full
    tracked: frozenset[str]
    removed: frozenset[str]


@dataclass
class History:
    """A store that changes, and a watch that is refreshed now and then."""

    directory: Path
    refreshes: list[Refresh] = field(default_factory=list[Refresh])
    removed: set[str] = field(default_factory=set[str])
    reported: set[str] = field(default_factory=set[str])
    tracking: dict[str, ExitStack] = field(default_factory=dict[str, ExitStack])

    def __post_init__(self) -> None:
        self.store = TaskStore(self.directory)
        self.watch = TaskWatch(self.store, newest=NEWEST)
        self.full = read_all(self.directory)
        self.record(self.watch.since())

    def perform(self, action: Callable[[History], object]) -> None:
        before = self.full.keys()
        action(self)
        self.full = read_all(self.directory)
        self.removed |= before - self.full.keys()

    def record(self, changes: Changes) -> None:
        self.reported |= changes.task_ids
        tracked = {
            task_id
            for place, (task_id, state) in enumerate(self.full.items())
            if state.active
            or place < NEWEST
            or task_id in self.tracking
            or task_id in self.reported
        }
        self.refreshes.append(
            Refresh(changes.cursor, self.full, frozenset(tracked), frozenset(self.removed))
        )
        self.removed.clear()

    # Actions

    def save(self, task_id: str, status: str, hour: int, name: str) -> None:
        self.store.save(
            TaskInfo(
                task_id,
                "dummy",
                status=status,
                submit_time=f"2026-08-01T{hour:02}:00:00+00:00",
                metadata={"task_name": name},
            )
        )

    def unlink(self) -> None:
        for file in self.directory.iterdir():
            file.unlink()

    def track(self, task_id: str) -> None:
        stack = self.tracking.setdefault(task_id, ExitStack())
        stack.enter_context(self.watch.tracking([task_id]))

    def stop_tracking(self, task_id: str) -> None:
        self.tracking.pop(task_id, ExitStack()).close()

    def refresh(self) -> None:
        self.watch.refresh()
        last = self.refreshes[-1]
        changes = self.watch.since(last.cursor)
        check_one_refresh(changes, last, self.full, self.removed)
        self.record(changes)


def check_one_refresh(changes: Changes, last: Refresh, now: Full, removed: set[str]) -> None:
    """Check the changes between two refreshes.

    Those of tracked tasks are complete and exact. Those of other tasks are true.
    """
    then = last.full
    assert {one.last.task_id: one.before for one in changes.gone} == {
        task_id: then[task_id] for task_id in last.tracked if task_id not in now
    }
    assert all(one.last == one.before for one in changes.gone)
    assert {
        one.after.task_id: (one.before, one.after) for one in changes.changed if one.before
    } == {
        task_id: (then[task_id], now[task_id])
        for task_id in last.tracked
        if task_id in now and then[task_id] != now[task_id]
    }
    unknown_before = [one.after for one in changes.changed if one.before is None]
    for state in unknown_before:
        assert state == now[state.task_id]
        assert state.active
        assert state.task_id not in last.tracked
    for state in changes.new:
        assert state == now[state.task_id]
        assert state.task_id not in last.tracked
        assert state.task_id not in then or state.task_id in removed
    reported = {state.task_id for state in (*changes.new, *unknown_before)}
    assert must_be_reported(last, now) <= reported
    assert len(changes.new) - len(changes.gone) + changes.untracked_delta == len(now) - len(then)
    assert changes.store_status.total == len(now)


def must_be_reported(last: Refresh, now: Full) -> set[str]:
    """Return the added tasks that are active, or newer than the newest ones before."""
    added = now.keys() - last.full.keys()
    oldest = list(last.full.values())[NEWEST - 1].submit_time if len(last.full) >= NEWEST else ""
    newest = {state.task_id for state in list(now.values())[:NEWEST] if state.submit_time > oldest}
    return {task_id for task_id in added if now[task_id].active or task_id in newest}


def check_since(changes: Changes, refreshes: list[Refresh]) -> None:
    """Check the changes since an old cursor against the states then, now and in between."""
    then, now = refreshes[0], refreshes[-1].full
    removed = {task_id for refresh in refreshes[1:] for task_id in refresh.removed}
    states = {state for refresh in refreshes for state in refresh.full.values()}
    for new in changes.new:
        assert new == now[new.task_id]
        assert new.task_id not in then.full or new.task_id in removed
    for change in changes.changed:
        assert change.after == now[change.after.task_id]
        assert change.before is None or change.before in states
    for gone in changes.gone:
        assert gone.last.task_id not in now
        assert gone.last in states
    for task_id, state in then.full.items():
        if state.active:
            check_active(changes, state, now.get(task_id))
    difference = len(changes.new) - len(changes.gone) + changes.untracked_delta
    assert difference == len(now) - len(then.full)


def check_active(changes: Changes, then: TaskState, now: TaskState | None) -> None:
    """Check that every later change of a task that was active is reported."""
    task_id = then.task_id
    gone = [one.before for one in changes.gone if one.last.task_id == task_id]
    changed = [(one.before, one.after) for one in changes.changed if one.after.task_id == task_id]
    assert gone == ([then] if now is None else [])
    assert changed == ([(then, now)] if now is not None and now != then else [])
    assert task_id not in {new.task_id for new in changes.new}


task_ids = st.sampled_from("abcdefgh")
statuses = st.sampled_from(["pending", "running", "QUEUED", "success", "success", "failed"])


def save(task_id: str, status: str, hour: int, name: str) -> Callable[[History], None]:
    return lambda history: history.save(task_id, status, hour, name)


def on_task(do: Callable[[History, str], object]) -> Callable[[str], Callable[[History], object]]:
    return lambda task_id: lambda history: do(history, task_id)


saves = st.builds(save, task_ids, statuses, st.integers(0, 5), st.sampled_from(["", "vqe"]))
deletes = task_ids.map(on_task(lambda history, task_id: history.store.delete(task_id)))
tracks = task_ids.map(on_task(History.track)) | task_ids.map(on_task(History.stop_tracking))
rare_actions: st.SearchStrategy[Callable[[History], object]] = st.sampled_from(
    [
        lambda history: history.store.clear_completed(),
        lambda history: history.store.clear_all(),
        History.unlink,
    ]
)
refreshes: st.SearchStrategy[Callable[[History], object]] = st.just(History.refresh)
actions = st.lists(
    saves | saves | deletes | tracks | rare_actions | refreshes | refreshes, max_size=40
)


@settings(deadline=None, max_examples=150)
@given(actions=actions)
def test_a_watch_reports_the_same_changes_as_two_full_reads(
    actions: list[Callable[[History], object]], fresh_directory: Callable[[], Path]
) -> None:
    history = History(fresh_directory())
    for action in actions:
        history.perform(action)
    history.perform(History.refresh)
    for place, refresh in enumerate(history.refreshes):
        check_since(history.watch.since(refresh.cursor), history.refreshes[place:])
