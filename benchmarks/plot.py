"""The plot of time against the number of tasks, for this server and its references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from benchmarks.measure import calls, counts, lists, uniqc_command
from benchmarks.measure.uniqc_store import UNIQC
from benchmarks.recording import OURS, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.recording import Measurement

NAME = "time_by_size"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One contender and one question.

    Colours are those of Okabe and Ito, which colour-blind readers can distinguish.
    """

    label: str
    what: str
    who: str = OURS
    colour: str = "#0072B2"
    marker: str = "o"

    @property
    def ours(self) -> bool:
        return self.who == OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    title: str
    group: str
    lines: tuple[_Line, ...]


_SUCCEEDED = "status success (common): first page"
_RARE = "status running (rare): first page"
_COUNTED = f"{counts.BOTH}: "
_PANELS = (
    _Panel(
        title="A page of 50, in one process",
        group=lists.GROUP,
        lines=(
            _Line(
                label="uniqc 0.1.1, succeeded",
                what=_SUCCEEDED,
                who=UNIQC,
                colour="#D55E00",
                marker="s",
            ),
            _Line(
                label="uniqc 0.1.1, running", what=_RARE, who=UNIQC, colour="#E69F00", marker="^"
            ),
            _Line(label="uniqc-mcp, succeeded", what=_SUCCEEDED),
            _Line(label="uniqc-mcp, running", what=_RARE, colour="#009E73", marker="D"),
        ),
    ),
    _Panel(
        title="Counts by status and backend, in one process",
        group=counts.GROUP,
        lines=(
            _Line(
                label="plain SQL, GROUP BY",
                what=_COUNTED + counts.FIRST,
                who=counts.SQL,
                colour="#D55E00",
                marker="s",
            ),
            _Line(label="uniqc-mcp, the first time", what=_COUNTED + counts.FIRST),
            _Line(
                label="uniqc-mcp, again while nothing changed",
                what=_COUNTED + counts.AGAIN,
                colour="#009E73",
                marker="D",
            ),
        ),
    ),
    _Panel(
        title="What's still running? From question to answer",
        group=calls.GROUP,
        lines=(
            _Line(
                label=uniqc_command.COMMAND,
                what=calls.STILL_RUNNING,
                who=uniqc_command.COMMAND,
                colour="#D55E00",
                marker="s",
            ),
            _Line(
                label="mcp-server-sqlite, SQL by the model",
                what=calls.STILL_RUNNING,
                who=calls.SQLITE_SERVER,
                colour="#E69F00",
                marker="^",
            ),
            _Line(label="uniqc-mcp, list_tasks", what=calls.STILL_RUNNING),
            _Line(
                label="stock server, a constant of that size",
                what=calls.STILL_RUNNING,
                who=calls.CONSTANT,
                colour="#666666",
                marker="x",
            ),
        ),
    ),
)


def draw(measurements: Sequence[Measurement], directory: Path) -> None:
    """Write the plot as PNG; a panel without measurements stays empty."""
    figure = Figure(figsize=(14, 5.6), layout="constrained")
    axes: Sequence[Axes] = figure.subplots(1, len(_PANELS), sharey=True).tolist()
    for place, panel in zip(axes, _PANELS, strict=True):
        _draw_panel(place, panel, [one for one in measurements if one.group == panel.group])
    axes[0].set_ylabel("median time, ms (bars: quartiles)")
    figure.savefig(directory / f"{NAME}.png", dpi=130)


def _draw_panel(place: Axes, panel: _Panel, measurements: Sequence[Measurement]) -> None:
    place.set_title(panel.title, fontsize=12)
    place.set_xscale("log")
    place.set_yscale("log")
    place.set_xlabel("tasks in the store")
    sizes = sorted({one.size for one in measurements})
    place.set_xticks(sizes, [_as_mathtext(scaled(size)) for size in sizes])
    place.minorticks_off()
    place.grid(visible=True, which="major", alpha=0.3)
    for line in panel.lines:
        points = sorted(
            (one for one in measurements if (one.what, one.who) == (line.what, line.who)),
            key=lambda one: one.size,
        )
        if points:
            _draw_line(place, line, points)
    if place.has_data():
        place.legend(
            fontsize=10,
            loc="upper left",
            bbox_to_anchor=(0, -0.13),
            frameon=False,
            handlelength=3.5,
        )


def _draw_line(place: Axes, line: _Line, points: Sequence[Measurement]) -> None:
    place.errorbar(
        [one.size for one in points],
        [one.median for one in points],
        yerr=(
            [one.median - one.low for one in points],
            [one.high - one.median for one in points],
        ),
        label=line.label,
        color=line.colour,
        marker=line.marker,
        linestyle="-" if line.ours else "--",
        linewidth=2.4 if line.ours else 1.6,
        markersize=8,
        markeredgewidth=2,
        capsize=3,
    )


def _as_mathtext(size: str) -> str:
    base, power, exponent = size.partition("^")
    return f"${base}^{exponent}$" if power else f"{int(size):,}"
