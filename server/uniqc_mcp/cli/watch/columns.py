"""Tasks in columns that fit: what gives way when there is too little room, and what goes first."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
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
    """A colour for a status, or for what became of a task; uniqc's and a platform's own wait."""
    return _STYLES.get(status, "yellow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One task, in the order of the columns."""

    task_id: str
    name: str
    status: str
    backend: str
    submitted: str
    last: str
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """How a column behaves.

    Attributes:
        least: Cells below which it had rather go.
        most: Cells that it never exceeds.
        steady: Whether it is as wide as `most` always, so that nothing moves while it ticks.
    """

    least: int
    most: int
    steady: bool = False


_COLUMNS = {
    "task_id": _Column(least=11, most=64),
    "name": _Column(least=10, most=60),
    "status": _Column(least=9, most=16),
    "backend": _Column(least=10, most=48),
    "submitted": _Column(least=10, most=10, steady=True),
    "last": _Column(least=10, most=10, steady=True),
}
_GIVE_WAY = ("submitted", "backend", "name", "last", "status")
_GROW = ("backend", "status", "name", "task_id")


def laid_out(sections: Mapping[str, tuple[str, Sequence[Row]]], width: int) -> list[Text]:
    """A heading and its rows for each section, one below the other, in the same columns.

    Args:
        sections: By what stands above the first column: what stands above the last, and the rows.
        width: Cells that no line exceeds.
    """
    headings = {
        title: Row(
            task_id=title,
            name="name",
            status="status",
            backend="backend",
            submitted="submitted",
            last=last,
        )
        for title, (last, _) in sections.items()
    }
    rows = [row for _, rows in sections.values() for row in rows]
    widths = _widths([*headings.values(), *rows], width)
    lines: list[Text] = []
    for title, (_, section) in sections.items():
        heading = _line(headings[title], widths, width)
        heading.stylize("bold")
        lines += [heading, *(_line(row, widths, width) for row in section)]
    return lines


def cut(text: str, width: int, *, style: str = "", pad: bool = False) -> Text:
    """A line of its own, ending in … where it would be too wide."""
    fitted = _fitted(text, width) if pad or cell_len(text) > width else text
    return Text(fitted, spans=[Span(0, len(fitted), style)] if style else None, no_wrap=True)


def _widths(rows: Sequence[Row], width: int) -> dict[str, int]:
    """The columns that there is room for, and how wide each is."""
    names = [field.name for field in fields(Row) if field.name in _COLUMNS]
    natural = {name: _natural(name, rows) for name in names}
    least = {name: min(natural[name], _COLUMNS[name].least) for name in names}
    for name in _GIVE_WAY:
        if sum(least.values()) + _GAP * (len(least) - 1) <= width:
            break
        del least[name]
    left = width - sum(least.values()) - _GAP * (len(least) - 1)
    for name in _GROW:
        if name in least:
            more = max(0, min(left, natural[name] - least[name]))
            least[name] += more
            left -= more
    return least


def _natural(name: str, rows: Sequence[Row]) -> int:
    column = _COLUMNS[name]
    if column.steady:
        return column.most
    return min(column.most, max(cell_len(getattr(row, name)) for row in rows))


def _line(row: Row, widths: Mapping[str, int], width: int) -> Text:
    parts: list[str] = []
    spans: list[Span] = []
    start = 0
    for name, cells in widths.items():
        text: str = getattr(row, name)
        part = shortened(text, cells) if name == "task_id" else _fitted(text, cells)
        if name == "status" and row.style:
            spans.append(Span(start, start + len(part), row.style))
        parts.append(part)
        start += len(part) + _GAP
    line = (" " * _GAP).join(parts)
    too_wide = sum(widths.values()) + _GAP * (len(widths) - 1) > width
    return cut(line, width) if too_wide else Text(line, spans=spans, no_wrap=True)


def shortened(text: str, width: int) -> str:
    """In just so many cells: its beginning, by which a task can be asked for, and its end."""
    if cell_len(text) <= width or not text.isascii():
        return _fitted(text, width)
    head = width * 2 // 3
    tail = width - head - 1
    return f"{text[:head]}…{text[len(text) - tail :]}" if tail > 0 else _fitted(text, width)


def _fitted(text: str, width: int) -> str:
    """In just so many cells."""
    if text.isascii() and len(text) <= width:  # by far the most, and four times as fast
        return text.ljust(width)
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - 1)) + ("…" if width > 0 else "")
