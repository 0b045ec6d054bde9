"""Counts that do not add up to the shots beside which they stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.server.comparing.test_compare_tasks import ONE, THREE, TWO, bell, compare

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

SENTENCE = "Counts that do not add up to the task's shots: "


async def test_counts_of_other_shots_are_told(cache: Cache) -> None:
    cache.write(
        bell({"00": 500, "11": 500}), bell({"00": 5, "11": 7}), bell({"00": 400, "11": 500.0})
    )
    text, found = await compare(cache, ONE, TWO, THREE)
    told = f"{SENTENCE}the second 12 of 1000, the third 900 of 1000."
    assert told in text
    assert told in json.dumps(found["circuits"][0]["notes"])


async def test_counts_of_all_shots_and_probabilities_are_not(cache: Cache) -> None:
    cache.write(bell({"00": 500, "11": 500}), bell({"00": 0.5, "11": 0.5}))
    text, _ = await compare(cache, ONE, TWO)
    assert SENTENCE not in text
