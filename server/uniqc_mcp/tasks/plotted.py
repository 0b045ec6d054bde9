"""The answer about a task with an image of its histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.plots.histogram import Panel, bars_of, draw
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.including import PLOTTED_OUTCOMES
from uniqc_mcp.tasks.outcomes import NothingToPlotError, outcomes_by_circuit
from uniqc_mcp.tasks.result_models import MAX_CIRCUITS
from uniqc_mcp.tasks.text import task_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.results.bars import Bar
    from uniqc_mcp.tasks.lookup import FoundTask
    from uniqc_mcp.tasks.outcomes import CircuitOutcomes, TaskOutcomes
    from uniqc_mcp.tasks.task_detail import TaskAnswer, TaskDetail

_OF_MANY: Final = 8
"""Outcomes of each of several circuits that have a bar."""


def with_plot(answer: TaskAnswer, task: FoundTask) -> TaskAnswer:
    """Return an answer with an image of the histogram of its task, and a note on it.

    A task without outcomes gets a note that says why there is none.
    """
    try:
        outcomes = outcomes_by_circuit(task, Sanitizer())
    except NothingToPlotError as error:
        return _with_note(answer, f"No plot: {error}")
    drawn = [one for one in outcomes.circuits if one.outcomes][:MAX_CIRCUITS]
    if not drawn:
        return _with_note(answer, "No plot: the result has no outcomes that can be drawn.")
    most = PLOTTED_OUTCOMES if outcomes.total == 1 else _OF_MANY
    panels = [Panel(title=_title(one, outcomes), bars=bars_of(one.outcomes, most)) for one in drawn]
    image = draw(_heading(answer.task, drawn[0]), panels)
    note = _told([panel.bars for panel in panels], drawn, outcomes)
    return _with_note(answer.model_copy(update={"plot": image}), note)


def _with_note(answer: TaskAnswer, note: str) -> TaskAnswer:
    store = answer.store.model_copy(update={"notes": [*answer.store.notes, note]})
    return answer.model_copy(update={"store": store})


def _heading(task: TaskDetail, circuit: CircuitOutcomes) -> list[str]:
    view = circuit.view
    facts = [view.numbers, view.bit_order and f"bit order {view.bit_order}", view.measured]
    told = "; ".join(filter(None, facts))
    label = task_label(task.task_id, task.name, task.status, task.backend)
    return [label, *([told] if told else [])]


def _title(circuit: CircuitOutcomes, outcomes: TaskOutcomes) -> str:
    return f"{outcomes.part} {circuit.place}" if outcomes.total > 1 else ""


def _told(
    bars: Sequence[Sequence[Bar]], drawn: Sequence[CircuitOutcomes], outcomes: TaskOutcomes
) -> str:
    """Return a sentence on what an image shows."""
    if outcomes.total > 1:
        place = f"{len(drawn)} of {outcomes.total} {outcomes.part}s"
        return f"Plot attached: a PNG image of {place}, the most frequent outcomes of each."
    distinct = len(drawn[0].outcomes)
    if any(bar.is_rest for bar in bars[0]):
        return (
            f"Plot attached: a PNG image of the {len(bars[0]) - 1} most frequent of {distinct} "
            "outcomes, and the sum of the others."
        )
    noun = plural("outcome", distinct)
    return f"Plot attached: a PNG image of {distinct} {noun} in the order of their bits."
