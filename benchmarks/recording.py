"""Measurements: contenders take turns, and every value is kept."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OURS = "uniqc-mcp"
_MAX_WARMING_RATIO = 5
"""A first call that takes longer than this many times `seconds_each` is the only one."""
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The values of one question, one contender and one size of store.

    Attributes:
        group: The subject, such as lists, counts or calls.
        what: The question, in words. Contenders with the same question are compared.
        who: ``OURS`` or a reference.
        size: The number of tasks in the store; 0 if the question concerns no such store.
        unit: The unit of the values.
        values: The values in the order of the calls.
        rows: The number of tasks on a page.
    """

    group: str
    what: str
    who: str
    size: int
    unit: str
    values: tuple[float, ...]
    rows: int = 0

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The first quartile."""
        return self.quantile(0.25)

    @property
    def high(self) -> float:
        """The third quartile."""
        return self.quantile(0.75)

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return self.quantile(0.99)

    def quantile(self, share: float) -> float:
        """Return the smallest value that at least this share of the values does not exceed."""
        ordered = sorted(self.values)
        return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A program or function that is timed.

    Attributes:
        what: As in :class:`Measurement`.
        who: As in :class:`Measurement`.
        size: As in :class:`Measurement`.
        call: Asks the question once. Its result is dropped.
        prepare: Called before each call, and not timed.
        rows: As in :class:`Measurement`.
    """

    what: str
    who: str
    size: int
    call: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    rows: int = 0


@dataclass(slots=True)
class _Turns:
    """The values of one contender so far."""

    contender: Contender
    values: list[float] = field(default_factory=list[float])
    spent: float = 0.0

    def take(self) -> float:
        """Call once, and return the milliseconds that it took."""
        self.contender.prepare()
        began = time.perf_counter()
        self.contender.call()
        taken = time.perf_counter() - began
        self.spent += taken
        return taken * 1000


def interleaved(
    group: str,
    contenders: Sequence[Contender],
    *,
    repeats: int,
    seconds_each: float,
    warm: bool = True,
) -> list[Measurement]:
    """Return milliseconds for each contender. They take turns, under the same load.

    Args:
        group: As in :class:`Measurement`.
        contenders: The contenders.
        repeats: The maximum number of values of each.
        seconds_each: The total time after which a contender is not called again.
        warm: Call each once first. The call counts only if it used up the time; one more call
            follows, unless the first took many times as long.
    """
    turns = [_Turns(contender) for contender in contenders]
    for turn in turns if warm else ():
        first = turn.take()
        if turn.spent > seconds_each:
            turn.values.append(first)
        if turn.spent <= _MAX_WARMING_RATIO * seconds_each:
            turn.spent = 0.0
    order = random.Random(_SEED)
    for _ in range(repeats):
        # A call leaves caches and busy threads to the next one, so the order changes every round.
        for turn in order.sample(turns, len(turns)):
            if turn.spent <= seconds_each:
                turn.values.append(turn.take())
    return [
        Measurement(
            group=group,
            what=turn.contender.what,
            who=turn.contender.who,
            size=turn.contender.size,
            unit="ms",
            values=tuple(turn.values),
            rows=turn.contender.rows,
        )
        for turn in turns
    ]


def scaled(task_count: int) -> str:
    """Return ``10^4``, or the number itself if it is no power of ten."""
    exponent = len(str(task_count)) - 1
    return f"10^{exponent}" if task_count == 10**exponent and exponent > 1 else f"{task_count}"
