"""``uniqc-mcp stats``: groups of tasks as an aligned table, and as fields in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from uniqc_mcp.cli.columns import fit
from uniqc_mcp.responses.times import age
from uniqc_mcp.tasks.summary_models import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.tasks.summary_models import TaskSummary

_GAP: Final = "  "
_MIN_LABEL: Final = 8
_HEADINGS: Final = {"median_seconds": "median", "p90_seconds": "90%", "max_seconds": "longest"}
_DROP_ORDER: Final = ("oldest", "newest", "p90_seconds", "median_seconds", "finished", "shots")
"""The columns that are left out first in a narrow terminal."""


def fields_of_groups(summary: TaskSummary) -> Iterator[str]:
    """Yield a line of fields, separated by tabs, for each group; what is not known is empty."""
    for row in summary.rows:
        yield "\t".join("" if cell is None else str(cell) for cell in row)


def table_of_groups(summary: TaskSummary, width: int) -> Iterator[str]:
    """Yield a heading and a line for each group, as wide as the terminal at most."""
    names = summary.columns
    labels = names[: -len(FIGURES)]
    columns = {
        name: [_HEADINGS.get(name, name), *(_told(name, row[place]) for row in summary.rows)]
        for place, name in enumerate(names)
    }
    widths = {name: max(map(cell_len, cells)) for name, cells in columns.items()}
    for name in _DROP_ORDER:
        if _total(widths) > width:
            del widths[name]
    for name in labels:
        widths[name] = max(_MIN_LABEL, widths[name] - max(0, _total(widths) - width))
    for place in range(len(summary.rows) + 1):
        cells = [
            fit(columns[name][place], room) if name in labels else columns[name][place].rjust(room)
            for name, room in widths.items()
        ]
        yield fit(_GAP.join(cells), width).rstrip()


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _told(name: str, cell: str | float | None) -> str:
    """Return a cell for people: durations in one unit, thousands apart."""
    if isinstance(cell, int | float):
        return age(int(cell)) if name.endswith("_seconds") else f"{cell:,}"
    return "-" if cell is None else cell
