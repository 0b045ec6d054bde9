"""Sizes of batches, and the pauses between them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from uniqc_store.clearing.batches import in_batches
from uniqc_store.clearing.plan import PlannedRow

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, FEWEST, MOST = 200, 20, 10_000


def rows(count: int, *, size: int = 1) -> list[PlannedRow]:
    return [PlannedRow(number, b"", b"", size) for number in range(count)]


class Clock:
    """A clock that only batches and pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


def sizes(
    clock: Clock,
    planned: list[PlannedRow],
    *,
    seconds_per_row: float,
    others_wait: Callable[[], bool] = lambda: False,
) -> list[int]:
    found: list[int] = []
    for batch in in_batches(planned, others_wait):
        assert list(batch) == planned[sum(found) : sum(found) + len(batch)]
        found.append(len(batch))
        clock.now += len(batch) * seconds_per_row
    assert sum(found) == len(planned)
    return found


def test_a_batch_takes_about_a_fifth_of_a_second(clock: Clock) -> None:
    assert sizes(clock, rows(1_000), seconds_per_row=2**-10) == [FIRST, 204, 204, 204, 188]


@pytest.mark.parametrize(("seconds_per_row", "then"), [(1.0, FEWEST), (0.0, MOST)])
def test_a_batch_has_neither_too_few_rows_nor_too_many(
    clock: Clock, seconds_per_row: float, then: int
) -> None:
    planned = rows(FIRST + 2 * then)
    assert sizes(clock, planned, seconds_per_row=seconds_per_row) == [FIRST, then, then]


def test_a_batch_has_sixteen_mebibytes_at_most_and_one_row_at_least(clock: Clock) -> None:
    mebibyte = 2**20
    assert sizes(clock, rows(40, size=mebibyte), seconds_per_row=0) == [16, 16, 8]
    assert sizes(clock, rows(2, size=17 * mebibyte), seconds_per_row=0) == [1, 1]


def test_a_pause_for_another_process_is_longer_than_sqlites_retry_interval(clock: Clock) -> None:
    waiting = iter([True, False])
    sizes(clock, rows(600), seconds_per_row=2**-10, others_wait=lambda: next(waiting))
    first, second = clock.pauses
    assert first > 0.1 > second > 0


def test_there_is_no_batch_without_rows_and_no_pause_for_one_row(clock: Clock) -> None:
    assert sizes(clock, [], seconds_per_row=0) == []
    assert sizes(clock, rows(1), seconds_per_row=0) == [1]
    assert clock.pauses == []
