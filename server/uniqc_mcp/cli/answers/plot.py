"""``uniqc-mcp plot``: the outcomes of a task as a histogram."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from uniqc_mcp.cli.answers.bars import bar_lines
from uniqc_mcp.results.bars import bars_by_bits, bars_by_count, bins_note
from uniqc_mcp.safety.display import in_quotes
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.cleared_lookup import read_task
from uniqc_mcp.tasks.lookup import FoundTask
from uniqc_mcp.tasks.outcomes import NothingToPlotError, TaskOutcomes, outcomes_by_circuit
from uniqc_mcp.tasks.text import task_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.cli.answers.destination import Destination
    from uniqc_mcp.questions.store import ReadableStore
    from uniqc_mcp.results.bars import Bar
    from uniqc_mcp.tasks.outcomes import CircuitOutcomes
    from uniqc_store import TaskRecord

_NOT_OF_BARS: Final = {"outcomes", "shown", "remaining_probability"}
"""Fields of a result that are about the most frequent outcomes alone."""

PlotOrder = Literal["count", "bits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The histograms of the circuits of one task."""

    record: TaskRecord
    outcomes: TaskOutcomes
    order: PlotOrder
    most_bars: int

    def lines(self, destination: Destination) -> Iterator[str]:
        """Yield the task, the histogram of each circuit, and the notes."""
        yield destination.styled(task_label(**_texts(self.record)), bold=True)
        for circuit in self.outcomes.circuits:
            yield from self._circuit_lines(circuit, destination)
        if self.outcomes.notes:
            yield ""
        yield from self.outcomes.notes

    def structured(self) -> dict[str, Any]:
        """Return the bars of each circuit with what their numbers mean."""
        return {
            **_texts(self.record),
            "circuits": [
                {
                    **circuit.view.model_dump(mode="json", exclude_none=True, exclude=_NOT_OF_BARS),
                    "place": circuit.place,
                    "bars": [*map(_structured_bar, self._bars(circuit))],
                }
                for circuit in self.outcomes.circuits
            ],
            "notes": [*self.outcomes.notes],
        }

    def _bars(self, circuit: CircuitOutcomes) -> list[Bar]:
        arrange = bars_by_bits if self.order == "bits" else bars_by_count
        return arrange(circuit.outcomes, self.most_bars)

    def _circuit_lines(self, circuit: CircuitOutcomes, destination: Destination) -> Iterator[str]:
        view, bars = circuit.view, self._bars(circuit)
        if self.outcomes.total > 1:
            yield ""
            yield destination.styled(f"{self.outcomes.part} {circuit.place}", bold=True)
        yield from bar_lines(bars, destination)
        if note := bins_note(bars, len(circuit.outcomes)):
            yield note
        facts = [view.numbers, view.bit_order and f"bit order {view.bit_order}"]
        facts += [view.measured and f"measured: {view.measured}"]
        facts += [view.error and f"error {in_quotes(view.error)}"]
        facts += [view.kind if not bars and not view.error else ""]
        if told := "; ".join(filter(None, facts)):
            yield told
        yield from view.notes


def read_plot(
    store: ReadableStore, reference: str, *, order: PlotOrder, most_bars: int, place: int | None
) -> Plot:
    """Return the histograms of the task that an id or a name stands for.

    Args:
        store: The store.
        reference: The id, or the name.
        order: Whether the most frequent outcomes come first, or the lowest bits.
        most_bars: The most bars of a circuit.
        place: The place of the only circuit that is plotted; None for all.

    Raises:
        RequestError: There is no such task, or none of its results can be plotted.
    """
    task, _ = read_task(store, reference, FoundTask.of)
    outcomes = outcomes_by_circuit(task, Sanitizer())
    if place is not None:
        outcomes = _only(outcomes, place)
    return Plot(record=task.record, outcomes=outcomes, order=order, most_bars=most_bars)


def plot_as_json(plot: Plot) -> str:
    """Return a plot as JSON."""
    return json.dumps(plot.structured(), indent=2)


def _only(outcomes: TaskOutcomes, place: int) -> TaskOutcomes:
    chosen = [circuit for circuit in outcomes.circuits if circuit.place == place]
    if not chosen:
        part, last = outcomes.part, outcomes.total - 1
        raise NothingToPlotError(
            f"There is no result of {part} {place}; the task has {part}s 0 to {last}."
            if last
            else f"There is no {part} {place}: the task has one, with the number 0."
        )
    return TaskOutcomes(
        circuits=chosen, part=outcomes.part, total=outcomes.total, notes=outcomes.notes
    )


def _structured_bar(bar: Bar) -> dict[str, Any]:
    fields = {"bits": bar.label, "outcomes": bar.outcomes, "count": bar.count}
    fields["probability"] = bar.probability
    return {name: value for name, value in fields.items() if value is not None}


def _texts(record: TaskRecord) -> dict[str, str]:
    sanitizer = Sanitizer()
    return {
        name: sanitizer.one_line(name, getattr(record, name))
        for name in ("task_id", "name", "status", "backend")
    }
