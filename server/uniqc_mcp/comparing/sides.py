"""The circuits of a task with their outcomes, as far as they can stand beside others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.alignment import Side
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_mcp.tasks.lookup import FoundTask

MAX_ALIGNED: Final = 4 * 2**20
"""The most bytes of a result that is parsed as a whole to be aligned."""


def sides_of(task: FoundTask) -> list[Side | None] | str:
    """Return each circuit of a task, or the reason why none can be compared.

    A circuit is None if it has no outcomes, as while its job runs.
    """
    from uniqc_mcp.results.numbers import KeyForm  # noqa: PLC0415 - part of 0.017 s of every start
    from uniqc_mcp.results.shapes import is_batch, read_circuit, unwrapped  # noqa: PLC0415 - too
    from uniqc_mcp.results.summary import summarise_numbers  # noqa: PLC0415 - too

    if task.result_elsewhere:
        return "has a result that stayed on its machine"
    if max(task.record.result_bytes or 0, len(task.result_text)) > MAX_ALIGNED:
        return f"has a result of more than {MAX_ALIGNED} bytes"
    if not task.result_text:
        return "has no result"
    try:
        result = parse_json(task.result_text)
    except ValueError:
        return "has a result that is not JSON"
    known = task.result_record
    circuits = [result]
    if isinstance(result, list) and is_batch(result):
        circuits = [unwrapped(entry) for entry in result]
    sides: list[Side | None] = []
    for place, circuit in zip(_places(task, len(circuits)), circuits, strict=True):
        numbers = read_circuit(circuit, known.shots)
        meaning = known.meaning_of(summarise_numbers(numbers, top=0, shots=known.shots), place)
        keys = KeyForm.of(numbers.values.keys())
        if meaning is None:
            sides.append(None)
            continue
        side = Side(numbers=numbers, keys=keys, meaning=meaning, shots=known.shots)
        sides.append(side)
    return sides if any(sides) else "has no outcomes"


def _places(task: FoundTask, circuits: int) -> Sequence[int]:
    # The results of jobs have null where there is none, so each stands at its place.
    return range(circuits) if task.assembled else task.result_record.places_of(circuits)
