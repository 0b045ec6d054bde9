"""Columns of tasks in terminal cells, of which a wide character takes two.

In a narrow terminal some are dropped.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Span, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GAP = 2
_STYLES = {
    "success": "green",
    "failed": "bold red",
    "cancelled": "magenta",
    "running": "cyan",
    "removed": "magenta",
    "archived": "magenta",
}


def status_style(status: str) -> str:
    """Return the rich style of a status or an end state; yellow for any other, such as queued."""
    return _STYLES.get(status, "yellow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The texts of one task, in the order of the columns."""

    task_id: str
    name: str
    status: str
    backend: str
    shots: str = ""
    submitted: str
    last: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """The width of a column, in terminal cells.

    Attributes:
        minimum: Dropped if there is less room.
        maximum: Never exceeded.
        has_fixed_width: True if it always takes `maximum`, so that ages don't move the others.
    """

    minimum: int
    maximum: int
    has_fixed_width: bool = False


_COLUMNS = {
    "task_id": _Column(minimum=11, maximum=64),
    "name": _Column(minimum=10, maximum=60),
    "status": _Column(minimum=9, maximum=16),
    "backend": _Column(minimum=10, maximum=48),
    "shots": _Column(minimum=5, maximum=14),
    "submitted": _Column(minimum=10, maximum=10, has_fixed_width=True),
    "last": _Column(minimum=10, maximum=10, has_fixed_width=True),
}
_DROP_ORDER = ("submitted", "shots", "backend", "task_id", "last", "status")
_GROW_ORDER = ("shots", "backend", "status", "name", "task_id")


def table_lines(sections: Mapping[str, tuple[str, Sequence[Row]]], width: int) -> list[Text]:
    """Return a heading and rows for each section, all in the same columns.

    Where there is no room for ids, a task without a name has its id in the column of names.

    Args:
        sections: The heading of the first column, mapped to that of the last and the rows.
        width: The maximum width of a line, in cells.
    """
    parts = [[_heading(title, last), *rows] for title, (last, rows) in sections.items()]
    names = [field.name for field in fields(Row) if field.name in _COLUMNS]
    if not any(row.shots for _, rows in sections.values() for row in rows):
        names.remove("shots")
    widths = _widths(names, [row for part in parts for row in part], width)
    if "task_id" not in widths:
        parts = [[_named(heading, title=True), *map(_named, rows)] for heading, *rows in parts]
        widths = _widths([*widths], [row for part in parts for row in part], width)
    lines: list[Text] = []
    for part in parts:
        heading, *others = [_line(row, widths, width) for row in part]
        heading.stylize("bold")
        lines += [heading, *others]
    return lines


def cut(text: str, width: int, *, style: str = "", pad: bool = False) -> Text:
    """Return text as one line, ending in … if it had to be cut."""
    fitted = fit(text, width) if pad or cell_len(text) > width else text
    return Text(fitted, spans=[Span(0, len(fitted), style)] if style else None, no_wrap=True)


def _heading(title: str, last: str) -> Row:
    names = {name: name for name in ("name", "status", "backend", "shots", "submitted")}
    return Row(task_id=title, last=last, **names)


def _named(row: Row, *, title: bool = False) -> Row:
    """Return a row whose name is its id, or its title, where it has none."""
    return replace(row, name=row.task_id if title or not row.name else row.name)


def _widths(names: Sequence[str], rows: Sequence[Row], width: int) -> dict[str, int]:
    """Return those of these columns that fit, with the width of each."""
    wanted = {name: _wanted_width(name, rows) for name in names}
    widths = {name: min(wanted[name], _COLUMNS[name].minimum) for name in names}
    for name in _DROP_ORDER:
        if _total(widths) <= width:
            break
        widths.pop(name, None)
    left = width - _total(widths)
    for name in _GROW_ORDER:
        if name in widths:
            more = max(0, min(left, wanted[name] - widths[name]))
            widths[name] += more
            left -= more
    return widths


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _wanted_width(name: str, rows: Sequence[Row]) -> int:
    column = _COLUMNS[name]
    if column.has_fixed_width:
        return column.maximum
    return min(column.maximum, max(cell_len(getattr(row, name)) for row in rows))


def _line(row: Row, widths: Mapping[str, int], width: int) -> Text:
    parts: list[str] = []
    spans: list[Span] = []
    start = 0
    for name, cells in widths.items():
        text: str = getattr(row, name)
        text = text.rjust(cells) if name == "shots" else text
        part = shorten_middle(text, cells) if text == row.task_id else fit(text, cells)
        if name == "status" and row.style:
            spans.append(Span(start, start + len(part), row.style))
        parts.append(part)
        start += len(part) + _GAP
    line = (" " * _GAP).join(parts)
    if _total(widths) > width:
        return cut(line, width)
    return Text(line, spans=spans, no_wrap=True)


def fit(text: str, width: int) -> str:
    """Return text in exactly `width` cells, ending in … if it had to be cut."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - 1)) + ("…" if width > 0 else "")


def shorten_middle(text: str, width: int) -> str:
    """Return text in exactly `width` cells, with … for its middle if it is too long.

    The beginning of a task id suffices to look the task up.
    """
    if cell_len(text) <= width or not text.isascii():
        return fit(text, width)
    head = width * 2 // 3
    tail = width - head - 1
    return f"{text[:head]}…{text[len(text) - tail :]}" if tail > 0 else fit(text, width)


def wrap(text: str, width: int) -> list[str]:
    """Return text in lines of at most `width` cells, broken between words where that is known."""
    if cell_len(text) <= width:
        return [text]
    if text.isascii():
        return textwrap.wrap(text, max(width, 1))
    return chop_cells(text, max(width, 2))
