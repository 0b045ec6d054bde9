"""Distances between two samples, beside those that repeated sampling leads to."""

from __future__ import annotations

import random
from collections import Counter
from math import comb, sqrt
from statistics import fmean, stdev

import pytest

from uniqc_mcp.records.distances import MAX_SHOTS, Distances

SAMPLES = 200
DISTRIBUTIONS: dict[str, tuple[list[float], int, int]] = {
    "fair coin": ([1, 1], 1000, 1000),
    "many outcomes, each once or never": ([1] * 1024, 500, 500),
    "rare outcomes": ([0.97, *[0.001] * 30], 4096, 1000),
    "falling": ([2.0**-power for power in range(20)], 1000, 300),
    "samples of very different size": ([1] * 8, 60, 5000),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_samples_of_one_distribution_are_as_far_apart_as_expected(name: str) -> None:
    weights, first, second = DISTRIBUTIONS[name]
    rng = random.Random(name)

    def draw(shots: int) -> Counter[int]:
        return Counter(rng.choices(range(len(weights)), weights, k=shots))

    found: list[Distances] = []
    expected: list[Distances] = []
    for _ in range(SAMPLES):
        one, other = draw(first), draw(second)
        by_chance = Distances.by_chance(one, other)
        assert by_chance is not None
        found.append(Distances.between(one, other))
        expected.append(by_chance)
    # The estimate is unbiased: only the error of these many samples is left.
    errors = [a.total_variation - b.total_variation for a, b in zip(found, expected, strict=True)]
    assert abs(fmean(errors)) <= 4 * stdev(errors) / sqrt(SAMPLES)
    squares = [a.hellinger**2 - b.hellinger**2 for a, b in zip(found, expected, strict=True)]
    assert abs(fmean(squares)) <= 4 * stdev(squares) / sqrt(SAMPLES)


def test_the_noise_is_the_mean_over_all_splits_of_the_pooled_shots() -> None:
    one, other = {0: 3, 1: 1}, {0: 2, 1: 4}
    total = roots = 0.0
    # In how many ways the first sample gets so many of the five shots of outcome 0.
    for zeros in range(5):
        ways = comb(5, zeros) * comb(5, 4 - zeros) / comb(10, 4)
        split = {0: zeros, 1: 4 - zeros}, {0: 5 - zeros, 1: 1 + zeros}
        distances = Distances.between(*split)
        total += ways * distances.total_variation
        roots += ways * distances.hellinger**2
    by_chance = Distances.by_chance(one, other)
    assert by_chance is not None
    assert by_chance.total_variation == pytest.approx(total)
    assert by_chance.hellinger == pytest.approx(sqrt(roots))


def test_the_series_for_frequent_outcomes_continues_the_exact_sum() -> None:
    expected: list[float] = []
    # From below the limit of the series to above it, the square falls as 1 over the shots.
    for shots in (90, 110, 130, 150):
        noise = Distances.by_chance({0: shots, 1: shots}, {0: shots, 1: shots})
        assert noise is not None
        expected.append(noise.hellinger**2 * shots)
    assert max(expected) / min(expected) < 1.02


@pytest.mark.parametrize(
    ("one", "other", "total_variation", "hellinger"),
    [
        ({0: 5, 1: 5}, {0: 10, 1: 10}, 0, 0),
        ({0: 7}, {1: 9}, 1, 1),
        ({0: 1, 1: 1}, {0: 1}, 0.5, sqrt(1 - sqrt(0.5))),
        ({0: 0.25, 1: 0.75}, {0: 1, 1: 3}, 0, 0),
    ],
)
def test_distances_are_those_of_the_distributions(
    one: dict[int, float], other: dict[int, float], total_variation: float, hellinger: float
) -> None:
    found = Distances.between(one, other)
    assert found.total_variation == pytest.approx(total_variation)
    assert found.hellinger == pytest.approx(hellinger, abs=1e-7)


@pytest.mark.parametrize("one", [{0: 0.5, 1: 0.5}, {0: -1, 1: 3}, {}, {0: MAX_SHOTS}])
def test_what_was_not_counted_has_no_noise(one: dict[int, float]) -> None:
    assert Distances.by_chance(one, {0: 10}) is None
