"""Numbers that no shot counted, in the shapes that users save."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.server.records.test_result_cases import result_of, task

if TYPE_CHECKING:
    from tests.server.conftest import Cache

WIDE = "0" * 10


@pytest.mark.parametrize("backend", ["originq:W", "ibm:ibm_fez", "dummy:local:mps-linear-3"])
@pytest.mark.parametrize("counts", [{"00": 1003, "11": -3}, {"00": 1003.0, "11": -3.0}])
async def test_counts_below_zero_were_corrected(
    cache: Cache, backend: str, counts: dict[str, float]
) -> None:
    cache.write(task(counts, backend=backend), version=5)
    text, result = await result_of(cache)
    assert result["numbers"] == "corrected counts"
    assert "No shot is counted below zero" in text


async def test_bytes_of_an_unknown_number_of_shots_are_not_said_to_differ(cache: Cache) -> None:
    cache.write(task({WIDE: 2000}, backend="ibm:ibm_fez", shots=0), version=5)
    text, result = await result_of(cache)
    assert result["numbers"] == "counts, perhaps of bytes of shots"
    assert "do not add up" not in text
    assert "the number of shots, which would tell, is not recorded" in text


@pytest.mark.parametrize(
    ("result", "numbers", "said"),
    [
        ({"counts": {"00": 498.3, "11": 501.7}}, "mitigated counts", "11 501.7x"),
        ({"probabilities": {"00": 1.02, "11": -0.02}}, "quasi-probabilities", "00 1.02"),
    ],
)
@pytest.mark.parametrize("backend", ["ibm:ibm_fez", "quafu:ScQ-P18"])
async def test_labelled_numbers_are_read_as_unlabelled_ones_are(
    cache: Cache, backend: str, result: object, numbers: str, said: str
) -> None:
    cache.write(task(result, backend=backend), version=5)
    text, told = await result_of(cache)
    assert (told["numbers"], told["bit_order"]) == (numbers, "unknown")
    assert said in text


@pytest.mark.parametrize("shots", [0, 10, 5000])
async def test_labelled_fractions_that_are_no_counts_are_left_out(cache: Cache, shots: int) -> None:
    cache.write(task({"counts": {"00": 498.3, "11": 501.7}}, backend="ibm", shots=shots))
    text, told = await result_of(cache)
    assert (told["kind"], told["outcomes"]) == ("unknown", [])
    assert "The counts are left out: not understood." in text


async def test_keys_with_0b_are_said_to_be_stored_so(cache: Cache) -> None:
    cache.write(task({"0b00": 400, "0b11": 600}, backend="originq:W"))
    text, told = await result_of(cache)
    assert [outcome["bits"] for outcome in told["outcomes"]] == ["11", "00"]
    assert "The keys are stored with 0b before their bits." in text


async def test_registers_in_a_list_of_one_are_registers(cache: Cache) -> None:
    cache.write(task([{"a": {"0": 1000}, "b": {"1": 1000}}], backend="ibm:ibm_fez"))
    text, told = await result_of(cache)
    assert (told["kind"], told["circuits"], len(told["batch"])) == ("registers", 1, 2)
    assert 'Outcomes of the classical register "b".' in text
