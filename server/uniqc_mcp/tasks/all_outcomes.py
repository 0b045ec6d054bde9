"""All outcomes of a task as JSON, in the form that a view draws."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.numbers import exact_number
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.outcomes import NothingToPlotError, TaskOutcomes, outcomes_by_circuit

if TYPE_CHECKING:
    from datetime import datetime

    from uniqc_mcp.results.summary import Outcome
    from uniqc_mcp.tasks.lookup import FoundTask
    from uniqc_mcp.tasks.outcomes import CircuitOutcomes

MAX_OF_CIRCUIT: Final = 4_096
"""Outcomes of one circuit."""

MAX_OF_TASK: Final = 16_384
"""Outcomes of all circuits together."""

MAX_CIRCUITS: Final = 64

_PLAIN: Final = re.compile(r"[01]{1,64}")
_NOT_OF_ALL: Final = {"outcomes", "shown", "remaining_probability"}


def all_outcomes(task: FoundTask, now: datetime) -> dict[str, Any]:
    """Return the most frequent outcomes of each circuit of a task, which are all of most tasks.

    An outcome is a list: its bits, its count and its probability, each null if there is none.
    A task without outcomes says why in its notes.
    """
    sanitizer = Sanitizer()
    record = task.record
    told: dict[str, Any] = {
        name: sanitizer.one_line(name, getattr(record, name))
        for name in ("task_id", "name", "status", "backend")
    }
    try:
        outcomes = outcomes_by_circuit(task, sanitizer)
    except NothingToPlotError as error:
        circuits, notes = [], [str(error)]
    else:
        circuits, notes = _circuits(outcomes, sanitizer), [*outcomes.notes]
        if hidden := len(outcomes.circuits) - len(circuits):
            notes.append(f"{hidden} more circuits have a result.")
    return {
        **told,
        "shots": exact_number(record.known_shots),
        "circuits": circuits,
        "notes": notes,
        "redacted": sanitizer.redacted_fields,
        "store": StoreView.of(task.state, now).model_dump(mode="json", exclude_none=True),
    }


def _circuits(outcomes: TaskOutcomes, sanitizer: Sanitizer) -> list[dict[str, Any]]:
    shown = outcomes.circuits[:MAX_CIRCUITS]
    most = min(MAX_OF_CIRCUIT, MAX_OF_TASK // max(len(shown), 1))
    return [_circuit(one, outcomes.part, most, sanitizer) for one in shown]


def _circuit(
    circuit: CircuitOutcomes, part: str, most: int, sanitizer: Sanitizer
) -> dict[str, Any]:
    shown = circuit.outcomes[:most]
    view = circuit.view.model_dump(mode="json", exclude_none=True, exclude=_NOT_OF_ALL)
    return {
        **view,
        "part": part,
        "place": circuit.place,
        "distinct": len(circuit.outcomes),
        "outcomes": [
            [_bits(one, sanitizer), exact_number(one.count), one.probability] for one in shown
        ],
    }


def _bits(outcome: Outcome, sanitizer: Sanitizer) -> str:
    # Bits alone hide nothing; to search thousands of them for credentials takes seconds.
    if _PLAIN.fullmatch(outcome.bits):
        return outcome.bits
    return sanitizer.one_line("result", outcome.bits)
