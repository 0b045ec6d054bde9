"""Keys that are narrower or wider than what the recorded circuit measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.server.comparing.test_in_words import REFUSED, compare
from tests.server.records.test_result_cases import AFTER, job, measure, result_of, task

if TYPE_CHECKING:
    from tests.server.conftest import Cache

FOUR = measure(0, 1, 2, 3)
GAP = "QINIT 9\nCREG 5\nMEASURE q[0], c[0]\nMEASURE q[1], c[3]\n"
MEASURES_NOTHING = "QINIT 1\nCREG 1\nX q[0]\n"
BATCH: dict[str, Any] = {"batch": True, "batch_size": 1}


@pytest.mark.parametrize(
    "backend",
    ["quafu:ScQ-P18", "quark:Baihua", "tianyan:t", "other:x", "dummy:local:mps-linear-4"],
)
async def test_missing_bits_are_called_zero_of_originq_alone(cache: Cache, backend: str) -> None:
    cache.write(task({"00": 600, "10": 400}, backend=backend, circuit=FOUR), version=5)
    text, _ = await result_of(cache)
    assert "others are 0" not in text
    assert "Keys have 2 of 4 measured bits; the record does not tell which." in text


@pytest.mark.parametrize(("backend", "version"), [("quafu", 3), ("tianyan:t", 5)])
def test_keys_that_lack_unknown_bits_are_not_compared(
    cache: Cache, backend: str, version: int
) -> None:
    cache.write(
        task({"00": 600, "10": 400}, backend=backend, circuit=FOUR),
        task({"0000": 600, "0010": 400}, backend="originq:W", circuit=FOUR),
        version=version,
    )
    assert f"{REFUSED}of the first, its keys lack measured bits" in compare(cache)


@pytest.mark.parametrize("backend", ["dummy:local:simulator", "dummy:local:mps-linear-3"])
def test_bits_that_a_simulator_leaves_out_are_put_back_in_a_comparison(
    cache: Cache, backend: str
) -> None:
    cache.write(
        task({"10": 900, "01": 100}, backend=backend, circuit=GAP),
        task({"01000": 910, "00001": 90}, backend="ibm:ibm_fez", circuit=GAP),
        version=5,
    )
    words = compare(cache)
    assert "\n1000: 900 (0.9) | 910 (0.91)\n0001: 100 (0.1) | 90 (0.09)\n" in words


async def test_bits_that_may_be_left_out_are_told_and_not_compared(cache: Cache) -> None:
    cache.write(
        task({"10": 1000}, backend="originq:W", circuit=GAP),
        task({"01000": 1000}, backend="ibm:ibm_fez", circuit=GAP),
        version=5,
    )
    text, _ = await result_of(cache)
    assert "the record does not tell whether keys leave out the others" in text
    assert f"{REFUSED}of the first, its keys may leave out the bits" in compare(cache)


async def test_keys_as_wide_as_the_register_leave_nothing_out(cache: Cache) -> None:
    cache.write(task({"01000": 1000}, backend="originq:W", circuit=GAP), version=5)
    text, _ = await result_of(cache)
    assert "leave out" not in text


def batch_of_one(counts: dict[str, int]) -> dict[str, object]:
    return task([counts], backend="ibm:ibm_fez", circuits=[measure(101, 57)], **BATCH)


def test_qubits_of_the_chip_are_not_called_other_qubits(cache: Cache) -> None:
    cache.write(
        task({"10": 1000}, backend="dummy:local:simulator", circuit=measure(0, 1)),
        batch_of_one({"10": 1000}),
        version=5,
    )
    words = compare(cache)
    assert "\n10: 1000 (1) | 1000 (1)\n" in words
    assert "measure different qubits" not in words
    assert "The q[] of a batch may be the chip's, so that the record does not tell" in words


def test_qubits_of_the_chip_do_not_hide_a_doubtful_order(cache: Cache) -> None:
    cache.write(
        task({"10": 1000}, backend="dummy:local:simulator", circuit=measure(0, 1)),
        batch_of_one({"01": 1000}),
        version=5,
    )
    assert "they agree in 100% of the shots if the keys of one are reversed" in compare(cache)


@pytest.mark.parametrize("is_first", [True, False])
def test_the_keys_of_a_likely_order_are_reversed_in_their_own_width(
    cache: Cache, *, is_first: bool
) -> None:
    circuit = measure(0, 1, creg=5)
    pair = [
        task({"10000": 1000}, backend="ibm:ibm_fez", circuit=circuit),
        task({"01": 1000}, backend="dummy:local:simulator", circuit=circuit),
    ]
    cache.write(*(pair if is_first else pair[::-1]), version=5)
    assert "they agree in 100% of the shots if the keys of one are reversed" in compare(cache)


@pytest.mark.parametrize("backend", ["originq:W", "ibm:ibm_fez", "dummy:local:simulator"])
def test_what_was_never_measured_is_not_compared(cache: Cache, backend: str) -> None:
    cache.write(
        task({"0": 1000}, backend=backend, circuit=MEASURES_NOTHING),
        task({"1": 1000}, backend="dummy:local:mps-linear-3", circuit=measure(0)),
        version=5,
    )
    assert f"{REFUSED}of the first, its circuit measures nothing" in compare(cache)


def test_a_simulator_that_measured_all_by_itself_is_compared(cache: Cache) -> None:
    cache.write(
        task({"1": 1000}, backend="dummy:local:mps-linear-3", circuit=MEASURES_NOTHING),
        task({"1": 1000}, backend="dummy:local:mps-linear-3", circuit=measure(0)),
        version=5,
    )
    words = compare(cache)
    assert "\n1: 1000 (1) | 1000 (1)\n" in words
    assert "different qubits" not in words


# Circuits of a batch that have no outcomes


def test_circuits_with_outcomes_are_compared_beside_those_without(cache: Cache) -> None:
    cache.write(
        task([{"00": 1000}, None, {"11": 1000}], backend="originq:W"),
        task([{"00": 990, "01": 10}, {"11": 1000}, {}], backend="originq:W"),
    )
    words = compare(cache)
    assert "Circuit 0. Outcomes of the first | the second" in words
    assert "\n00: 1000 (1) | 990 (0.99)\n" in words
    assert "Circuits without outcomes in one of the two: 2 of 3." in words


def test_results_of_finished_jobs_are_compared(cache: Cache) -> None:
    backend = "originq:W"
    running = {
        **task(None, backend=backend, circuits=[measure(0)] * 2, batch=True, batch_size=2),
        "status": "running",
        "result_json": None,
    }
    cache.write(
        running,
        task([{"0": 990, "1": 10}, {"0": 1}], backend=backend),
        version=5,
        script=job({"0": 1000}, backend=backend, time=AFTER),
    )
    words = compare(cache)
    assert "\n0: 1000 (1) | 990 (0.99)\n" in words
    assert "Circuits without outcomes in one of the two: 1 of 2." in words


def test_counts_below_zero_get_no_shares_in_a_comparison(cache: Cache) -> None:
    backend = "dummy:local:simulator"
    cache.write(
        task({"00": -54, "11": 254}, backend=backend, shots=200),
        task({"11": 200}, backend=backend, shots=200),
        version=5,
    )
    words = compare(cache)
    assert "\n11: 254 | 200 (1)\n00: -54 | 0 (0)\n" in words
