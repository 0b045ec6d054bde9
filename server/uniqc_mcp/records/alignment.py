"""Results brought to one order and width of bits, so that equal outcomes have equal keys."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_mcp.records.bit_order import BitOrder
    from uniqc_mcp.records.meaning import Meaning
    from uniqc_mcp.results.numbers import CircuitNumbers, KeyForm

_MAX_WIDTH: Final = 256
"""Characters of a key that is shown beside another."""

_MARGIN: Final = 0.1
"""The share of the shots by which reversed keys must agree better to cast doubt on an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two results.

    Attributes:
        numbers: Its numbers by stored key.
        keys: The form of its keys.
        meaning: The meaning of its numbers.
        shots: What its counts should add up to; None where that is not known.
    """

    numbers: CircuitNumbers
    keys: KeyForm
    meaning: Meaning
    shots: int | None = None

    @property
    def order(self) -> BitOrder:
        """The order of the bits in its keys."""
        return self.meaning.order

    @property
    def not_comparable(self) -> str:
        """The reason why it can't be compared with another; empty if it can."""
        if self.meaning.not_comparable:
            return self.meaning.not_comparable
        if self.order.order == "unknown":
            return "the record does not tell which end of its keys is c[0]"
        if self.order.order == "left" and self.keys.shortest < self.keys.longest:
            return "its keys begin with c[0] and differ in width"
        if self.order.is_doubtful:
            return f"the bit order is {self.order}"
        if self.keys.longest > _MAX_WIDTH:
            return f"its keys have more than {_MAX_WIDTH} characters"
        return ""

    @property
    def has_negative(self) -> bool:
        """True if numbers below zero leave its shares without a meaning."""
        return min(self.numbers.values.values(), default=0) < 0

    def names_other_qubits(self, other: Side) -> bool:
        """Return whether the recorded circuits of both measure qubits of different names."""
        one, two = self.meaning.circuit, other.meaning.circuit
        if one is None or two is None or not (one.measured and two.measured):
            return False
        return one.measured != two.measured

    def measures_part_of(self, other: Side) -> bool:
        """Return whether one circuit measures all that the other does, and more, bit by bit."""
        one, two = self.meaning.circuit, other.meaning.circuit
        if one is None or two is None:
            return False
        pairs, others = one.measured.items(), two.measured.items()
        return pairs < others or others < pairs

    def may_name_chip_qubits(self, other: Side) -> bool:
        """Return whether the qubits of either may be named by their place on the chip."""
        return self.meaning.may_name_chip_qubits or other.meaning.may_name_chip_qubits

    def states(self) -> dict[int, float]:
        """Return the numbers by state, whose bit i is c[i]; without zeros."""
        return _by_state(self.numbers.values, self.order, self.keys, self.meaning.places)

    def width(self, states: Mapping[int, float]) -> int:
        """Return the bits that its keys need: those measured, and all up to the highest 1."""
        needed = max(states, default=0).bit_length()
        circuit = self.meaning.circuit
        if circuit is None or not circuit.bits:
            return max(needed, 1 if self.keys.width else self.keys.longest)
        return max(needed, circuit.bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One of the results that stand side by side.

    Attributes:
        name: Its name in sentences: ``first``.
        side: The result.
        states: Its numbers by state, whose bit i is c[i]; without zeros.
        total: The sum of its numbers, by which shares are computed.
    """

    name: str
    side: Side
    states: Mapping[int, float]
    total: float

    @classmethod
    def of(cls, name: str, side: Side) -> Self:
        """Return a result whose keys can be brought to one order."""
        states = side.states()
        return cls(name=name, side=side, states=states, total=fsum(states.values()))

    @property
    def has_shares(self) -> bool:
        """True if shares mean anything: no number is negative, and some are above zero."""
        return self.total > 0 and not self.side.has_negative


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedOutcome:
    """One outcome with its number in each column; 0 where a column does not have it."""

    bits: str
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Results side by side.

    Attributes:
        columns: The results, two at least; none if fewer can be brought to one order.
        outcomes: All outcomes, the most frequent in any column first, with c[0] as the last bit.
        conditions: The conditions under which it holds, in words.
        reasons: The reasons why other results are not among the columns.
    """

    columns: tuple[Column, ...] = ()
    outcomes: tuple[AlignedOutcome, ...] = ()
    conditions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def align(sides: Mapping[str, Side]) -> Alignment:
    """Return results side by side, by their names, or the reasons why they can't be.

    Keys with c[0] on the left are reversed. Keys with c[0] on the right get zeros on the left.
    """
    columns: list[Column] = []
    reasons: list[str] = []
    for name, side in sides.items():
        if side.not_comparable:
            reasons.append(f"of the {name}, {side.not_comparable}")
            continue
        column = Column.of(name, side)
        doubt = next(filter(None, (_doubt(other, column) for other in columns)), "")
        if doubt:
            reasons.append(doubt)
        else:
            columns.append(column)
    if len(columns) < 2:  # noqa: PLR2004 - one alone stands beside nothing
        return Alignment(reasons=tuple(reasons))
    return Alignment(
        columns=tuple(columns),
        outcomes=_outcomes(columns),
        conditions=_conditions(columns),
        reasons=tuple(reasons),
    )


def _outcomes(columns: Sequence[Column]) -> tuple[AlignedOutcome, ...]:
    width = max(column.side.width(column.states) for column in columns)
    states = dict.fromkeys(state for column in columns for state in column.states)
    outcomes = [
        AlignedOutcome(
            bits=format(state, f"0{width}b"),
            numbers=tuple(column.states.get(state, 0) for column in columns),
        )
        for state in states
    ]
    totals = [column.total for column in columns]
    outcomes.sort(key=lambda outcome: (-_weight(outcome.numbers, totals), outcome.bits))
    return tuple(outcomes)


def _conditions(columns: Sequence[Column]) -> tuple[str, ...]:
    names: dict[str, list[str]] = {}
    for column in columns:
        if column.side.order.condition:
            names.setdefault(str(column.side.order), []).append(column.name)
    return tuple(
        f"the bit order of {all_of(named, len(columns))} is {order}"
        for order, named in names.items()
    )


def all_of(names: Sequence[str], among: int) -> str:
    """Return ``the first and the third``; ``both`` or ``all`` where these are all there are."""
    if len(names) == among and among > 1:
        return "both" if among == 2 else "all"  # noqa: PLR2004 - the English word for two
    return " and ".join(f"the {name}" for name in names)


def _by_state(
    values: Mapping[str, float], order: BitOrder, keys: KeyForm, places: Sequence[int]
) -> dict[int, float]:
    base = 16 if keys.notation == "hex" else 2
    step = -1 if order.order == "left" else 1
    states: dict[int, float] = {}
    for key, value in values.items():
        if value:
            state = int(key[::step], base)
            if places:
                state = _spread(state, places)
            states[state] = states.get(state, 0) + value
    return states


def _spread(state: int, places: Sequence[int]) -> int:
    """Return a state whose i-th bit stands at the i-th place; bits beyond those follow the last."""
    size = len(places)
    beyond = (state >> size) << (places[-1] + 1)
    return beyond | sum(1 << place for i, place in enumerate(places) if state >> i & 1)


def _doubt(first: Column, second: Column) -> str:
    """Return why likely orders may differ: with the keys of one reversed, both agree better."""
    one, other = first.side, second.side
    # Where the bits measure other qubits, reversed keys may well agree better.
    if one.names_other_qubits(other) and not one.may_name_chip_qubits(other):
        return ""
    as_stored = _agreement(first.states, second.states)
    # Widths may differ, so only keys whose order is likely are reversed.
    turned = max(
        (
            _agreement(_reversed(states, side.keys.longest), others)
            for side, states, others in (
                (one, first.states, second.states),
                (other, second.states, first.states),
            )
            if side.order.condition and side.keys.notation == "bits"
        ),
        default=0,
    )
    if turned < as_stored + _MARGIN:
        return ""
    return (
        f"of the {first.name} and the {second.name}, the orders are likely only, and they agree in "
        f"{turned:.0%} of the shots if the keys of one are reversed, in {as_stored:.0%} if not"
    )


def _reversed(states: Mapping[int, float], width: int) -> dict[int, float]:
    return {int(format(state, f"0{width}b")[::-1], 2): number for state, number in states.items()}


def _agreement(first: Mapping[int, float], second: Mapping[int, float]) -> float:
    """Return the share that both distributions have in common, from 0 to 1."""
    one, other = fsum(first.values()), fsum(second.values())
    if one <= 0 or other <= 0:
        return 0.0
    common = (min(number / one, second.get(state, 0) / other) for state, number in first.items())
    return fsum(common)


def _weight(numbers: Sequence[float], totals: Sequence[float]) -> float:
    shares = zip(numbers, totals, strict=True)
    return max(number / total if total > 0 else number for number, total in shares)
