"""Distances between two samples of outcomes, and those that chance alone leads to expect."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import exp, fsum, lgamma, sqrt
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SHOTS: Final = 10**9
"""The most shots of two samples together whose noise is computed: beyond, `lgamma` is inexact."""

_MANY: Final = 60
"""The expected number of an outcome in the smaller sample from which a series is exact enough."""

_DEVIATIONS: Final = 9
"""Standard deviations around the mean beyond which a split is never met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """Two distances between distributions, each from 0 to 1.

    Attributes:
        total_variation: Half the sum of the differences of the probabilities.
        hellinger: The square root of 1 minus the sum of the roots of their products.
    """

    total_variation: float
    hellinger: float

    @classmethod
    def between(cls, one: Mapping[int, float], other: Mapping[int, float]) -> Self:
        """Return the distances of the distributions of some numbers, none below zero."""
        first, second = fsum(one.values()), fsum(other.values())
        states = one.keys() | other.keys()
        differences = (
            abs(one.get(state, 0) / first - other.get(state, 0) / second) for state in states
        )
        products = (
            sqrt(number / first * (other.get(state, 0) / second)) for state, number in one.items()
        )
        return cls(
            total_variation=min(fsum(differences) / 2, 1.0),
            hellinger=sqrt(max(1 - fsum(products), 0.0)),
        )

    @classmethod
    def by_chance(cls, one: Mapping[int, float], other: Mapping[int, float]) -> Self | None:
        """Return the distances to expect if both samples are of one distribution.

        The n1 + n2 = N shots of both are pooled and split at random into samples of n1 and n2, as
        a permutation test does. An outcome with k shots in all then has X in the first sample,
        where X is hypergeometric. These are exact means over all splits, by outcome::

            total variation = 1/2 sum E|X/n1 - (k-X)/n2|
            hellinger       = sqrt(1 - sum E sqrt(X (k-X) / (n1 n2)))

        So the total variation distance is the mean, the Hellinger distance the root mean square.
        Over all pairs of samples of one distribution, whichever it is, both are unbiased.

        None if a number is no count, or for more than `MAX_SHOTS` shots.
        """
        numbers = [*one.values(), *other.values()]
        if any(number < 0 or number % 1 for number in numbers) or fsum(numbers) > MAX_SHOTS:
            return None
        first, second = int(fsum(one.values())), int(fsum(other.values()))
        if not first or not second:
            return None
        states = one.keys() | other.keys()
        pooled = Counter(int(one.get(state, 0) + other.get(state, 0)) for state in states)
        splits = [(_Split(k, first, second), outcomes) for k, outcomes in pooled.items()]
        apart = fsum(outcomes * split.mean_above() for split, outcomes in splits)
        roots = fsum(outcomes * split.mean_root() for split, outcomes in splits)
        pairs = first * second
        return cls(
            total_variation=min((first + second) * apart / pairs, 1.0),
            hellinger=sqrt(max(1 - roots / sqrt(pairs), 0.0)),
        )


@dataclass(frozen=True, slots=True)
class _Split:
    """Distribution of X, the shots of one outcome in the first of two samples.

    Attributes:
        k: The shots of the outcome in both.
        first: The shots of all outcomes in the first sample.
        second: The shots of all outcomes in the second sample.
    """

    k: int
    first: int
    second: int

    @property
    def _share(self) -> float:
        return self.first / (self.first + self.second)

    def _probability(self, x: int) -> float:
        rest = self.first + self.second - self.k
        return exp(
            _log_choose(self.k, x)
            + _log_choose(rest, self.first - x)
            - _log_choose(self.first + self.second, self.first)
        )

    def mean_above(self) -> float:
        """Return E max(X - E X, 0), half the mean absolute deviation.

        With a(x) = x (n2 - k + x) P(x) / N, (x - E X) P(x) = a(x) - a(x + 1): the sum telescopes.
        """
        total = self.first + self.second
        above = self.k * self.first // total + 1
        if above > min(self.k, self.first):
            return 0.0
        return above * (self.second - self.k + above) * self._probability(above) / total

    def mean_root(self) -> float:
        """Return E sqrt(X (k - X))."""
        total, share = self.first + self.second, self._share
        mean, width = self.k * share, sqrt(share * (1 - share))
        if self.k * min(share, 1 - share) > _MANY:
            # The root to second order around the mean, with the variance of X.
            return self.k * width - (total - self.k) / ((total - 1) * 8 * width)
        reach = _DEVIATIONS * (width * sqrt(self.k) + 1)
        least = max(1, self.k - self.second, int(mean - reach))
        most = min(self.k - 1, self.first, int(mean + reach))
        terms = (sqrt(x * (self.k - x)) * self._probability(x) for x in range(least, most + 1))
        return fsum(terms)


def _log_choose(n: int, k: int) -> float:
    log_factorials = map(lgamma, (n + 1, k + 1, n - k + 1))
    return next(log_factorials) - fsum(log_factorials)
