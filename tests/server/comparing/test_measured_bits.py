"""Why there is no distance: one sentence for two tasks, and no difference that there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.server.comparing.test_compare_tasks import CHIP, ONE, SIMULATOR, TWO, bell, compare
from tests.server.records.test_result_cases import measure, task

if TYPE_CHECKING:
    from tests.server.conftest import Cache


async def test_a_circuit_that_measures_one_bit_more_measures_no_other_qubits(cache: Cache) -> None:
    longer = task({"000": 9}, backend=CHIP, circuit=measure(0, 1, 2))
    text, _ = await compare(cache.write(bell({"00": 9}), longer, version=5), ONE, TWO)
    assert "measure the same qubits, but one of them measures more bits" in text
    assert "different qubits" not in text


async def test_two_tasks_without_a_distance_get_one_sentence(cache: Cache) -> None:
    rounded = bell({"00": 500, "11": 500}, SIMULATOR)
    text, _ = await compare(cache.write(rounded, bell({"00": 12, "11": -3}), version=5), ONE, TWO)
    assert text.count("istance") == 1
    assert "There is no distance: of the first, its numbers are " in text
    assert "; of the second, some of its numbers are below zero" in text
