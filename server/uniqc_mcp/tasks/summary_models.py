"""The answer about groups of tasks: a table with a row for each group."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from pydantic import WithJsonSchema

from uniqc_mcp.responses.base import OMIT_EMPTY, Answer, StoreField
from uniqc_mcp.responses.numbers import exact_integer
from uniqc_mcp.responses.text import counted
from uniqc_mcp.responses.times import age
from uniqc_mcp.safety.display import word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.filters import notes_on_filter
from uniqc_mcp.tasks.summary import Figures, figures_by
from uniqc_mcp.token_budget import how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_mcp.tasks.summary import GroupKey, Labels
    from uniqc_store import TaskFilter

Cell: TypeAlias = str | int | float | None

FIGURES: Final = (
    "tasks",
    "finished",
    "succeeded",
    "shots",
    "median_seconds",
    "p90_seconds",
    "max_seconds",
    "oldest",
    "newest",
)
"""The columns after those of the labels."""

MAX_GROUPS: Final = 40
MAX_TOKENS: Final = 1_250
_ROW_TOKENS: Final = 45
"""Tokens of the figures of one row, in either channel."""

OTHERS: Final = "others ("
_FIGURES_IN_WORDS: Final = (
    "tasks, succeeded/finished, shots, median/90 %/longest time, oldest to newest"
)
SECONDS_NOTE: Final = (
    "Seconds are from submission to uniqc's last touch, of finished tasks: no run time, as polling "
    "a finished task is a touch too."
)
WEEK_NOTE: Final = "A week begins on Monday, which names it."

_FIELD_OF: Final[dict[GroupKey, str]] = {"error": "tasks.error", "platform": "backend"}
_TIMES: Final = frozenset({"day", "hour", "week"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TaskSummary(Answer):
    """Groups of tasks, as a table."""

    matching: str
    total: int
    columns: list[str]
    rows: Annotated[
        list[list[Cell]],
        WithJsonSchema({"type": "array", "items": {"type": "array"}}),
        OMIT_EMPTY,
    ]
    store: StoreField

    def text(self) -> str:
        """Return a line of the total, one for each group, and the notes."""
        width = len(self.columns) - len(FIGURES)
        by = " and ".join(self.columns[:width])
        lines = [f"{counted(self.total, self.matching)}, by {by}. {self.store.source}"]
        if self.rows:
            lines.append(f"{by}: {_FIGURES_IN_WORDS}")
        lines += [f"- {_row_in_words(row, width)}" for row in self.rows]
        return "\n".join([*lines, *self.store.notes])


def summary_of(
    snapshot: StoreSnapshot, task_filter: TaskFilter, keys: Sequence[GroupKey]
) -> tuple[int, list[list[Cell]], list[str]]:
    """Return the number of tasks that match, the table of their groups, and the notes."""
    sanitizer = Sanitizer()
    groups = figures_by(snapshot, task_filter, keys, sanitizer)
    total = sum(figures.tasks for figures in groups.values())
    notes = notes_on_filter(snapshot, task_filter, found=total > 0)
    if any(figures.finished for figures in groups.values()):
        notes.append(SECONDS_NOTE)
    if "week" in keys:
        notes.append(WEEK_NOTE)
    return total, table_of(groups, keys, sanitizer), notes


def table_of(
    groups: Mapping[Labels, Figures], keys: Sequence[GroupKey], sanitizer: Sanitizer
) -> list[list[Cell]]:
    """Return a row for each group that there is room for, and one for all others together.

    The largest groups are shown, or those of the latest times, so that no time between is left
    out. The groups of one value of the first key stand together, the largest first; times are in
    order, the latest first.
    """
    first = sorted(groups.items(), key=lambda group: _rank(group[0], group[1], keys))[:MAX_GROUPS]
    shown = {
        labels: [
            sanitizer.one_line(_field_of(key), label)
            for key, label in zip(keys, labels, strict=True)
        ]
        for labels, _ in first
    }
    sizes = (_ROW_TOKENS + sum(map(max_tokens_of, labels)) for labels in shown.values())
    room = how_many_fit(sizes, MAX_TOKENS - _ROW_TOKENS)
    kept = dict(first[:room])
    ordered = sorted(kept, key=lambda labels: _place(labels, keys, kept))
    rows = [[*shown[labels], *_cells(kept[labels])] for labels in ordered]
    if left := [figures for labels, figures in groups.items() if labels not in kept]:
        others = Figures()
        for figures in left:
            others.merge(figures)
        label = f"{OTHERS}{len(left)} more)"
        rows.append([label, *[""] * (len(keys) - 1), *_cells(others)])
    return rows


def _field_of(key: GroupKey) -> str:
    return "status" if key in _TIMES else _FIELD_OF.get(key, key)


def _rank(labels: Labels, figures: Figures, keys: Sequence[GroupKey]) -> tuple[object, ...]:
    """Return the sort key by which groups are chosen."""
    times = zip(keys, labels, strict=True)
    ages = [_place_of_time(label) for key, label in times if key in _TIMES]
    return ages, -figures.tasks, labels


def _place_of_time(label: str) -> tuple[float, str]:
    """Return the sort key of a day, an hour or a week, the latest first; what is none is last."""
    try:
        moment = datetime.fromisoformat(label)
    except ValueError:
        return math.inf, label
    # Of an hour that the clocks repeat, the offset tells which is later.
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return -since.total_seconds(), label


def _place(
    labels: Labels, keys: Sequence[GroupKey], kept: Mapping[Labels, Figures]
) -> tuple[object, ...]:
    """Return the sort key of a row."""
    place: list[object] = []
    for depth, key in enumerate(keys, 1):
        head = labels[:depth]
        if key in _TIMES:
            place.append(_place_of_time(labels[depth - 1]))
        else:
            tasks = sum(figures.tasks for other, figures in kept.items() if other[:depth] == head)
            place += (-tasks, labels[depth - 1])
    return tuple(place)


def _cells(figures: Figures) -> list[Cell]:
    seconds: list[Cell] = [round(value, 1) for value in figures.seconds_at(0.5, 0.9, 1)]
    oldest, newest = (
        "" if moment is None else _minute(moment) for moment in (figures.oldest, figures.newest)
    )
    shots: Cell = exact_integer(figures.shots)
    counts = (figures.tasks, figures.finished, figures.succeeded, shots)
    return [*counts, *(seconds or [None, None, None]), oldest, newest]


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _row_in_words(row: Sequence[Cell], width: int) -> str:
    """Return a row in the order of ``_FIGURES_IN_WORDS``, with a dash for what is not known."""
    told = [str(label) for label in row[:width]]
    if told[0].startswith(OTHERS):
        told = told[:1]
    labels = ", ".join(word(label) if label else "(empty)" for label in told)
    tasks, finished, succeeded, shots, *seconds, oldest, newest = row[width:]
    share = ""
    if isinstance(finished, int) and isinstance(succeeded, int) and finished:
        share = f" ({succeeded / finished:.0%})"
    times = "/".join(age(int(value)) for value in seconds if isinstance(value, int | float))
    submitted = f"{oldest} to {newest}" if oldest else "-"
    return f"{labels}: {tasks}, {succeeded}/{finished}{share}, {shots}, {times or '-'}, {submitted}"
