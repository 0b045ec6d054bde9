"""What a terminal shows of a store: some lines, as many and as wide as there is room for.

They are laid out here and not by rich's own table, which takes ten times as long: a hundredth of
a core, were it drawn each second.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.text import Text

from uniqc_mcp.cli.watch.columns import Row, cut, laid_out, status_style
from uniqc_mcp.cli.watch.lines import HOW_IT_MOVES, ToldTask, notes
from uniqc_mcp.responses.times import duration, seconds_since
from uniqc_mcp.safety.display import tilde
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from uniqc_mcp.cli.watch.ended import FinishedTask
    from uniqc_store import Group, StoreStatus, TaskState

MAX_ENDED = 10
_HOW_TO_END = "q ends"
_GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that may be shown.

    Attributes:
        path: The file.
        standing: How it is.
        problem: Why it can't be read; empty where it can.
        backend: The label or platform that is watched; empty for all.
        by_status: How many tasks are active, by status.
        groups: How many tasks there are in all by status, as last counted.
        active: The active tasks, newest first.
        ended: Those that ended since, the last first.
        ended_total: How many these were.
    """

    path: Path
    store_status: StoreStatus
    problem: str = ""
    backend: str = ""
    by_status: Mapping[str, int] = field(default_factory=dict[str, int])
    groups: Sequence[Group] = ()
    active: Sequence[TaskState] = ()
    ended: Sequence[FinishedTask] = ()
    ended_total: int = 0


@dataclass(slots=True)
class View:
    """Scenes as lines. Text that was screened once is kept for the next one."""

    _told: dict[TaskState, ToldTask] = field(default_factory=dict["TaskState", ToldTask])

    def lines(
        self, scene: Scene, *, width: int, height: int, now: datetime, to_stay: bool = False
    ) -> list[Text]:
        """At most `height` lines, none wider than `width` cells.

        Args:
            to_stay: Whether this is the last state, to be left on the terminal, and not one that
                fills it and says how it goes on.
        """
        head, foot = list(_head(scene, width)), _foot(width)
        if to_stay or height < len(head) + len(foot) + 6:
            foot = []
        head = head[: max(1, height - 5)]
        room = height - len(head) - len(foot)
        body = self._body(scene, width, room, now)
        filler = [Text()] * (room - len(body)) if foot else []
        return [*head, *body, *filler, *foot][:height]

    def _body(self, scene: Scene, width: int, room: int, now: datetime) -> list[Text]:
        """A blank line, the active tasks, and those that ended."""
        if scene.store_status.store is None:
            return [Text(), cut("" if scene.problem else "Reading…", width, style="dim")]
        active_rows, ended_rows = _shares(room, len(scene.active), len(scene.ended))
        active, ended = scene.active[:active_rows], scene.ended[:ended_rows]
        self._forget_all_but([*active, *(one.task for one in ended)])
        lines = laid_out(
            {
                f"{len(scene.active):,} active": (
                    "heard of",
                    [self._active_row(state, now) for state in active],
                ),
                f"{scene.ended_total:,} ended": (
                    "ended",
                    [self._ended_row(one, now) for one in ended],
                ),
            },
            width,
        )
        top, bottom = lines[: 1 + len(active)], lines[1 + len(active) :]
        if not scene.active:
            top.append(cut("No task is active.", width, style="dim"))
        elif more := len(scene.active) - len(active):
            top.append(cut(f"and {more:,} more", width, style="dim"))
        return [Text(), *top, *([Text(), *bottom] if ended else [])]

    def _active_row(self, state: TaskState, now: datetime) -> Row:
        told = self._screened(state)
        return Row(
            task_id=told.task_id,
            name=told.name,
            status=told.status,
            style=status_style(state.status),
            backend=told.backend,
            submitted=_ago(seconds_since(state.submit_time, now)),
            last=_ago(seconds_since(state.update_time, now)),
        )

    def _ended_row(self, ended: FinishedTask, now: datetime) -> Row:
        told = self._screened(ended.task)
        return Row(
            task_id=told.task_id,
            name=told.name,
            status=told.status if ended.how == ended.task.status else ended.how,
            style=status_style(ended.how),
            backend=told.backend,
            submitted=_ago(seconds_since(ended.task.submit_time, now)),
            last=_ago(max(0, int((now - ended.at).total_seconds()))),
        )

    def _screened(self, state: TaskState) -> ToldTask:
        if (told := self._told.get(state)) is None:
            told = self._told[state] = ToldTask.of(state)
        return told

    def _forget_all_but(self, states: Iterable[TaskState]) -> None:
        self._told = {state: told for state in states if (told := self._told.get(state))}


def _shares(room: int, active: int, ended: int) -> tuple[int, int]:
    """How many active tasks and how many that ended are shown, in so many lines.

    Those that ended get a third of it, and what the active ones leave. Each kind takes a blank
    line and a heading; where not all active tasks are shown, a line says so.
    """
    for_ended = max(room // 3 - 2, room - 4 - max(1, active))
    ended_rows = max(0, min(MAX_ENDED, ended, for_ended))
    active_room = room - 2 - (ended_rows + 2 if ended_rows else 0)
    return (active if active <= active_room else max(0, active_room - 1)), ended_rows


def _ago(seconds: int | None) -> str:
    return "" if seconds is None else f"{duration(seconds)} ago"


# Around the tasks


def _head(scene: Scene, width: int) -> Iterator[Text]:
    yield _title(scene, width)
    if scene.problem:
        yield from _wrapped(f"Trouble: {scene.problem} Trying again.", width, style="bold red")
    if scene.store_status.store is not None:
        yield from _totals(scene, width)
        for note in notes(scene.store_status, scene.path):
            yield from _wrapped(note, width, style="yellow")


def _title(scene: Scene, width: int) -> Text:
    """What is watched, and when it was read."""
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
    """As many statuses as there is room for: the active ones first, each kind by its number."""
    finished = {
        group.status: group.count for group in scene.groups if group.status in TERMINAL_STATUSES
    }
    line = Text(no_wrap=True)
    for status, count in (*_by_number(scene.by_status), *_by_number(finished)):
        told = Text(
            f"{count:,} {Sanitizer().one_line('status', status, limit=60)}", status_style(status)
        )
        if line.cell_len + told.cell_len + 3 > width:
            break
        line.append(" · " if line else "")
        line.append_text(told)
    if line:
        yield line


def _by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _foot(width: int) -> list[Text]:
    room = width - len(HOW_IT_MOVES) - _GAP
    if room < len(_HOW_TO_END):
        return [Text(), *_wrapped(HOW_IT_MOVES, width, style="dim")]
    return [Text(), cut(f"{HOW_IT_MOVES}{_HOW_TO_END.rjust(room + _GAP)}", width, style="dim")]


def _wrapped(text: str, width: int, *, style: str) -> Iterator[Text]:
    """In whole words, over at most three lines."""
    folded = textwrap.wrap(" ".join(text.split()), max(width, 1), max_lines=3, placeholder="…")
    return (cut(line, width, style=style) for line in folded)
