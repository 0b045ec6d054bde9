"""A frame of the live table: lines that fit the terminal.

They are laid out here because ``rich.table`` takes ten times as long: a hundredth of a core when
drawn each second.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from uniqc_mcp.cli.columns import Row, cut, status_style, table_lines
from uniqc_mcp.cli.watch.controls import SORTS
from uniqc_mcp.cli.watch.events import SanitizedTask
from uniqc_mcp.cli.watch.lines import POLLING_NOTE, store_notes
from uniqc_mcp.responses.times import duration, is_in_future, recorded_time, seconds_since
from uniqc_mcp.safety.display import tilde
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from uniqc_mcp.cli.watch.controls import Sort
    from uniqc_mcp.cli.watch.finished_tasks import FinishedTask
    from uniqc_store import Group, StoreStatus, TaskState

MAX_FINISHED_ROWS = 10
_KEYS = "? keys  q ends"
_GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The state of a watch, of which a frame shows as much as fits.

    Attributes:
        path: The file.
        store_status: The status of the store.
        problem: Why the file can't be read; empty if it can.
        backend: The label or platform that is watched; empty for all.
        by_status: Active tasks by status.
        groups: All tasks by status, as last counted.
        active: The active tasks that the filter leaves, in the order of `sort`.
        hidden: How many active tasks the filter hides.
        finished: The tasks that finished since the start and that the filter leaves, the latest
            first; the rest is cut off.
        finished_total: How many finished since the start.
        without_job: Ids of the active tasks that never reached a platform.
        sort: The order of the active tasks.
        filter_text: The text that the shown tasks contain.
        types_filter: Whether that text is being typed.
        chosen: The id of the chosen task, which is always in view; empty if none is.
    """

    path: Path
    store_status: StoreStatus
    problem: str = ""
    backend: str = ""
    by_status: Mapping[str, int] = field(default_factory=dict[str, int])
    groups: Sequence[Group] = ()
    active: Sequence[TaskState] = ()
    hidden: int = 0
    finished: Sequence[FinishedTask] = ()
    finished_total: int = 0
    without_job: frozenset[str] = frozenset()
    sort: Sort = "newest"
    filter_text: str = ""
    types_filter: bool = False
    chosen: str = ""


def frame_lines(
    scene: Scene, *, width: int, height: int, now: datetime, final: bool = False
) -> list[Text]:
    """Return the lines of a frame.

    Args:
        scene: The state to show.
        width: The maximum width of a line, in cells.
        height: The maximum number of lines.
        now: The time to which ages are given. Aware.
        final: True for the frame that stays on the terminal, which has no footer and does not
            fill the screen.
    """
    head, foot = list(_head(scene, width)), _foot(scene, width)
    if final or height < len(head) + len(foot) + 6:
        foot = []
    head = head[: max(1, height - 5)]
    room = height - len(head) - len(foot)
    body = _body(scene, width, room, now)
    filler = [Text()] * (room - len(body)) if foot else []
    return [*head, *body, *filler, *foot][:height]


def _body(scene: Scene, width: int, room: int, now: datetime) -> list[Text]:
    """Return a blank line, the active tasks, and those that finished."""
    if scene.store_status.store is None:
        return [Text(), cut("" if scene.problem else "Reading…", width, style="dim")]
    active_rows, finished_rows = _row_counts(room, len(scene.active), len(scene.finished))
    start = _first_row([state.task_id for state in scene.active], scene.chosen, active_rows)
    in_view = scene.active[start : start + active_rows]
    ended = scene.finished[:finished_rows]
    active = [_active_row(state, now, scene) for state in in_view]
    finished = [_finished_row(one, now) for one in ended]
    total = len(scene.active) + scene.hidden
    of_all = f" of {total:,}" if scene.hidden else ""
    sections = {
        f"{len(scene.active):,}{of_all} active": ("heard of", active),
        f"{scene.finished_total:,} ended": ("ended", finished),
    }
    lines = table_lines(sections, width)
    top, bottom = lines[: 1 + len(active)], lines[1 + len(active) :]
    tasks = [*in_view, *(one.task for one in ended)]
    for state, line in zip(tasks, [*top[1:], *bottom[1:]], strict=True):
        if state.task_id == scene.chosen:
            line.stylize("reverse")
    if told := _rest_of_active(scene, start, len(active)):
        top.append(cut(told, width, style="dim"))
    return [Text(), *top, *([Text(), *bottom] if finished else [])]


def _first_row(ids: Sequence[str], chosen: str, rows: int) -> int:
    """Return the place of the first task in view, with the chosen one in the middle."""
    if chosen not in ids:
        return 0
    return max(0, min(ids.index(chosen) - rows // 2, len(ids) - rows))


def _rest_of_active(scene: Scene, above: int, shown: int) -> str:
    """Return a line on the active tasks that are not in view; empty if all are."""
    if not scene.active:
        return "No active task matches the filter." if scene.hidden else "No task is active."
    below = len(scene.active) - above - shown
    if above:
        return f"{above:,} above, {below:,} below"
    return f"and {below:,} more" if below else ""


def _active_row(state: TaskState, now: datetime, scene: Scene) -> Row:
    task = SanitizedTask.of(state)
    return Row(
        task_id=task.task_id,
        name=task.name,
        status=task.status,
        style=status_style(state.status),
        backend=task.backend,
        submitted=_age(state.submit_time, now),
        last="no job" if state.task_id in scene.without_job else _age(state.update_time, now),
    )


def _finished_row(finished: FinishedTask, now: datetime) -> Row:
    task, end_state = SanitizedTask.of(finished.task), finished.end_state
    return Row(
        task_id=task.task_id,
        name=task.name,
        status=task.status if end_state == finished.task.status else end_state,
        style=status_style(end_state),
        backend=task.backend,
        submitted=_age(finished.task.submit_time, now),
        last=_ago(max(0, int((now - finished.at).total_seconds()))),
    )


def _row_counts(room: int, active: int, finished: int) -> tuple[int, int]:
    """Return how many active and how many finished tasks fit into `room` lines.

    Finished tasks get a third of the room, and what the active ones leave. Each kind takes a
    blank line and a heading. One line says how many active tasks are not shown, if any.
    """
    for_finished = max(room // 3 - 2, room - 4 - max(1, active))
    finished_rows = max(0, min(MAX_FINISHED_ROWS, finished, for_finished))
    active_room = room - 2 - (finished_rows + 2 if finished_rows else 0)
    return (active if active <= active_room else max(0, active_room - 1)), finished_rows


def _age(stored: str, now: datetime) -> str:
    in_future = is_in_future(recorded_time(stored), now)
    return "in future" if in_future else _ago(seconds_since(stored, now))


def _ago(seconds: int | None) -> str:
    return "" if seconds is None else f"{duration(seconds)} ago"


# Header and footer


def _head(scene: Scene, width: int) -> Iterator[Text]:
    yield _title(scene, width)
    if scene.problem:
        yield from _wrapped(f"Trouble: {scene.problem} Trying again.", width, style="bold red")
    if scene.store_status.store is not None:
        yield from _totals(scene, width)
        for note in store_notes(scene.store_status.store):
            yield from _wrapped(note, width, style="yellow")


def _title(scene: Scene, width: int) -> Text:
    """Return what is watched on the left, and the time of the last read on the right."""
    backend = f"on {Sanitizer().one_line('backend', scene.backend)} " if scene.backend else ""
    left = f"uniqc tasks {backend}in {tilde(scene.path)}"
    read_at = scene.store_status.read_at
    right = f"read {read_at.astimezone():%H:%M:%S}" if read_at else ""
    if right and not scene.problem and width >= len(left) + len(right) + 20:
        right += ", unchanged since"
    if not right or width < len(right) + 20:
        return cut(left, width, style="bold")
    title = cut(left, width - len(right) - _GAP, style="bold", pad=True)
    return Text.assemble(title, " " * _GAP, (right, "dim"))


def _totals(scene: Scene, width: int) -> Iterator[Text]:
    """Yield a line of as many statuses as fit: active ones first, the most frequent first."""
    finished = {
        group.status: group.count for group in scene.groups if group.status in TERMINAL_STATUSES
    }
    line = Text(no_wrap=True)
    for status, count in (*_by_number(scene.by_status), *_by_number(finished)):
        total = Text(f"{count:,} {Sanitizer().one_line('status', status)}", status_style(status))
        if line.cell_len + total.cell_len + 3 > width:
            break
        line.append(" · " if line else "")
        line.append_text(total)
    if line:
        yield line


def _by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _foot(scene: Scene, width: int) -> list[Text]:
    """Return a blank line, and the filter or the note on polling with the keys."""
    keys = _KEYS if scene.sort == "newest" else f"{SORTS[scene.sort]}  {_KEYS}"
    note = POLLING_NOTE
    if scene.types_filter:
        note, keys = f"/{scene.filter_text}\u2588", "Enter keeps it  Esc drops it"
    elif scene.filter_text:
        note = f"/{scene.filter_text}  Esc shows all"
    room = width - cell_len(note) - _GAP
    if room < len(keys) and note is POLLING_NOTE:
        return [Text(), *_wrapped(note, width, style="dim")]
    return [Text(), cut(f"{note}{keys.rjust(room + _GAP)}", width, style="dim")]


def _wrapped(text: str, width: int, *, style: str) -> Iterator[Text]:
    """Yield text wrapped between words, in at most three lines."""
    folded = textwrap.wrap(" ".join(text.split()), max(width, 1), max_lines=3, placeholder="…")
    return (cut(line, width, style=style) for line in folded)
