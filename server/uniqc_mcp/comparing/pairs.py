"""Model of the distances between the outcomes of two tasks, and the reasons why there are none."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.alignment import all_of
from uniqc_mcp.records.distances import Distances
from uniqc_mcp.responses.base import OptionalFloat, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uniqc_mcp.records.alignment import Column

_DIGITS: Final = 3
_MAX_TOLD: Final = 6
_CHANCE: Final = "varies by about its square root by chance alone: only a larger difference counts"
_NO_CHANCE: Final = "rounded probabilities without sampling noise"
_BLURRED: Final = "only rounding blurs them, most in the first outcome"
_BY_CHANCE: Final = (
    "By chance: what to expect if both are samples of one distribution, over all splits of their "
    "pooled shots; total variation as the mean, Hellinger as the root mean square."
)


class PairView(Wire):
    """The distances between two tasks, and those to expect by chance alone."""

    tasks: str
    total_variation: float
    total_variation_by_chance: OptionalFloat = None
    hellinger: float
    hellinger_by_chance: OptionalFloat = None

    @classmethod
    def of(cls, one: Column, other: Column) -> Self:
        """Return the distances of two results; by chance, only where both count shots."""
        found = Distances.between(one.states, other.states)
        chance = None
        if one.side.meaning.has_noise and other.side.meaning.has_noise:
            chance = Distances.by_chance(one.states, other.states)
        return cls(
            tasks=f"{one.name}, {other.name}",
            total_variation=_rounded(found.total_variation),
            total_variation_by_chance=_rounded(chance.total_variation) if chance else None,
            hellinger=_rounded(found.hellinger),
            hellinger_by_chance=_rounded(chance.hellinger) if chance else None,
        )

    @property
    def line(self) -> str:
        """The distances as text."""
        total = _beside(self.total_variation, self.total_variation_by_chance)
        root = _beside(self.hellinger, self.hellinger_by_chance)
        return f"{self.tasks}: total variation distance {total}, Hellinger distance {root}"


def distances_of(columns: Sequence[Column]) -> tuple[list[PairView], list[str]]:
    """Return the distances of each pair that has some, and sentences on the others."""
    refused = {column.name: reason for column in columns if (reason := _no_shares(column))}
    able = [column for column in columns if column.name not in refused]
    pairs = [
        PairView.of(one, other)
        for one, other in combinations(able, 2)
        if not one.side.names_other_qubits(other.side)
    ]
    notes = list(_on_refused(refused, columns))
    if any(pair.total_variation_by_chance is not None for pair in pairs):
        notes.append(_BY_CHANCE)
    # Outcomes stand side by side also where there is no distance.
    differ = [
        (one, other)
        for one, other in combinations(columns, 2)
        if one.side.names_other_qubits(other.side)
    ]
    return pairs, [*notes, *_on_qubits(differ, columns)]


def on_chance(columns: Sequence[Column]) -> str:
    """Return how much of a difference chance explains."""
    named: dict[bool | None, list[str]] = {}
    for column in columns:
        named.setdefault(column.side.meaning.has_noise, []).append(column.name)
    if [*named] == [True]:
        return f"A count {_CHANCE}."
    if [*named] == [False]:
        both = all_of(named[False], len(columns))
        return f"{both.capitalize()} are {_NO_CHANCE}: {_BLURRED}."
    return " ".join(_chance_of(all_of(names, 0), has) for has, names in named.items())


def _chance_of(names: str, has_noise: bool | None) -> str:  # noqa: FBT001 - a key of a table
    if has_noise is None:
        return f"The record does not tell how much the numbers of {names} vary by chance."
    if has_noise:
        return f"A count of {names} {_CHANCE}."
    return f"The numbers of {names} are {_NO_CHANCE}."


def _on_refused(refused: Mapping[str, str], columns: Sequence[Column]) -> Iterator[str]:
    """Yield sentences on results to which there is no distance; one where there are only two."""
    if len(columns) > 2:  # noqa: PLR2004 - more than one pair
        yield from (f"No distance to the {name}: {reason}." for name, reason in refused.items())
        return
    named: dict[str, list[str]] = {}
    for name, reason in refused.items():
        named.setdefault(reason, []).append(name)
    reasons = (f"of {all_of(names, 2)}, {reason}" for reason, names in named.items())
    if refused:
        yield f"There is no distance: {'; '.join(reasons)}."


def _no_shares(column: Column) -> str:
    """Return why there is no distance to a result; empty if there may be one."""
    if column.side.meaning.may_be_rounded:
        return f"its numbers are {column.side.meaning.numbers}"
    if not column.has_shares:
        return "some of its numbers are below zero, or all are zero"
    return ""


def _on_qubits(pairs: Sequence[tuple[Column, Column]], columns: Sequence[Column]) -> Iterator[str]:
    """Yield sentences on pairs whose recorded circuits measure qubits of different names."""
    unknown = [column.name for column in columns if column.side.meaning.circuit is None]
    if unknown and len(unknown) < len(columns):
        yield f"The record does not tell which qubits {all_of(unknown, 0)} measured."
    if not pairs:
        return
    chips: list[tuple[Column, Column]] = []
    sure: list[tuple[Column, Column]] = []
    for one, other in pairs:
        (chips if one.side.may_name_chip_qubits(other.side) else sure).append((one, other))
    if chips:
        yield (
            "The q[] of a batch may be the chip's, so that the record does not tell whether the "
            f"classical bits of {_names(chips, columns)} measure the same qubits; there is no "
            "distance of these."
        )
    if sure:
        yield (
            f"The classical bits of {_names(sure, columns)} measure {_unlike(sure)}; there is no "
            "distance of these."
        )
    told = (
        f"{column.name} {column.side.meaning.circuit.measured_text()}"
        for column in columns
        if column.side.meaning.circuit is not None
    )
    yield f"Measured: {' | '.join(told)}."


def _unlike(pairs: Sequence[tuple[Column, Column]]) -> str:
    """Return the difference between the measurements of pairs, in words."""
    if all(one.side.measures_part_of(other.side) for one, other in pairs):
        return "the same qubits, but one of them measures more bits"
    return "different qubits"


def _names(pairs: Sequence[tuple[Column, Column]], columns: Sequence[Column]) -> str:
    if len(columns) == 2:  # noqa: PLR2004 - one pair
        return "the two"
    named = [all_of([one.name, other.name], 0) for one, other in pairs[:_MAX_TOLD]]
    more = f" and {len(pairs) - _MAX_TOLD} more pairs" if len(pairs) > _MAX_TOLD else ""
    return f"{', of '.join(named)}{more}"


def _rounded(distance: float) -> float:
    return float(f"{distance:.{_DIGITS}g}")


def _beside(distance: float, by_chance: float | None) -> str:
    return f"{distance:g}" if by_chance is None else f"{distance:g} ({by_chance:g} by chance)"
