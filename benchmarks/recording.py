"""How anything is measured: in turns, several times, and kept value by value."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OURS = "uniqc-mcp"
_SLOW = 5
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The values of one thing, by one contender, on a store of one size.

    Attributes:
        group: The subject: lists, counts, calls ...
        what: What was asked. Contenders that were asked the same share it.
        who: ``OURS`` or a reference.
        size: Tasks in the store; 0 where there is none.
        unit: Of the values.
        values: In the order in which they came.
        full: Whether it is of a page that has as many tasks as were asked for.
    """

    group: str
    what: str
    who: str
    size: int
    unit: str
    values: tuple[float, ...]
    full: bool = False

    @property
    def median(self) -> float:
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
        return self.quantile(0.99)

    def quantile(self, share: float) -> float:
        """The smallest value that at least this share of the values does not exceed."""
        ordered = sorted(self.values)
        return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Somebody who can be asked.

    Attributes:
        call: Asks once. What it returns is dropped.
        prepare: Called before each time, outside of what is measured.
        full: As in :class:`Measurement`.
    """

    what: str
    who: str
    size: int
    call: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    full: bool = False


@dataclass(slots=True)
class _Turns:
    """What one contender has given so far."""

    contender: Contender
    values: list[float] = field(default_factory=list[float])
    spent: float = 0.0

    def take(self) -> float:
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
    """Milliseconds of each contender, who take turns so that all see the same machine.

    Args:
        group: As in :class:`Measurement`.
        contenders: Who takes turns.
        repeats: The most calls of each that count.
        seconds_each: A contender drops out when it has taken so long.
        warm: Call each once before. That counts where it took longer than all of its time; then
            there is one more call, but for one that took many times as long.
    """
    turns = [_Turns(contender) for contender in contenders]
    for turn in turns if warm else ():
        first = turn.take()
        if turn.spent > seconds_each:
            turn.values.append(first)
        if turn.spent <= _SLOW * seconds_each:
            turn.spent = 0.0
    order = random.Random(_SEED)
    for _ in range(repeats):
        # Who comes next finds the caches as the one before left them, and its threads still busy:
        # so nobody follows the same one each time.
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
            full=turn.contender.full,
        )
        for turn in turns
    ]


def scaled(task_count: int) -> str:
    """``10^4``, or the number itself where it is no power of ten."""
    exponent = len(str(task_count)) - 1
    return f"10^{exponent}" if task_count == 10**exponent and exponent > 1 else f"{task_count}"
