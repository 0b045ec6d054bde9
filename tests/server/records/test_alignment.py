"""Two results brought to one order and width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniqc_mcp.records.alignment import Alignment, Side
from uniqc_mcp.records.alignment import align as align_by_name
from uniqc_mcp.records.bit_order import HEX, LEFT, RIGHT, UNKNOWN, BitOrder
from uniqc_mcp.records.meaning import Meaning
from uniqc_mcp.records.originir import read_originir
from uniqc_mcp.results.numbers import CircuitNumbers, KeyForm

if TYPE_CHECKING:
    from collections.abc import Mapping

LIKELY = BitOrder(order="right", condition="a later release fetched it")
DOUBTFUL = BitOrder(order="right", condition="so", is_doubtful=True)
MEASURES_TWO = "QINIT 3\nCREG 2\nMEASURE q[0], c[0]\nMEASURE q[1], c[1]"


def side(
    counts: Mapping[str, float],
    order: BitOrder = RIGHT,
    *,
    circuit: str = "",
    not_comparable: str = "",
) -> Side:
    return Side(
        numbers=CircuitNumbers(kind="counts", sort="counts", counts=counts),
        keys=KeyForm.of(counts.keys()),
        meaning=Meaning(
            numbers="counted shots",
            order=order,
            circuit=read_originir(circuit),
            not_comparable=not_comparable,
        ),
    )


def align(one: Side, other: Side) -> Alignment:
    return align_by_name({"first": one, "second": other})


def rows(aligned: Alignment) -> list[tuple[str, float, float]]:
    assert not aligned.reasons
    found: list[tuple[str, float, float]] = []
    for outcome in aligned.outcomes:
        one, other = outcome.numbers
        found.append((outcome.bits, one, other))
    return found


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (side({"100": 9, "000": 1}, LEFT), side({"001": 8}), [("001", 9, 8), ("000", 1, 0)]),
        (side({"0x1": 9}, HEX), side({"001": 8}), [("001", 9, 8)]),
        (side({"0x4": 9}, HEX), side({"001": 8}, LEFT), [("100", 9, 8)]),
        (side({"010": 9}), side({"10": 8}), [("010", 9, 8)]),
        (
            side({"010": 9}, circuit=MEASURES_TWO),
            side({"10": 8}, circuit=MEASURES_TWO),
            [("10", 9, 8)],
        ),
        (
            side({"0": 3, "1": 7}),
            side({"00001": 8}, circuit=MEASURES_TWO),
            [("01", 7, 8), ("00", 3, 0)],
        ),
        (side({"0": 5, "00": 5}), side({"0": 9}), [("00", 10, 9)]),
        (side({"00": -5, "01": 0, "11": 15}), side({"11": 9}), [("11", 15, 9), ("00", -5, 0)]),
    ],
)
def test_equal_outcomes_get_equal_keys(
    one: Side, other: Side, expected: list[tuple[str, float, float]]
) -> None:
    assert rows(align(one, other)) == expected
    turned = [(bits, second, first) for bits, first, second in expected]
    assert sorted(rows(align(other, one))) == sorted(turned)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (side({"0": 9}, UNKNOWN), "the record does not tell which end of its keys is c[0]"),
        (side({"0": 9}, DOUBTFUL), "the bit order is right if so"),
        (side({"0": 9}, not_comparable="it is odd"), "it is odd"),
        (side({"0": 9, "10": 9}, LEFT), "its keys begin with c[0] and differ in width"),
        (side({"0" * 300: 9}), "its keys have more than 256 characters"),
    ],
)
def test_a_result_that_can_not_be_aligned_is_named_with_the_reason(one: Side, reason: str) -> None:
    assert align(one, side({"0": 9})) == Alignment(reasons=(f"of the first, {reason}",))
    assert align(side({"0": 9}), one) == Alignment(reasons=(f"of the second, {reason}",))


def test_likely_orders_are_told_with_their_condition() -> None:
    aligned = align(side({"001": 9}, LIKELY), side({"001": 8}))
    assert rows(aligned) == [("001", 9, 8)]
    assert aligned.conditions == (
        "the bit order of the first is right if a later release fetched it",
    )
    both = align(side({"001": 9}, LIKELY), side({"001": 8}, LIKELY))
    assert both.conditions == ("the bit order of both is right if a later release fetched it",)


def test_likely_orders_that_agree_better_reversed_are_not_aligned() -> None:
    one, other = side({"100": 96, "000": 4}, LIKELY), side({"001": 95, "000": 5}, LIKELY)
    (reason,) = align(one, other).reasons
    assert reason == (
        "of the first and the second, the orders are likely only, and they agree in 99% of the "
        "shots if the keys of one are reversed, in 4% if not"
    )


def test_certain_orders_are_aligned_however_little_they_agree() -> None:
    assert not align(side({"100": 96}), side({"001": 95})).reasons


def test_bits_of_other_qubits_do_not_cast_doubt_on_an_order() -> None:
    other = "QINIT 2\nMEASURE q[1], c[0]\nMEASURE q[0], c[1]"
    one = side({"01": 9}, LIKELY, circuit=MEASURES_TWO)
    assert one.names_other_qubits(side({"10": 9}, LIKELY, circuit=other))
    assert not align(one, side({"10": 9}, LIKELY, circuit=other)).reasons
    assert align(one, side({"10": 9}, LIKELY, circuit=MEASURES_TWO)).reasons


@given(
    st.dictionaries(st.integers(0, 31), st.integers(1, 50), min_size=1),
    st.sampled_from([RIGHT, LEFT, HEX]),
    st.sampled_from([RIGHT, LEFT, HEX]),
)
def test_the_same_counts_in_any_two_orders_are_equal(
    counts: dict[int, int], first: BitOrder, second: BitOrder
) -> None:
    def written(order: BitOrder) -> Side:
        if order is HEX:
            return side({hex(state): count for state, count in counts.items()}, order)
        step = -1 if order is LEFT else 1
        return side({f"{state:05b}"[::step]: count for state, count in counts.items()}, order)

    found = rows(align(written(first), written(second)))
    assert {int(bits, 2): one for bits, one, _ in found} == counts
    assert all(one == other for _, one, other in found)
