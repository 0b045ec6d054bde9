"""Watching a store in a terminal or a pipe: its events, lines and frames."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from uniqc_mcp.cli.columns import shorten_middle
from uniqc_mcp.cli.watch.events import Event
from uniqc_mcp.cli.watch.feed import EventFeed
from uniqc_mcp.cli.watch.finished_tasks import FinishedTask, FinishedTasks
from uniqc_mcp.cli.watch.lines import POLLING_NOTE, json_line, plain_lines
from uniqc_mcp.cli.watch.loop import Lines, follow
from uniqc_mcp.cli.watch.view import Scene, frame_lines
from uniqc_store import Group, StoreState, StoreStatus, TaskState, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.server.conftest import Cache

NOW = datetime(2026, 11, 24, 12, 41, 7, tzinfo=UTC)
PATH = Path("/somewhere/tasks.sqlite")
STATUS = StoreStatus(
    store=StoreState(path=PATH, exists=True, schema_version=5), total=12, read_at=NOW
)
DEADLINE_SECONDS = 120
HOSTILE = "\x1b[2J\x1b]0;title\x07name\r\n\u202e\x9b31m[red]"


def feed_of(cache: Cache, *, backend: str = "") -> EventFeed:
    store = TaskStore(cache.directory, read_only=True, busy_timeout=0.1)
    return EventFeed(store, backend=backend, clock=lambda: NOW)


def next_events(feed: EventFeed) -> list[Event]:
    """Wait for the next events and return them."""
    deadline = monotonic() + DEADLINE_SECONDS
    while not (events := feed.events()):
        assert monotonic() < deadline, "no event came"
        sleep(0.01)
    return events


def events_of_next_refresh(feed: EventFeed) -> list[Event]:
    """Wait until the feed has read the file again, and return the events of that."""
    deadline, before = monotonic() + DEADLINE_SECONDS, feed.store_status
    events = feed.events()
    while feed.store_status is before:
        assert monotonic() < deadline, "the file was not read again"
        sleep(0.01)
        events = feed.events()
    return events


def kinds(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.task.task_id if event.task else "") for event in events]


def task(number: int = 1, **changes: Any) -> TaskState:
    fields: dict[str, Any] = {
        "task_id": f"uqt_{number:032x}",
        "backend": "originq:WK_C180",
        "name": f"vqe step {number}",
        "status": "running",
        "active": True,
        "submit_time": (NOW - timedelta(minutes=4)).isoformat(),
        "update_time": (NOW - timedelta(seconds=12)).isoformat(),
        **changes,
    }
    return TaskState(**fields)


def event(kind: str, **changes: Any) -> Event:
    fields: dict[str, Any] = {"kind": kind, "at": NOW, "store_status": STATUS, **changes}
    return Event(**fields)


def scene(**changes: Any) -> Scene:
    fields: dict[str, Any] = {"path": PATH, "store_status": STATUS, **changes}
    return Scene(**fields)


def finished_task(number: int, end_state: str = "success") -> FinishedTask:
    return FinishedTask(
        task=task(number, status="success", active=False),
        at=NOW - timedelta(seconds=7),
        end_state=end_state,
    )


def frame_text(content: Scene, width: int = 100, height: int = 24, *, final: bool = False) -> str:
    lines = frame_lines(content, width=width, height=height, now=NOW, final=final)
    return "\n".join(line.plain.rstrip() for line in lines)


# Events


def test_the_first_event_lists_the_active_tasks_newest_first(cache: Cache) -> None:
    cache.write(
        {"status": "running", "submit_time": "2026-11-03T11:00:00+00:00"},
        {"status": "success"},
        {"status": "QUEUED", "submit_time": "2026-11-03T12:00:00+00:00"},
    )
    feed = feed_of(cache)
    (started,) = next_events(feed)
    assert started.kind == "started"
    assert [state.task_id for state in started.active] == ["task-000003", "task-000001"]
    assert started.store_status.total == 3
    assert feed.events() == []


def test_a_new_a_changed_and_a_removed_task_are_one_event_each(cache: Cache) -> None:
    cache.write({"status": "running"}, {"status": "running"}, {"status": "success"})
    feed = feed_of(cache)
    next_events(feed)
    cache.change("UPDATE tasks SET status = 'failed' WHERE task_id = 'task-000001'")
    (changed,) = next_events(feed)
    assert kinds([changed]) == [("changed", "task-000001")]
    assert changed.task is not None
    assert (changed.before, changed.task.status) == ("running", "failed")
    assert list(feed.active) == ["task-000002"]

    cache.change(
        "INSERT INTO tasks (task_id, backend, status, submit_time, update_time) "
        "VALUES ('late', 'dummy', 'pending', '2026-11-03', '2026-11-03')"
    )
    assert kinds(next_events(feed)) == [("new", "late")]
    cache.change("DELETE FROM tasks WHERE task_id = 'task-000002'")
    assert kinds(next_events(feed)) == [("gone", "task-000002")]
    assert list(feed.active) == ["late"]


def test_an_archived_task_is_reported_as_archived(cache: Cache) -> None:
    cache.write({"status": "success"}, version=5)
    feed = feed_of(cache)
    next_events(feed)
    cache.change(
        "INSERT INTO archived_tasks (task_id, backend, status, submit_time, update_time, "
        "archived_at) SELECT task_id, backend, status, submit_time, update_time, '2026-11-03' "
        "FROM tasks"
    )
    cache.change("DELETE FROM tasks")
    (gone,) = next_events(feed)
    assert (gone.kind, gone.archived) == ("gone", True)
    assert "task-000001 archived; it was success on originq:WK_C180" in plain_lines(gone, PATH)[0]


def test_a_missing_file_is_waited_for(cache: Cache) -> None:
    feed = feed_of(cache)
    (started,) = next_events(feed)
    assert "There is no task cache at" in "\n".join(plain_lines(started, cache.path))
    assert json.loads(json_line(started, cache.path))["store"]["exists"] is False
    assert not feed.is_idle()
    cache.write({"status": "running"})
    events = next_events(feed)
    while not feed.active:
        events += next_events(feed)
    assert {kind for kind, _ in kinds(events)} == {"store", "new"}
    assert ("new", "task-000001") in kinds(events)
    assert events[0].store_status.store is not None
    assert events[0].store_status.store.exists


def test_a_foreign_file_is_reported_once_until_it_is_replaced(cache: Cache) -> None:
    cache.path.write_text("no database, but some kilobytes of something else " * 40)
    feed = feed_of(cache)
    (trouble,) = next_events(feed)
    assert trouble.kind == "trouble"
    assert "is not an SQLite database" in trouble.problem
    cache.path.write_text("no database, and something else than before " * 50)
    assert events_of_next_refresh(feed) == []
    assert not feed.is_idle()
    cache.path.unlink()
    cache.write({"status": "running"})
    (started,) = next_events(feed)
    assert (started.kind, len(started.active)) == ("started", 1)


def test_the_end_of_trouble_is_a_store_event(cache: Cache) -> None:
    cache.write({"status": "running"})
    feed = feed_of(cache)
    next_events(feed)
    held = cache.path.with_suffix(".held")
    cache.path.rename(held)
    cache.path.write_text("something else " * 100)
    assert kinds(next_events(feed)) == [("trouble", "")]
    assert list(feed.active) == ["task-000001"]
    held.rename(cache.path)
    assert kinds(next_events(feed))[0] == ("store", "")


def test_a_backend_limits_the_events_to_its_tasks(cache: Cache) -> None:
    cache.write({"status": "running"}, {"status": "running", "backend": "ibm:ibm_fez"})
    feed = feed_of(cache, backend="ibm")
    (started,) = next_events(feed)
    assert [state.task_id for state in started.active] == ["task-000002"]
    cache.change("UPDATE tasks SET status = 'success'")
    assert kinds(next_events(feed)) == [("changed", "task-000002")]
    assert feed.is_idle()


@pytest.mark.parametrize(
    ("backend", "expected_ids"),
    [
        ("ibm", {"task-000001", "task-000002"}),
        ("ibm:ibm_fez", {"task-000001"}),
        ("ibm:ibm", set[str]()),
        ("ibmq", {"task-000003"}),
    ],
)
def test_a_backend_with_the_same_prefix_is_a_different_one(
    cache: Cache, backend: str, expected_ids: set[str]
) -> None:
    backends = ("ibm:ibm_fez", "ibm", "ibmq:ibm_fez")
    cache.write(*({"status": "running", "backend": label} for label in backends))
    feed = feed_of(cache, backend=backend)
    (started,) = next_events(feed)
    assert {state.task_id for state in started.active} == expected_ids
    cache.change("UPDATE tasks SET status = 'pending'")
    changed = next_events(feed) if expected_ids else feed.events()
    assert {task_id for _, task_id in kinds(changed)} == expected_ids
    cache.change("DELETE FROM tasks")
    gone = next_events(feed) if expected_ids else feed.events()
    assert {task_id for kind, task_id in kinds(gone) if kind == "gone"} == expected_ids


def test_the_feed_is_idle_once_a_file_was_read_and_no_task_is_active(cache: Cache) -> None:
    cache.write({"status": "running"})
    feed = feed_of(cache)
    assert not feed.is_idle()
    next_events(feed)
    assert not feed.is_idle()
    cache.change("UPDATE tasks SET status = 'success'")
    next_events(feed)
    assert feed.is_idle()
    cache.path.unlink()
    next_events(feed)
    assert feed.is_idle()


# Lines


def test_each_json_line_has_the_documented_fields() -> None:
    started = json.loads(json_line(event("started", active=(task(),)), PATH))
    assert set(started) == {"event", "at", "store", "tasks", "notes"}
    assert started["store"] == {
        "location": str(PATH),
        "exists": True,
        "schema_version": 5,
        "total": 12,
    }
    assert f"{POLLING_NOTE}." in started["notes"]
    changed = json.loads(json_line(event("changed", task=task(), before="pending"), PATH))
    assert changed == {
        "event": "changed",
        "at": "2026-11-24T12:41:07Z",
        "task": {
            "task_id": f"uqt_{1:032x}",
            "name": "vqe step 1",
            "backend": "originq:WK_C180",
            "status": "running",
            "before": "pending",
            "submitted_at": "2026-11-24T12:37:07Z",
            "updated_at": "2026-11-24T12:40:55Z",
            "active": True,
            "archived": False,
            "error": "",
            "note": "",
            "shots": None,
            "seconds": 240,
        },
    }
    assert set(json.loads(json_line(event("store"), PATH))) == {"event", "at", "store"}
    trouble = json.loads(json_line(event("trouble", problem="It is locked."), PATH))
    assert trouble == {"event": "trouble", "at": "2026-11-24T12:41:07Z", "message": "It is locked."}


@pytest.mark.parametrize(
    ("reported", "line"),
    [
        (event("new", task=task()), 'new      uqt_{} "vqe step 1" running on originq:WK_C180'),
        (
            event("changed", task=task(status="failed", active=False), before="running"),
            (
                'changed  uqt_{} "vqe step 1" running -> failed on originq:WK_C180, 4 min after it '
                "was submitted"
            ),
        ),
        (
            event("gone", task=task(name="")),
            "gone     uqt_{} removed; it was running on originq:WK_C180",
        ),
        (
            event("store", others=-9),
            (
                "store    /somewhere/tasks.sqlite holds 12 tasks, schema 5. Apart from these, "
                "there are 9 fewer than before."
            ),
        ),
        (event("trouble", problem="It is\nlocked."), "trouble  It is locked."),
    ],
)
def test_an_event_is_one_plain_line_that_begins_with_the_time(reported: Event, line: str) -> None:
    assert plain_lines(reported, PATH) == [f"2026-11-24T12:41:07Z {line.format(f'{1:032x}')}"]


def test_an_update_without_a_new_status_is_reported_in_json_only() -> None:
    update = event("changed", task=task(), before="running")
    assert plain_lines(update, PATH) == []
    assert json.loads(json_line(update, PATH))["task"]["before"] == "running"


def strings(value: object) -> Iterator[str]:
    """Yield every string in a JSON value, keys included."""
    match value:
        case str():
            yield value
        case dict():
            for item in cast("dict[str, object]", value).items():
                yield from strings(item)
        case list():
            for element in cast("list[object]", value):
                yield from strings(element)
        case _:
            pass


def test_no_control_character_of_a_record_reaches_a_line_or_a_frame() -> None:
    hostile = task(
        name=HOSTILE, status=HOSTILE, backend=HOSTILE, task_id=HOSTILE, submit_time=HOSTILE
    )
    events = [
        event("started", active=(hostile,)),
        event("changed", task=hostile, before=HOSTILE + "x"),
        event("gone", task=hostile),
    ]
    texts = [line for one in events for line in plain_lines(one, PATH)]
    texts += [text for one in events for text in strings(json.loads(json_line(one, PATH)))]
    content = scene(
        active=[hostile],
        by_status={HOSTILE: 1},
        finished=[FinishedTask(task=hostile, at=NOW, end_state=HOSTILE)],
        finished_total=1,
    )
    texts += frame_text(content, width=200).splitlines()
    for text in texts:
        assert not {c for c in text if unicodedata.category(c) in ("Cc", "Cf")}, text


def started_lines(*active: TaskState, **changes: Any) -> list[str]:
    """Return the lines of a started event, without their times."""
    lines = plain_lines(event("started", active=active, **changes), PATH)
    assert all(line.startswith("2026-11-24T12:41:07Z ") for line in lines)
    return [line.partition(" ")[2] for line in lines]


def test_the_first_lines_describe_the_file_the_active_tasks_and_the_polling() -> None:
    holds = "/somewhere/tasks.sqlite holds 12 tasks, schema 5."
    polling = f"note     {POLLING_NOTE}."
    assert started_lines() == [f"started  0 tasks are active. {holds}", polling]
    assert started_lines(
        task(name="", update_time="soon"), task(2, task_id="a b", submit_time="")
    ) == [
        f"started  2 tasks are active. {holds}",
        f"active   uqt_{1:032x} running on originq:WK_C180, 4 min old",
        'active   "a b" "vqe step 2" running on originq:WK_C180, heard of 12 s ago',
        polling,
    ]
    assert started_lines(task(status="", backend='say "hi"')) == [
        f"started  1 task is active. {holds}",
        (f'active   uqt_{1:032x} "vqe step 1" "" on "say \\"hi\\"", 4 min old, heard of 12 s ago'),
        polling,
    ]


@pytest.mark.parametrize(
    ("count", "more"),
    [(20, []), (21, ["active   and 1 more"]), (1_300, ["active   and 1,280 more"])],
)
def test_at_most_twenty_active_tasks_are_named_and_the_others_counted(
    count: int, more: list[str]
) -> None:
    lines = started_lines(*map(task, range(count)))
    assert lines[0].startswith(f"started  {count:,} tasks are active.")
    assert lines[21:] == [*more, f"note     {POLLING_NOTE}."]
    named = [re.search(r'"vqe step (\d+)"', line) for line in lines[1:21]]
    assert [match and int(match[1]) for match in named] == list(range(20))


def test_a_newer_schema_and_a_missing_file_are_noted_in_a_line_each() -> None:
    newer = replace(STATUS, store=StoreState(path=PATH, exists=True, schema_version=6))
    note = "Schema 6 is newer than this server knows (5); what it does not know is not shown."
    assert started_lines(store_status=newer)[1] == f"note     {note}"
    missing = replace(STATUS, store=StoreState(path=PATH, exists=False, schema_version=0))
    assert started_lines(store_status=missing)[:2] == [
        f"started  Watching {PATH}.",
        f"note     There is no task cache at {PATH} yet; waiting for uniqc to make one.",
    ]
    (line,) = plain_lines(event("store", store_status=missing), PATH)
    assert line.endswith(f" There is no file at {PATH} any more; waiting for uniqc to make one.")


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (0, ""),
        (1, " Apart from these, there are 1 more than before."),
        (1_234, " Apart from these, there are 1,234 more than before."),
        (-1, " Apart from these, there are 1 fewer than before."),
    ],
)
def test_the_change_in_the_number_of_other_tasks_is_reported(others: int, sentence: str) -> None:
    (line,) = plain_lines(event("store", others=others), PATH)
    assert line.endswith(f" store    {PATH} holds 12 tasks, schema 5.{sentence}")


def test_lines_without_json_are_plain() -> None:
    output = io.StringIO()
    lines = Lines(output, PATH, as_json=False, pause=lambda _: None)
    lines.render([event("new", task=task()), event("changed", task=task(), before="running")])
    assert output.getvalue() == f"{plain_lines(event('new', task=task()), PATH)[0]}\n"


def test_long_texts_of_a_record_are_cut() -> None:
    texts: dict[str, Any] = dict.fromkeys(("task_id", "name", "backend", "status"), "x" * 999)
    written = json.loads(json_line(event("changed", task=task(**texts), before="s" * 999), PATH))
    longest = {"task_id": 256, "name": 120, "backend": 120, "status": 60, "before": 60}
    assert {name: len(written["task"][name]) for name in longest} == longest


def test_lines_are_flushed_when_they_are_rendered() -> None:
    class RecordingStream(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    output = RecordingStream()
    lines = Lines(output, PATH, as_json=True, pause=lambda _: None)
    lines.render([event("new", task=task()), event("gone", task=task())])
    assert [json.loads(line)["event"] for line in output.flushed.splitlines()] == ["new", "gone"]


# The table


def test_a_frame_shows_the_cache_the_active_tasks_and_the_ended_tasks() -> None:
    groups = (Group(status="success", count=9_804), Group(status="running", count=7))
    text = frame_text(
        scene(
            active=[task(2), task(1)],
            by_status={"running": 2},
            groups=groups,
            finished=[finished_task(3), finished_task(4, "removed")],
            finished_total=2,
        )
    )
    lines = text.splitlines()
    assert lines[0].startswith("uniqc tasks in /somewhere/tasks.sqlite")
    assert "unchanged since" in lines[0]
    assert lines[1] == "2 running · 9,804 success"
    assert " ".join(lines[3].split()) == "2 active name status backend submitted heard of"
    row = f"{task(2).task_id[:6]}… vqe step 2 running originq:WK_C180 4 min ago 12 s ago"
    assert " ".join(lines[4].split())[-len(row) + 7 :] == row[7:]
    assert "2 ended" in lines[7]
    assert lines[8].split()[4:5] == ["success"]
    assert lines[8].endswith("7 s ago")
    assert " removed " in lines[9]
    assert len(lines) == 24
    assert lines[-1].startswith(POLLING_NOTE)


@pytest.mark.usefixtures("in_shanghai")
def test_a_frame_shows_local_time_and_a_line_shows_utc() -> None:
    assert "read 20:41:07, unchanged since" in frame_text(scene(active=[task()]))
    assert plain_lines(event("new", task=task()), PATH)[0].startswith("2026-11-24T12:41:07Z ")


def test_ages_grow_with_the_clock() -> None:
    content = scene(active=[task()])
    texts = [
        frame_lines(content, width=100, height=24, now=NOW + timedelta(seconds=later))[3].plain
        for later in (0, 1)
    ]
    assert [text.rstrip()[-8:] for text in texts] == ["12 s ago", "13 s ago"]


def test_a_long_id_is_shortened_in_its_middle_on_a_narrow_terminal() -> None:
    whole = task().task_id
    assert whole in frame_text(scene(active=[task()]), width=160)
    (short,) = [
        word for word in frame_text(scene(active=[task()]), width=80).split() if "…" in word
    ]
    head, tail = short.split("…")
    assert whole.startswith(head)
    assert whole.endswith(tail)
    assert len(head) >= 6
    assert shorten_middle("short", 11) == "short      "


@pytest.mark.parametrize(
    ("text", "width", "cells"),
    [
        ("short", 11, "short      "),
        ("uqt_0123456789abcdef", 20, "uqt_0123456789abcdef"),
        ("uqt_0123456789abcdef", 19, "uqt_01234567…abcdef"),
        ("uqt_0123456789abcdef", 11, "uqt_012…def"),
        ("uqt_0123456789abcdef", 4, "uq…f"),
        ("uqt_0123456789abcdef", 3, "uq…"),
        ("uqt_0123456789abcdef", 1, "…"),
        ("uqt_0123456789abcdef", 0, ""),
        ("量子任务一二三", 6, "量子 …"),
        ("量子任务一二三", 7, "量子任…"),
        ("量子", 6, "量子  "),
    ],
)
def test_an_id_is_shortened_to_an_exact_number_of_cells(text: str, width: int, cells: str) -> None:
    assert shorten_middle(text, width).rstrip() == cells.rstrip()
    assert cell_len(shorten_middle(text, width)) == width


def test_tasks_that_do_not_fit_are_counted() -> None:
    many = scene(active=[task(number) for number in range(300)], finished=[finished_task(1)] * 10)
    text = frame_text(many, height=24)
    assert text.count(" success ") == 5
    assert text.count(" running ") == 11
    assert "and 289 more" in text


@pytest.mark.parametrize("final", [False, True])
@given(
    size=st.tuples(st.integers(1, 200), st.integers(1, 60)),
    active=st.integers(0, 70),
    gone=st.integers(0, 10),
    name=st.text(max_size=80),
    problem=st.sampled_from(["", "It is locked by another process. " * 9]),
)
def test_a_frame_is_never_wider_or_higher_than_the_terminal(
    size: tuple[int, int], active: int, gone: int, name: str, *, problem: str, final: bool
) -> None:
    width, height = size
    content = scene(
        active=[task(number, name=name) for number in range(active)],
        by_status={"running": active, name: 3},
        finished=[finished_task(number) for number in range(gone)],
        problem=problem,
    )
    lines = frame_lines(content, width=width, height=height, now=NOW, final=final)
    assert len(lines) <= height
    assert all(line.cell_len <= width for line in lines)
    assert not any("\n" in line.plain for line in lines)


def test_statuses_are_coloured_unless_colours_are_disabled() -> None:
    content = scene(active=[task()], finished=[finished_task(2)], finished_total=1)
    lines = frame_lines(content, width=100, height=24, now=NOW)

    def drawn(**options: Any) -> str:
        file = io.StringIO()
        console = Console(file=file, width=100, force_terminal=True, **options)
        console.print(Text("\n").join(lines))
        return file.getvalue()

    assert "\x1b[36mrunning" in drawn(color_system="standard")
    plain = drawn(color_system="standard", no_color=True)
    assert not any(f"\x1b[{colour}m" in plain for colour in range(30, 48))
    assert "running" in plain


def test_a_frame_reports_a_missing_file_a_slow_read_and_trouble() -> None:
    missing = StoreStatus(store=StoreState(path=PATH, exists=False, schema_version=0), read_at=NOW)
    assert "There is no task cache at /somewhere/tasks.sqlite yet" in frame_text(
        scene(store_status=missing)
    )
    assert "Reading…" in frame_text(scene(store_status=StoreStatus()))
    text = frame_text(scene(problem="It is locked.", active=[task()]))
    assert "Trouble: It is locked. Trying again." in text
    assert "vqe step 1" in text
    assert "unchanged since" not in text


@pytest.mark.parametrize(
    ("width", "totals"),
    [
        (41, "2 running · 1 QUEUED · 9,804 success · 3 failed"[:36]),
        (47, "2 running · 1 QUEUED · 9,804 success · 3 failed"),
        (46, "2 running · 1 QUEUED · 9,804 success"),
        (36, "2 running · 1 QUEUED · 9,804 success"),
        (35, "2 running · 1 QUEUED"),
        (12, "2 running"),
    ],
)
def test_the_totals_line_has_as_many_statuses_as_fit(width: int, totals: str) -> None:
    groups = (
        Group(status="failed", count=3),
        Group(status="success", count=9_804),
        Group(status="running", count=2),
    )
    content = scene(by_status={"QUEUED": 1, "running": 2}, groups=groups)
    assert frame_text(content, width=width).splitlines()[1] == totals


@pytest.mark.parametrize(
    ("height", "tasks", "named", "more"),
    [
        (24, (3, 0), (3, 0), []),
        (24, (30, 0), (18, 0), ["and 12 more"]),
        (24, (3, 10), (3, 10), []),
        (24, (30, 10), (11, 5), ["and 19 more"]),
        (16, (5, 10), (5, 4), []),
        (12, (5, 10), (3, 1), ["and 2 more"]),
        (9, (5, 10), (3, 0), ["and 2 more"]),
        (8, (5, 10), (5, 0), []),
    ],
)
def test_ended_tasks_get_a_third_of_the_height_and_the_unused_rows(
    height: int, tasks: tuple[int, int], named: tuple[int, int], more: list[str]
) -> None:
    active, gone = tasks
    content = scene(
        active=[task(number) for number in range(active)],
        finished=[finished_task(number) for number in range(gone)],
        finished_total=gone,
    )
    text = frame_text(content, height=height)
    assert (text.count(" running "), text.count(" success ")) == named
    assert [line for line in text.splitlines() if line.endswith(" more")] == more


def test_the_first_line_names_the_store_and_the_last_the_key_that_quits() -> None:
    content = scene(active=[task()], backend="ibm")
    lines = frame_text(content, width=120).splitlines()
    assert lines[0].startswith("uniqc tasks on ibm in /somewhere/tasks.sqlite  ")
    assert lines[0].endswith(", unchanged since")
    assert len(lines[0]) == 120
    assert (len(lines), len(lines[-1])) == (24, 120)
    assert lines[-1].startswith(f"{POLLING_NOTE}  ")
    assert lines[-1].endswith(" q ends")
    narrow = frame_text(content, width=55).splitlines()
    assert narrow[0].startswith("uniqc tasks on ibm in /somewhere")
    assert re.search(r"…  read \d\d:\d\d:\d\d$", narrow[0])
    assert " ".join(narrow[-2:]) == POLLING_NOTE
    assert frame_text(content, width=20).splitlines()[0] == "uniqc tasks on ibm …"


def test_the_final_frame_ends_with_its_last_task() -> None:
    text = frame_text(scene(active=[task()]), final=True)
    assert text.splitlines()[-1].startswith("uqt_")


def test_a_task_ends_once_until_it_is_active_again() -> None:
    ending = FinishedTasks()
    done = task(status="success", active=False)
    ending.add(event("changed", task=done, before="running"))
    ending.add(event("changed", task=replace(done, update_time="later"), before="success"))
    assert [one.end_state for one in ending] == ["success"]
    ending.add(event("gone", task=done, archived=True))
    assert ([one.end_state for one in ending], ending.total) == (["archived"], 1)
    ending.add(event("new", task=task()))
    assert (list(ending), ending.total) == ([], 0)


def test_only_a_new_status_moves_the_end_of_an_ended_task() -> None:
    ending = FinishedTasks()
    done = task(status="success", active=False)
    ending.add(event("changed", task=done, before="running"))
    later = NOW + timedelta(minutes=1)
    ending.add(event("changed", task=done, before="success", at=later))
    ending.add(event("store", at=later))
    ending.add(event("trouble", at=later, problem="It is locked."))
    assert [(one.at, one.end_state) for one in ending] == [(NOW, "success")]
    ending.add(event("changed", task=replace(done, status="failed"), before="success", at=later))
    assert [(one.at, one.end_state) for one in ending] == [(later, "failed")]
    assert ending.total == 1


def test_the_last_hundred_ended_tasks_are_kept_and_all_are_counted() -> None:
    ending = FinishedTasks()
    for number in range(105):
        done = task(number, status="success", active=False)
        ending.add(event("changed", task=done, before="running"))
    ids = [one.task.task_id for one in ending]
    assert ids == [task(number).task_id for number in range(104, 4, -1)]
    assert ending.total == 105


def test_a_task_first_seen_as_finished_ended_at_its_update_time() -> None:
    ending = FinishedTasks()
    ending.add(event("new", task=task(status="success", active=False)))
    assert [one.at for one in ending] == [NOW - timedelta(seconds=12)]


# The end of a watch


class Renderer:
    """A renderer that keeps the events. Its pauses move its clock."""

    def __init__(self, at_pause: Callable[[], None] = lambda: None) -> None:
        self.at_pause = at_pause
        self.events: list[Event] = []
        self.paused: list[float] = []
        self.now = 0.0

    def render(self, events: Sequence[Event]) -> None:
        self.events += events

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.now += seconds
        self.at_pause()


def test_a_watch_ends_exactly_at_its_timeout(cache: Cache) -> None:
    cache.write({"status": "running"})
    renderer = Renderer()
    outcome = follow(
        feed_of(cache), renderer, until_idle=True, timeout=1.1, monotonic=lambda: renderer.now
    )
    assert outcome == "timed out"
    assert renderer.paused == pytest.approx([0.25, 0.25, 0.25, 0.25, 0.1])
    assert [one.kind for one in renderer.events] == ["started"]


def test_a_watch_until_idle_ends_when_no_task_is_active(cache: Cache) -> None:
    cache.write({"status": "running"})
    statements = iter(["UPDATE tasks SET status = 'success'"])

    def finish() -> None:
        for statement in statements:
            cache.change(statement)
        sleep(0.01)

    renderer = Renderer(finish)
    assert follow(feed_of(cache), renderer, until_idle=True, timeout=None) == "idle"
    assert [one.kind for one in renderer.events] == ["started", "changed"]
