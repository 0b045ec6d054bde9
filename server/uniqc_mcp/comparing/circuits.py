"""Model of one circuit's outcomes in several tasks, side by side, or why they are not.

It holds no text of a record: only strings of 0 and 1, numbers and sentences of this server.
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, Annotated, Final, Self, TypeAlias

from pydantic import Field

from uniqc_mcp.comparing.pairs import PairView, distances_of, on_chance
from uniqc_mcp.comparing.sides import sides_of
from uniqc_mcp.records.alignment import align
from uniqc_mcp.responses.base import OMIT_EMPTY, OptionalInt, OptionalTexts, Wire
from uniqc_mcp.responses.numbers import exact_integer
from uniqc_mcp.responses.text import plural
from uniqc_mcp.tasks.result_models import MAX_CIRCUITS
from uniqc_mcp.token_budget import how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uniqc_mcp.records.alignment import AlignedOutcome, Alignment, Column, Side
    from uniqc_mcp.tasks.lookup import FoundTask

Cell: TypeAlias = str | int | float

NAMES: Final = ("first", "second", "third", "fourth", "fifth", "sixth")
"""The names of the tasks in an answer, in their order."""

_MAX_OUTCOMES: Final = 12
_PAIR_TOKENS: Final = 110
"""Tokens of the distances of one pair, as text and as structured content together."""

_NOTES_TOKENS: Final = 200
"""Tokens of the sentences on one circuit, in both channels."""

_SHARED_NOTES_TOKENS: Final = 400
_FEWEST_ROWS: Final = 3
_CELL_TOKENS: Final = 24
"""Tokens of a number with its share, in both channels."""

_REFUSED: Final = "The outcomes can't be brought side by side"


class ComparedCircuit(Wire):
    """One circuit: its outcomes in each task, and the distances of each pair."""

    place: OptionalInt = None
    columns: OptionalTexts = Field(default_factory=list[str])
    rows: Annotated[list[list[Cell]], OMIT_EMPTY] = Field(default_factory=list[list[Cell]])
    distances: Annotated[list[PairView], OMIT_EMPTY] = Field(default_factory=list[PairView])
    notes: OptionalTexts = Field(default_factory=list[str])

    @classmethod
    def of(cls, sides: Mapping[str, Side], *, place: int | None, tokens: int) -> Self:
        """Return one circuit of some tasks, by their names.

        Args:
            sides: The outcomes of each task.
            place: The place of the circuit in its batch; None for a single one.
            tokens: Tokens that the rows may take in one channel.
        """
        aligned = align(sides)
        reasons = "; ".join(aligned.reasons)
        if not aligned.columns:
            return cls(place=place, notes=[f"{_REFUSED}: {reasons}."])
        pairs, on_pairs = distances_of(aligned.columns)
        rows = _rows(aligned, tokens)
        notes = [f"Not side by side: {reasons}."] if reasons else []
        if hidden := len(aligned.outcomes) - len(rows):
            notes.append(f"Less frequent outcomes that are not side by side here: {hidden}.")
        if aligned.conditions:
            notes.append(f"The order is likely, not certain: {'; '.join(aligned.conditions)}.")
        return cls(
            place=place,
            columns=["bits", *_headings(aligned.columns)],
            rows=rows,
            distances=pairs,
            notes=[*notes, *_other_totals(aligned.columns), *on_pairs, on_chance(aligned.columns)],
        )

    def lines(self) -> list[str]:
        """Return the circuit as text."""
        title = "" if self.place is None else f"Circuit {self.place}. "
        if not self.columns:
            return [f"{title}{' '.join(self.notes)}"]
        named = [name for name in self.columns if name in NAMES]
        tasks = " | ".join(f"the {name}" for name in named)
        return [
            f"{title}Outcomes of {tasks}, brought to one order (c[0] is the last bit):",
            *(_row_in_words(row, self.columns) for row in self.rows),
            *(pair.line for pair in self.distances),
            *self.notes,
        ]


def compare_circuits(
    tasks: Sequence[FoundTask], *, tokens: int
) -> tuple[list[ComparedCircuit], list[str]]:
    """Return the circuits of some tasks side by side, and sentences on what is not.

    Args:
        tasks: The tasks.
        tokens: Tokens that all circuits may take in both channels.
    """
    sides, notes = _sides_by_name(tasks)
    if not sides:
        return [], notes
    circuits = len(next(iter(sides.values())))
    by_place = [
        {name: side for name, all_sides in sides.items() if (side := all_sides[place]) is not None}
        for place in range(circuits)
    ]
    places = [place for place, found in enumerate(by_place) if len(found) > 1]
    tokens -= _SHARED_NOTES_TOKENS
    fixed = _NOTES_TOKENS + comb(len(sides), 2) * _PAIR_TOKENS
    least = fixed + _FEWEST_ROWS * _CELL_TOKENS * (len(sides) + 1)
    among = max(1, min(len(places), MAX_CIRCUITS, tokens // least))
    room = max(0, tokens // among - fixed) // 2
    shown = [
        ComparedCircuit.of(by_place[place], place=place if circuits > 1 else None, tokens=room)
        for place in places[:among]
    ]
    shown, shared = _without_shared_notes(shown)
    notes += shared
    if len(places) > among:
        notes.append(f"Circuits that are not side by side here: {len(places) - among}.")
    if missing := sum(len(found) < len(sides) for found in by_place):
        tasks_in_words = "the two" if len(sides) == 2 else "the tasks"  # noqa: PLR2004 - English
        notes.append(
            f"Circuits without outcomes in one of {tasks_in_words}: {missing} of {circuits}."
        )
    return shown, notes


def _without_shared_notes(
    circuits: Sequence[ComparedCircuit],
) -> tuple[list[ComparedCircuit], list[str]]:
    """Return the circuits of a batch without the sentences of all of them, and these."""
    if len(circuits) < 2:  # noqa: PLR2004 - a single circuit keeps its own
        return [*circuits], []
    shared = [note for note in circuits[0].notes if all(note in one.notes for one in circuits)]
    return [
        one.model_copy(update={"notes": [note for note in one.notes if note not in shared]})
        for one in circuits
    ], shared


def _sides_by_name(
    tasks: Sequence[FoundTask],
) -> tuple[dict[str, list[Side | None]], list[str]]:
    """Return the circuits of the tasks that have equally many, and why others are left out."""
    sides: dict[str, list[Side | None]] = {}
    reasons: list[str] = []
    for name, task in zip(NAMES, tasks, strict=False):
        found = sides_of(task)
        if isinstance(found, str):
            reasons.append(f"the {name} {found}")
            continue
        begun, first = next(iter(sides.items()), (name, found))
        if len(found) == len(first):
            sides[name] = found
            continue
        noun = plural("circuit", len(first))
        reasons.append(f"the {begun} has {len(first)} {noun}, the {name} {len(found)}")
    told = "; ".join(reasons)
    if len(sides) > 1:
        return sides, [f"Not side by side: {told}."] if told else []
    return {}, [f"{_REFUSED}: {told}."]


def _other_totals(columns: Sequence[Column]) -> Iterator[str]:
    """Yield a sentence on counts that do not add up to the shots of their tasks."""
    told = [
        f"the {column.name} {column.total:.9g} of {shots}"
        for column in columns
        if (shots := column.side.shots) is not None
        and column.side.numbers.counts
        and abs(column.total - shots) >= 1
    ]
    if told:
        yield f"Counts that do not add up to the task's shots: {', '.join(told)}."


def _headings(columns: Sequence[Column]) -> list[str]:
    """Return the names of the columns: each task, and its share where shares mean anything."""
    return [
        heading
        for column in columns
        for heading in (column.name, *([f"share of {column.name}"] if column.has_shares else []))
    ]


def _rows(aligned: Alignment, tokens: int) -> list[list[Cell]]:
    rows = [_row(outcome, aligned.columns) for outcome in aligned.outcomes[:_MAX_OUTCOMES]]
    sizes = (max_tokens_of(" | ".join(map(str, row))) + 3 * len(row) for row in rows)
    return rows[: how_many_fit(sizes, tokens)]


def _row(outcome: AlignedOutcome, columns: Sequence[Column]) -> list[Cell]:
    row: list[Cell] = [outcome.bits]
    for number, column in zip(outcome.numbers, columns, strict=True):
        row.append(_number(number))
        if column.has_shares:
            row.append(float(f"{number / column.total:.3g}"))
    return row


def _number(number: float) -> Cell:
    if number % 1:
        return float(f"{number:.6g}")
    return exact_integer(int(number))


def _row_in_words(row: Sequence[Cell], columns: Sequence[str]) -> str:
    told: list[str] = []
    for cell, heading in zip(row, columns, strict=True):
        if heading in NAMES:
            told.append(str(cell))
        elif told:
            told[-1] += f" ({cell:g})"
    return f"{row[0]}: {' | '.join(told)}"
