"""All outcomes of each circuit of a task, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from sys import maxsize
from typing import TYPE_CHECKING

from uniqc_mcp.errors import RequestError
from uniqc_mcp.results.summary import summarise
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.circuit_result import CircuitResult
from uniqc_mcp.tasks.lookup import MAX_SUMMARISED, RESULT_ELSEWHERE
from uniqc_mcp.tasks.result_models import ResultView, batch_notes
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_mcp.results.summary import Outcome, Results
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_mcp.tasks.lookup import FoundTask


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitOutcomes:
    """The outcomes of one circuit.

    Attributes:
        place: Its place in a batch, or that of its classical register.
        view: What its numbers mean, without the outcomes.
        outcomes: All outcomes, the most frequent first, as they are recorded; none where the
            numbers are no outcomes of the circuit.
    """

    place: int
    view: CircuitResult
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcomes:
    """The outcomes of each circuit of a task.

    Attributes:
        circuits: The circuits that have a result, in order.
        part: The noun for one of them: circuit, or register.
        total: How many there are, those without a result included.
        notes: Sentences on all of them.
    """

    circuits: Sequence[CircuitOutcomes]
    part: str
    total: int
    notes: Sequence[str]


class NothingToPlotError(RequestError):
    """A task without a result that can be read."""


def outcomes_by_circuit(task: FoundTask, sanitizer: Sanitizer) -> TaskOutcomes:
    """Return the outcomes of each circuit of a task.

    Raises:
        NothingToPlotError: The task has no result that can be read.
    """
    results, assembled = _results(task), task.assembled
    circuits = [*_circuits(results, task, sanitizer)]
    whole = ResultView.read(task, outcomes=0, sanitizer=sanitizer)
    if whole is not None and not whole.batch:
        # This view of the only circuit has the notes on the task as well.
        single = [replace(circuit, view=whole) for circuit in circuits]
        return TaskOutcomes(circuits=single, part="circuit", total=1, notes=())
    total = results.total_circuits if assembled is None else assembled.circuits
    notes = batch_notes(results, task.result_record, of=total, assembled=assembled is not None)
    part = "register" if results.by_register else "circuit"
    return TaskOutcomes(circuits=circuits, part=part, total=total, notes=notes)


def _results(task: FoundTask) -> Results:
    """Return the summaries of all circuits with all their outcomes."""
    if task.result_elsewhere:
        raise NothingToPlotError(RESULT_ELSEWHERE)
    if (task.record.result_bytes or 0) > MAX_SUMMARISED:
        raise NothingToPlotError(f"The result has more than {MAX_SUMMARISED:,} bytes.")
    text = task.result_text if task.assembled is None else task.assembled.text_without_gaps
    if not text:
        status = quoted(task.record.status)
        raise NothingToPlotError(f"The task has no result to plot; its status is {status}.")
    try:
        result = parse_json(text)
    except ValueError:
        raise NothingToPlotError("What is stored as the result is not JSON.") from None
    return summarise(result, top=maxsize, shots=task.result_record.shots, max_circuits=maxsize)


def _circuits(results: Results, task: FoundTask, sanitizer: Sanitizer) -> Iterator[CircuitOutcomes]:
    record, places = task.result_record, _places(results, task)
    for index, (place, summary) in enumerate(zip(places, results.circuits, strict=False)):
        meaning = record.meaning_of(summary, place)
        are_outcomes = meaning is None or meaning.are_outcomes
        yield CircuitOutcomes(
            place=index if results.by_register else place,
            view=CircuitResult.of(replace(summary, outcomes=()), meaning, sanitizer),
            outcomes=summary.outcomes if are_outcomes else (),
        )


def _places(results: Results, task: FoundTask) -> Sequence[int]:
    """Return the place in the batch of each circuit that has a result."""
    if results.by_register:
        return [0] * len(results.circuits)
    if task.assembled is not None:
        return task.assembled.places
    return task.result_record.places_of(results.total_circuits)
