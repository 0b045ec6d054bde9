"""The results for programs: medians and quartiles of every measurement, one question a line."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.recording import Measurement
    from benchmarks.verdicts import Comparison, Verdict

_DIGITS = 4


def results_json(
    machine: Mapping[str, str], verdicts: Sequence[Verdict], measurements: Sequence[Measurement]
) -> str:
    """Return one JSON object with ``machine``, ``bars`` and ``measurements``.

    A bar lists its worst comparison and every other one beyond the limit, the worst first.

    A member of ``measurements`` is what one contender did in one group: ``questions`` maps each
    question to one entry for each of ``sizes``. An entry is the median, the first and the third
    quartile, or null. ``99th percentile`` is the highest at the largest size.
    """
    bars = [_bar(verdict) for verdict in verdicts]
    series = [_series(one) for one in _by_contender(measurements)]
    return _object(
        {"machine": json.dumps(dict(machine)), "bars": _array(bars), "measurements": _array(series)}
    )


def _bar(verdict: Verdict) -> str:
    beyond = len(verdict.comparisons) - verdict.within
    return json.dumps(
        {
            "bar": verdict.bar.says,
            "limit": verdict.bar.limit,
            "is a ratio": verdict.bar.reference is not None,
            "met": verdict.met,
            "within": verdict.within,
            "compared": len(verdict.comparisons),
            "comparisons": [_comparison(one) for one in verdict.comparisons[: max(1, beyond)]],
        }
    )


def _comparison(comparison: Comparison) -> dict[str, object]:
    reference = comparison.reference
    return {
        "asked": comparison.measured.what,
        "size": comparison.measured.size,
        "value": _rounded(comparison.value),
        "reference": None if reference is None else _rounded(reference),
        "against": _rounded(comparison.against),
    }


def _by_contender(measurements: Sequence[Measurement]) -> Iterator[list[Measurement]]:
    for _, group in groupby(measurements, key=lambda one: one.group):
        by_contender: dict[tuple[str, str], list[Measurement]] = {}
        for one in group:
            by_contender.setdefault((one.who, one.unit), []).append(one)
        yield from by_contender.values()


def _series(measurements: Sequence[Measurement]) -> str:
    first, sizes = measurements[0], sorted({one.size for one in measurements})
    by_question: dict[str, dict[int, Measurement]] = {}
    for one in measurements:
        by_question.setdefault(one.what, {})[one.size] = one
    questions = {
        what: json.dumps([_entry(by_size.get(size)) for size in sizes], separators=(",", ":"))
        for what, by_size in by_question.items()
    }
    highest = max(one.p99 for one in measurements if one.size == sizes[-1])
    return _object(
        {
            "group": json.dumps(first.group),
            "who": json.dumps(first.who),
            "unit": json.dumps(first.unit),
            "sizes": json.dumps(sizes),
            "99th percentile": json.dumps(_rounded(highest)),
            "questions": _object(questions),
        }
    )


def _entry(measurement: Measurement | None) -> list[float] | None:
    if measurement is None:
        return None
    return [_rounded(value) for value in (measurement.median, measurement.low, measurement.high)]


def _rounded(value: float) -> float:
    """Return a whole number as it is, and any other with four significant digits."""
    return int(value) if float(value).is_integer() else float(f"{value:.{_DIGITS}g}")


def _object(members: Mapping[str, str]) -> str:
    """Return a JSON object of members that are JSON already, one a line."""
    lines = (f"{json.dumps(name)}: {text}" for name, text in members.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _array(items: Sequence[str]) -> str:
    return "[\n" + ",\n".join(items) + "\n]"
