"""Results that users save themselves: recognised only where their shape leaves no doubt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.results.test_summary import histograms, single, values_of

from uniqc_mcp.results.streaming import summarise_text
from uniqc_mcp.results.summary import summarise

if TYPE_CHECKING:
    from uniqc_store import JsonValue


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"00": 1.02, "11": -0.02}, [("00", 1.02), ("11", -0.02)]),
        ({"0": -0.25, "1": 1.25}, [("1", 1.25), ("0", -0.25)]),
        ({"0x0": 0.7, "0x3": 0.33, "0x2": -0.01}, [("00", 0.7), ("11", 0.33), ("10", -0.01)]),
        ({"0": 2.0, "1": -1.0}, [("0", 2.0), ("1", -1.0)]),
    ],
)
def test_negative_floats_that_add_up_to_one_are_quasi_probabilities(
    result: JsonValue, expected: list[tuple[str, float]]
) -> None:
    summary = single(result, shots=1000)
    assert (summary.kind, summary.sort) == ("probabilities", "quasi-probabilities")
    assert values_of(summary) == expected
    assert (summary.remaining_probability, summary.total) == (None, None)
    assert "Probabilities below zero: 1." in summary.notes


@pytest.mark.parametrize("result", [{"0": -0.5, "1": 0.6}, {"0": -3.5, "1": 4.5}])
def test_negative_floats_of_another_sum_or_size_are_described(result: JsonValue) -> None:
    assert single(result, shots=1000).kind == "unknown"


@pytest.mark.parametrize("shots", [1000, 990])
def test_fractions_that_add_up_to_the_shots_are_mitigated_counts(shots: int) -> None:
    summary = single({"00": 498.3, "01": -1.5, "11": 503.2}, shots=shots)
    assert (summary.kind, summary.sort, summary.negative) == ("counts", "mitigated counts", 1)
    assert values_of(summary) == [("11", 503.2), ("00", 498.3), ("01", -1.5)]
    assert summary.total == pytest.approx(1000)


@pytest.mark.parametrize("shots", [None, 0, 1, 100])
def test_fractions_that_do_not_add_up_to_the_shots_are_described(shots: int | None) -> None:
    assert single({"00": 498.3, "11": 501.7}, shots=shots).kind == "unknown"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"0b00": 512, "0b11": 488}, [("00", 512), ("11", 488)]),
        ({"0b1": 3, "0b10": 7}, [("10", 7), ("01", 3)]),
        ({"0B0": 0.25, "0b1": 0.75}, [("1", 0.75), ("0", 0.25)]),
    ],
)
def test_binary_numbers_are_shown_as_bits(
    result: JsonValue, expected: list[tuple[str, float]]
) -> None:
    summary = single(result)
    assert (values_of(summary), summary.keys.notation) == (expected, "0b")


def test_the_same_binary_number_twice_is_shown_as_stored() -> None:
    assert values_of(single({"0b1": 3, "0b01": 7})) == [("0b01", 7), ("0b1", 3)]


@pytest.mark.parametrize("register", ["meas", "c", "c0", "量"])
def test_the_outcomes_of_a_single_register_are_shown_with_its_name(register: str) -> None:
    summary = single({register: {"00": 512, "11": 488}}, shots=1000)
    assert values_of(summary) == [("00", 512), ("11", 488)]
    assert summary.register == register


def test_the_outcomes_of_several_registers_are_shown_one_by_one() -> None:
    stored: JsonValue = {"a": {"0": 9, "1": 1}, "b": {"00": 10}}
    summary = summarise(stored, top=4, shots=10, max_circuits=4)
    assert (summary.by_register, summary.batch, summary.total_circuits) == (True, False, 2)
    assert [(part.register, values_of(part)) for part in summary.circuits] == [
        ("a", [("0", 9), ("1", 1)]),
        ("b", [("00", 10)]),
    ]


@pytest.mark.parametrize(
    "result",
    [
        {"a": {"0": 9}, "b": 7},
        {"a": {"0": 9}, "b c": {"0": 9}},
        {"a": {"x": 9}},
        {"a": {"0": -9}},
        {"a": {"0": 0.5}},
        {"a": {}},
        {"a": {"0": None}},
    ],
)
def test_objects_in_an_object_that_are_no_registers_are_described(result: JsonValue) -> None:
    assert single(result).kind == "unknown"


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        (["00", "11", "11"], [("11", 2), ("00", 1)]),
        (["0x0", "0x3", "0x3", "0x1"], [("11", 2), ("00", 1), ("01", 1)]),
        (["1"] * 5, [("1", 5)]),
    ],
)
def test_a_memory_with_an_outcome_for_each_shot_is_counted(
    memory: list[JsonValue], expected: list[tuple[str, float]]
) -> None:
    stored: list[JsonValue] = [memory, {"meas": memory}]
    for result in stored:
        summary = single(result, shots=len(memory))
        assert (summary.sort, values_of(summary)) == ("single shots", expected)


@pytest.mark.parametrize(
    ("result", "shots"),
    [
        (["00", "11"], 1000),
        (["00", "11"], None),
        (["00", "1"], 2),
        (["00", 1], 2),
        (["up", "down"], 2),
    ],
)
def test_a_list_of_texts_that_is_no_memory_is_described(
    result: JsonValue, shots: int | None
) -> None:
    assert single(result, shots=shots).kind == "unknown"


@pytest.mark.parametrize(
    "result",
    [
        [[0, 1], [1, 0], [1, 1]],
        [[0.5, 0.5], [0.1, 0.9], [1, 0]],
        [["00", "11"], ["01", "10"], ["11", "00"]],
        [[[1, 0], [0, 1]], [[1, 0], [0, 1]], [[0, 1], [1, 0]]],
    ],
)
def test_a_list_of_lists_is_no_batch(result: JsonValue) -> None:
    (note,) = single(result, shots=3).notes
    assert note == "A list (entries: 3, all lists) that is not understood as outcomes."
    assert summarise_text(json.dumps(result), top=3, shots=3, max_circuits=3) is None


@settings(deadline=None)
@given(histograms, st.integers(0, 9))
def test_zeros_are_no_outcomes_for_either_reader(counts: dict[str, int], top: int) -> None:
    without = {key: count for key, count in counts.items() if count}
    for stored in (counts, {f"{key:05b}": 0 for key in range(32)} | counts):
        summary = single({**stored}, top=top)
        assert values_of(summary) == values_of(single({**without}, top=top))
        assert summary.distinct == len(without)
        streamed = summarise_text(json.dumps(stored), top=top, shots=None, max_circuits=1)
        assert streamed is None or streamed.circuits == (summary,)
