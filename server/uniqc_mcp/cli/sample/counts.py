"""Counts of outcomes, as the backends of the sample give them."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from uniqc_mcp.cli.sample.circuits import with_readout_errors

if TYPE_CHECKING:
    from uniqc_mcp.cli.sample.circuits import Circuit


def sampled(
    circuit: Circuit, shots: int, *, seed: int, readout_error: float = 0.0
) -> dict[str, int]:
    """Return counts drawn at random, as of hardware, or of a simulator that samples."""
    probabilities = with_readout_errors(circuit.probabilities(), readout_error)
    generator = random.Random(seed)  # noqa: S311 - the same sample each time, and no secret
    drawn = generator.choices(list(probabilities), list(probabilities.values()), k=shots)
    return dict(sorted(Counter(drawn).items()))


def rounded(circuit: Circuit, shots: int) -> dict[str, int]:
    """Return rounded probabilities, which uniqc's plain simulator stores as counts.

    The first outcome takes the difference to the number of shots.
    """
    counts = {
        outcome: round(probability * shots)
        for outcome, probability in circuit.probabilities().items()
    }
    counts[min(counts)] += shots - sum(counts.values())
    return counts
