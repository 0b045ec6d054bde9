"""Whatever happens to a small store, a watch tells what reading all of it twice would tell."""

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
"""Every task there is, newest first."""


def read_all(directory: Path) -> Full:
    """Naively, and past the store."""
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
class Look:
    """What there was, what of it had to be known, and what was removed since the look before."""

    cursor: str
    full: Full
    known: frozenset[str]
    removed: frozenset[str]


@dataclass
class History:
    """A store that things happen to, and a watch that looks now and then."""

    directory: Path
    looks: list[Look] = field(default_factory=list[Look])
    removed: set[str] = field(default_factory=set[str])
    told: set[str] = field(default_factory=set[str])
    waiting: dict[str, ExitStack] = field(default_factory=dict[str, ExitStack])

    def __post_init__(self) -> None:
        self.store = TaskStore(self.directory)
        self.watch = TaskWatch(self.store, newest=NEWEST)
        self.full = read_all(self.directory)
        self.take_down(self.watch.since())

    def do(self, act: Callable[[History], object]) -> None:
        before = self.full.keys()
        act(self)
        self.full = read_all(self.directory)
        self.removed |= before - self.full.keys()

    def take_down(self, changes: Changes) -> None:
        self.told |= changes.task_ids
        known = {
            task_id
            for place, (task_id, state) in enumerate(self.full.items())
            if state.active or place < NEWEST or task_id in self.waiting or task_id in self.told
        }
        look = Look(changes.cursor, self.full, frozenset(known), frozenset(self.removed))
        self.looks.append(look)
        self.removed.clear()

    # What may happen

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

    def wait_for(self, task_id: str) -> None:
        stack = self.waiting.setdefault(task_id, ExitStack())
        stack.enter_context(self.watch.tracking([task_id]))

    def wait_no_longer(self, task_id: str) -> None:
        self.waiting.pop(task_id, ExitStack()).close()

    def look(self) -> None:
        self.watch.refresh()
        last = self.looks[-1]
        changes = self.watch.since(last.cursor)
        check_one_step(changes, last, self.full, self.removed)
        self.take_down(changes)


def check_one_step(changes: Changes, last: Look, now: Full, removed: set[str]) -> None:
    """What was known is told of exactly; of what was not, no more than is true."""
    then = last.full
    assert {one.last.task_id: one.before for one in changes.gone} == {
        task_id: then[task_id] for task_id in last.known if task_id not in now
    }
    assert all(one.last == one.before for one in changes.gone)
    assert {
        one.after.task_id: (one.before, one.after) for one in changes.changed if one.before
    } == {
        task_id: (then[task_id], now[task_id])
        for task_id in last.known
        if task_id in now and then[task_id] != now[task_id]
    }
    unknown_before = [one.after for one in changes.changed if one.before is None]
    for state in unknown_before:
        assert state == now[state.task_id]
        assert state.active
        assert state.task_id not in last.known
    for state in changes.new:
        assert state == now[state.task_id]
        assert state.task_id not in last.known
        assert state.task_id not in then or state.task_id in removed
    named = {state.task_id for state in (*changes.new, *unknown_before)}
    assert must_be_named(last, now) <= named
    assert len(changes.new) - len(changes.gone) + changes.untracked_delta == len(now) - len(then)
    assert changes.store_status.total == len(now)


def must_be_named(last: Look, now: Full) -> set[str]:
    """The tasks that came and are active, or are among the newest and newer than those were."""
    came = now.keys() - last.full.keys()
    oldest = list(last.full.values())[NEWEST - 1].submit_time if len(last.full) >= NEWEST else ""
    newest = {state.task_id for state in list(now.values())[:NEWEST] if state.submit_time > oldest}
    return {task_id for task_id in came if now[task_id].active or task_id in newest}


def check_from(changes: Changes, looks: list[Look]) -> None:
    """What is told since an old cursor is true of now, and of how it was some time since then."""
    then, now = looks[0], looks[-1].full
    removed = {task_id for look in looks[1:] for task_id in look.removed}
    states = {state for look in looks for state in look.full.values()}
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
    """A task that was active is known from then on, whatever becomes of it."""
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
waits = task_ids.map(on_task(History.wait_for)) | task_ids.map(on_task(History.wait_no_longer))
rarities: st.SearchStrategy[Callable[[History], object]] = st.sampled_from(
    [
        lambda history: history.store.clear_completed(),
        lambda history: history.store.clear_all(),
        History.unlink,
    ]
)
looks: st.SearchStrategy[Callable[[History], object]] = st.just(History.look)
acts = st.lists(saves | saves | deletes | waits | rarities | looks | looks, max_size=40)


@settings(deadline=None, max_examples=150)
@given(acts=acts)
def test_a_watch_tells_what_reading_everything_twice_would(
    acts: list[Callable[[History], object]], fresh_directory: Callable[[], Path]
) -> None:
    history = History(fresh_directory())
    for act in acts:
        history.do(act)
    history.do(History.look)
    for place, look in enumerate(history.looks):
        check_from(history.watch.since(look.cursor), history.looks[place:])
