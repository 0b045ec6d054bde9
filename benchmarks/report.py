"""The report: a table of the bars, and the measurements of each group, in Markdown and in JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from benchmarks.bars import BARS, EACH_PAGE
from benchmarks.measure import lists
from benchmarks.recording import scaled
from benchmarks.results_json import results_json
from benchmarks.verdicts import Comparison, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.recording import Measurement

TITLES = {
    "lists": "Lists: a page of 50, in process",
    "searches": "Searches for a name, in process",
    "counts": "Counts, in process",
    "summaries": "Summaries, in process",
    "ids": "One task by its id, in process",
    "large results": "Large results: get_task over stdio",
    "calls": "Calls over stdio",
    "start": "Start",
    "idle": "Idle",
    "memory": "Memory",
    "imports": "Imports",
    "clearing": "Clearing",
    "lab": "A laboratory's store, in process",
    "lab over HTTP": "A laboratory's server, over HTTP",
    "sharing": "Sharing with a laboratory",
    "context": "Context",
}
_SLOWEST_PAIRS = 12
_MAX_DECIMALS = 4
_HOW_TO_READ = """\
Each number is a median, with the first and the third quartile in brackets. The contenders took
turns in one run, so ratios are comparable between machines and times are not. The worst question of
a bar decides it. A column "10^6" has the times on a store of that many tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished run.

    Attributes:
        machine: The properties of the machine, and the versions of the software.
        measurements: All measurements, those of a group in succession.
    """

    machine: Mapping[str, str]
    measurements: Sequence[Measurement]

    @property
    def verdicts(self) -> list[Verdict]:
        """One verdict for each bar."""
        return [judge(bar, self.measurements) for bar in BARS]

    def markdown(self) -> str:
        """Return the results for people."""
        parts = [
            "# Results",
            _HOW_TO_READ,
            _table(("", ""), [(name, value) for name, value in self.machine.items()]),
            "## Bars",
            bars_table(self.verdicts),
            "![Time by number of tasks](time_by_size.png)",
        ]
        in_order = sorted(self.measurements, key=lambda one: list(TITLES).index(one.group))
        for group, members in groupby(in_order, key=lambda one: one.group):
            parts += [f"## {TITLES[group]}", *_group(group, list(members))]
        return "\n\n".join(parts) + "\n"

    def json(self) -> str:
        """Return the results for programs; see :func:`results_json`."""
        return results_json(self.machine, self.verdicts, self.measurements)


def bars_table(verdicts: Sequence[Verdict]) -> str:
    """Return the table of the bars and their verdicts."""
    return _table(
        ("bar", "limit", "worst", "the worst question", "its numbers", "within", "verdict"),
        [_bar_row(verdict) for verdict in verdicts],
    )


def _bar_row(verdict: Verdict) -> tuple[str, ...]:
    bar = verdict.bar
    limit = _number(bar.limit) + (" x" if bar.reference is not None else "")
    if not verdict.comparisons:
        return bar.says, limit, "", "", "", "", "not measured"
    worst = verdict.comparisons[0]
    # Four digits, so that 1.0502 does not read as 1.05.
    against = _number(worst.against, digits=4) + (" x" if bar.reference is not None else "")
    within = f"{verdict.within} of {len(verdict.comparisons)}"
    verdict_in_words = "met" if verdict.met else "**not met**"
    return bar.says, limit, against, _asked(worst), _numbers(worst), within, verdict_in_words


def _asked(comparison: Comparison) -> str:
    measured = comparison.measured
    return measured.what + (f" ({scaled(measured.size)})" if measured.size else "")


def _numbers(comparison: Comparison) -> str:
    unit = comparison.measured.unit
    mine = f"{_number(comparison.value)} {unit}"
    if comparison.reference is None:
        return mine
    return f"{mine} beside {_number(comparison.reference)} {unit}"


def _group(group: str, measurements: list[Measurement]) -> Iterator[str]:
    """Yield the tables of a group, one for each unit."""
    if group == lists.GROUP:
        shown = _slowest(measurements)
        excluded = len({one.what for one in measurements}) - len({one.what for one in shown})
        yield (
            f"Single filters, and of the pairs the {_SLOWEST_PAIRS} slowest pages; `results.json` "
            f"has the other {excluded}."
        )
        yield from _growth_of_each_page(measurements)
        measurements = shown
    for unit in dict.fromkeys(one.unit for one in measurements):
        yield _measured_table(unit, [one for one in measurements if one.unit == unit])


def _growth_of_each_page(measurements: list[Measurement]) -> Iterator[str]:
    verdict = judge(EACH_PAGE, measurements)
    if verdict.comparisons:
        worst = verdict.comparisons[0]
        yield (
            f"However full each is, {verdict.within} of {len(verdict.comparisons)} pages, the "
            f"worst cases included, take at most {EACH_PAGE.limit:g} times as long at the largest "
            f"size as at the smallest; the worst takes {worst.against:.0f} times as long: "
            f"{worst.measured.what}."
        )


def _slowest(measurements: list[Measurement]) -> list[Measurement]:
    largest = max(one.size for one in measurements)
    pairs = sorted(
        (one for one in measurements if _is_pair(one) and one.size == largest),
        key=lambda one: -one.median,
    )
    slowest = {one.what for one in pairs[:_SLOWEST_PAIRS]}
    return [one for one in measurements if not _is_pair(one) or one.what in slowest]


def _is_pair(measurement: Measurement) -> bool:
    return ", " in measurement.what.removesuffix(lists.AGAIN)


def _measured_table(unit: str, measurements: list[Measurement]) -> str:
    sizes = sorted({one.size for one in measurements})
    by_row: dict[tuple[str, str], dict[int, Measurement]] = {}
    asked = list(dict.fromkeys(one.what for one in measurements))
    for one in sorted(measurements, key=lambda one: asked.index(one.what)):
        by_row.setdefault((one.what, one.who), {})[one.size] = one
    heads = [scaled(size) if size else "" for size in sizes]
    grows = len(sizes) > 1 and 0 not in sizes
    growth = (f"{heads[-1]} : {heads[0]}",) if grows else ()
    rows = [
        (
            what,
            who,
            *(_spread(of_size.get(size)) for size in sizes),
            *((_growth(of_size, sizes),) if grows else ()),
        )
        for (what, who), of_size in by_row.items()
    ]
    heads[0] = f"{heads[0]} {unit}".strip()
    return _table(("asked", "who", *heads, *growth), rows)


def _spread(measurement: Measurement | None) -> str:
    if measurement is None:
        return ""
    if len(set(measurement.values)) == 1:
        return _number(measurement.median)
    low, high = _number(measurement.low), _number(measurement.high)
    return f"{_number(measurement.median)} ({low} to {high})"


def _growth(of_size: Mapping[int, Measurement], sizes: Sequence[int]) -> str:
    first, last = of_size.get(sizes[0]), of_size.get(sizes[-1])
    if first is None or last is None or not first.median:
        return ""
    return _number(last.median / first.median)


def _number(value: float, *, digits: int = 3) -> str:
    """Return a number with these significant digits, all of its integer digits, and no exponent."""
    if math.isinf(value) or value == int(value):
        return f"{value:,.0f}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, _MAX_DECIMALS)}f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
