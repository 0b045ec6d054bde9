"""Comparison of the results of two tasks in words: their outcomes side by side, or why not.

The words hold no text of a record: only strings of 0 and 1, numbers and sentences of this server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.records.alignment import AlignedOutcome, Alignment, Side, align
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.lookup import FoundTask
from uniqc_mcp.tasks.result_models import MAX_CIRCUITS
from uniqc_mcp.token_budget import how_many_fit, max_tokens_of
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_store import Snapshot

MAX_ALIGNED: Final = 4 * 2**20
"""The most bytes of a result that is parsed as a whole to be aligned."""

_OUTCOMES: Final = 12
_OUTCOMES_TOKENS: Final = 550
"""Tokens of all outcomes side by side."""

_OTHER_QUBITS: Final = "The classical bits of the two measure different qubits: see measured."
_CHIP_QUBITS: Final = (
    "The q[] of a batch may be the chip's, so that the record does not tell whether the classical "
    "bits of the two measure the same qubits."
)
_NAMES: Final = ("first", "second")
_CHANCE: Final = "varies by about its square root by chance alone: call only more a difference"
_NO_CHANCE: Final = "rounded probabilities without sampling noise"


def two_tasks(snapshot: Snapshot, task_id: str, other_task_id: str) -> tuple[FoundTask, FoundTask]:
    """Return two tasks from one state of the file.

    Raises:
        InvalidArgumentError: Both ids stand for the same task.
    """
    one = FoundTask.find(snapshot, reference=task_id)
    other = FoundTask.find(snapshot, reference=other_task_id)
    if one.match == other.match:
        raise InvalidArgumentError(
            f"Both ids stand for the task {quoted(one.record.task_id)}; give two different ones."
        )
    return one, other


def compared_in_words(one: FoundTask, other: FoundTask) -> str:
    """Return the outcomes of two tasks side by side, or the reason why they are not."""
    sides: list[list[Side | None]] = []
    for name, task in zip(_NAMES, (one, other), strict=True):
        found = _sides(task)
        if isinstance(found, str):
            return f"The outcomes can't be brought side by side: the {name} {found}."
        sides.append(found)
    first, second = sides
    if len(first) != len(second):
        return (
            "The outcomes can't be brought side by side: the first has "
            f"{len(first)} {plural('circuit', len(first))}, the second {len(second)}."
        )
    return "\n".join(_lines_of_pairs(first, second))


def _lines_of_pairs(first: Sequence[Side | None], second: Sequence[Side | None]) -> Iterator[str]:
    """Yield the circuits side by side that have outcomes in both tasks."""
    places = range(len(first))
    pairs = [
        (place, one, other)
        for place, one, other in zip(places, first, second, strict=True)
        if one is not None and other is not None
    ]
    among = min(len(pairs), MAX_CIRCUITS)
    for place, one, other in pairs[:among]:
        title = f"Circuit {place}. " if len(first) > 1 else ""
        yield from _pair_lines(one, other, title=title, among=among)
    if len(pairs) > among:
        yield f"Circuits that are not side by side here: {len(pairs) - among}."
    if missing := len(first) - len(pairs):
        yield f"Circuits without outcomes in one of the two: {missing} of {len(first)}."


def _sides(task: FoundTask) -> list[Side | None] | str:
    """Return each circuit of a task, or the reason why none can be compared.

    A circuit is None if it has no outcomes, as while its job runs.
    """
    from uniqc_mcp.results.numbers import KeyForm  # noqa: PLC0415 - part of 0.017 s of every start
    from uniqc_mcp.results.shapes import is_batch, read_circuit, unwrapped  # noqa: PLC0415 - too
    from uniqc_mcp.results.summary import summarise_numbers  # noqa: PLC0415 - too

    if (task.record.result_bytes or 0) > MAX_ALIGNED:
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
        side = Side(numbers=numbers, keys=keys, meaning=meaning) if meaning is not None else None
        sides.append(side)
    return sides if any(sides) else "has no outcomes"


def _places(task: FoundTask, circuits: int) -> Sequence[int]:
    # The results of jobs have null where there is none, so each stands at its place.
    return range(circuits) if task.assembled else task.result_record.places_of(circuits)


def _pair_lines(one: Side, other: Side, *, title: str, among: int) -> Iterator[str]:
    aligned = align(one, other)
    if aligned.reason:
        yield f"{title}The outcomes can't be brought side by side: {aligned.reason}."
        return
    yield f"{title}Outcomes of the first | the second, brought to one order (c[0] is the last bit):"
    lines = [_outcome_line(outcome, aligned) for outcome in aligned.outcomes[:_OUTCOMES]]
    shown = how_many_fit(map(max_tokens_of, lines), _OUTCOMES_TOKENS // among)
    yield from lines[:shown]
    if hidden := len(aligned.outcomes) - shown:
        yield f"Less frequent outcomes that are not side by side here: {hidden}."
    if aligned.conditions:
        yield f"That holds only where {' and '.join(aligned.conditions)}."
    if one.names_other_qubits(other):
        yield _CHIP_QUBITS if one.may_name_chip_qubits(other) else _OTHER_QUBITS
    yield _on_chance(one, other)


def _outcome_line(outcome: AlignedOutcome, aligned: Alignment) -> str:
    shown = [
        f"{number:.6g} ({number / total:.3g})" if total > 0 and has_share else f"{number:.6g}"
        for number, total, has_share in zip(
            (outcome.one, outcome.other), aligned.totals, aligned.have_shares, strict=True
        )
    ]
    return f"{outcome.bits}: {' | '.join(shown)}"


def _on_chance(one: Side, other: Side) -> str:
    """Return how much of a difference chance explains."""
    noise = (one.meaning.has_noise, other.meaning.has_noise)
    if noise == (True, True):
        return f"A count {_CHANCE}."
    if noise == (False, False):
        return f"Both are {_NO_CHANCE}: only rounding blurs them, most in the first outcome."
    sentences = [_chance_of(name, has) for name, has in zip(_NAMES, noise, strict=True)]
    return " ".join(sentences)


def _chance_of(name: str, has_noise: bool | None) -> str:  # noqa: FBT001 - one of a pair
    if has_noise is None:
        return f"The record does not tell how much the numbers of the {name} vary by chance."
    if has_noise:
        return f"A count of the {name} {_CHANCE}."
    return f"The numbers of the {name} are {_NO_CHANCE}."
