"""A stored result too large to be parsed whole, summarised from its text.

Parsed, a histogram takes six to eight times the memory of its text. Here it is read in pieces, and
only running figures and the most frequent outcomes are kept; of a batch, one circuit at a time. The
summary is the very one that ``results.summarise`` makes of the parsed result. Where that can't be
told from pieces, such as where a key repeats (of which JSON's last counts), None says so.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import fsum
from typing import TYPE_CHECKING, Final

from uniqc_mcp.results.histogram import Figures, Histogram, NotReadableInPiecesError, Ranked
from uniqc_mcp.results.shapes import (
    ERROR_FIELDS,
    LABELS,
    empty_or_error,
    error_text,
    other_fields,
    unwrapped,
)
from uniqc_mcp.results.summary import (
    Outcome,
    Results,
    ResultSummary,
    bits_of,
    notes_on,
    summarise_circuit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store import JsonValue

LARGE: Final = 256 * 1024
"""Characters of a result from which on reading it in pieces is worth it."""

_S: Final = r"[ \t\n\r]*+"
_NAME: Final = re.compile(rf'{_S}("(?:[^"\\]|\\.)*+"){_S}:{_S}')
_NEXT: Final = re.compile(rf"{_S}([,\]}}]){_S}")
_OPENING: Final = re.compile(rf"{{{_S}")
_SPACE: Final = re.compile(_S)
_DECODER: Final = json.JSONDecoder()


def summarise_text(text: str, *, top: int, shots: int | None, max_circuits: int) -> Results | None:
    """What ``summarise`` says of the JSON in a text; None where it has to be parsed for that."""
    try:
        start = _after(_SPACE, text, 0)
        if text[start : start + 1] == "[" and Histogram.at(text, start) is None:
            return _batch(text, start, top=top, shots=shots, max_circuits=max_circuits)
        circuit, end = _single(text, start, top=top, shots=shots)
        if _after(_SPACE, text, end) != len(text):
            return None
    except (NotReadableInPiecesError, ValueError, OverflowError, RecursionError):
        return None
    return Results(
        circuits=(circuit,) if max_circuits > 0 else (),
        batch=False,
        total_circuits=1,
        without_outcomes=0,
    )


def _after(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    if found is None:
        raise NotReadableInPiecesError
    return found.end()


# A batch, one circuit at a time.


def _batch(text: str, start: int, *, top: int, shots: int | None, max_circuits: int) -> Results:
    summaries: list[ResultSummary] = []
    total = absent = 0
    holds_circuits = False
    for entry in _entries(text, start):
        holds_circuits = holds_circuits or entry is None or isinstance(entry, dict | list)
        circuit = unwrapped(entry)
        if total < max_circuits:
            summaries.append(summarise_circuit(circuit, top=top, shots=shots))
        absent += empty_or_error(circuit) is not None
        # Rows of keys and values alone are one circuit, not a batch.
        if not total and isinstance(entry, dict) and entry.keys() == {"key", "value"}:
            raise NotReadableInPiecesError
        total += 1
    if not holds_circuits:
        raise NotReadableInPiecesError
    return Results(
        circuits=tuple(summaries), batch=True, total_circuits=total, without_outcomes=absent
    )


def _entries(text: str, start: int) -> Iterator[JsonValue]:
    at = _after(_SPACE, text, start + 1)
    while True:
        entry, at = _DECODER.raw_decode(text, at)
        yield entry
        following = _NEXT.match(text, at)
        if following is None or following[1] == "}":
            raise NotReadableInPiecesError
        at = following.end()
        if following[1] == "]":
            if at != len(text):
                raise NotReadableInPiecesError
            return


# One circuit, in pieces.


def _single(text: str, start: int, *, top: int, shots: int | None) -> tuple[ResultSummary, int]:
    if histogram := Histogram.at(text, start):
        figures = Figures(histogram, top)
        if figures.are_probabilities:
            return _of_probabilities(figures), histogram.end + 1
        if not figures.whole:
            raise NotReadableInPiecesError
        return _of_counts(figures, shots=shots), histogram.end + 1
    return _labelled(text, start, top=top, shots=shots)


def _labelled(text: str, start: int, *, top: int, shots: int | None) -> tuple[ResultSummary, int]:
    """An object of counts, probabilities, or both, and whatever else."""
    found: dict[str, Histogram] = {}
    others: dict[str, JsonValue] = {}
    at = _after(_OPENING, text, start)
    while True:
        name, at = _name(text, at)
        histogram = Histogram.at(text, at) if name in LABELS else None
        if name in found or name in others or name == "key":  # columns of keys and values
            raise NotReadableInPiecesError
        if histogram is not None:
            found[name], at = histogram, histogram.end + 1
        else:
            value, at = _DECODER.raw_decode(text, at)
            # Not kept, as it may be large and only its name is told.
            others[name] = value if name in (*ERROR_FIELDS, *LABELS) else None
        following = _NEXT.match(text, at)
        if following is None or following[1] == "]":
            raise NotReadableInPiecesError
        at = following.end()
        if following[1] == "}":
            break
    if "counts" not in found or "probabilities" in others:
        raise NotReadableInPiecesError
    counts = Figures(found["counts"], top)
    stored = Figures(found["probabilities"], 0) if "probabilities" in found else None
    if not counts.whole or (stored is not None and not stored.has_keys_of(counts)):
        raise NotReadableInPiecesError
    summary = _of_counts(counts, shots=shots, stored=stored)
    return replace(summary, fields=other_fields(others), error=error_text(others)), at


def _name(text: str, at: int) -> tuple[str, int]:
    found = _NAME.match(text, at)
    if found is None:
        raise NotReadableInPiecesError
    name: str = json.loads(found[1])
    return name, found.end()


def _of_counts(
    figures: Figures, *, shots: int | None, stored: Figures | None = None
) -> ResultSummary:
    total, width = figures.total, figures.width
    computed = stored is not None or (total > 0 and figures.negative == 0)

    def probability(ranked: Ranked) -> float | None:
        if stored is not None:
            return stored.numbers[ranked.place]
        return int(ranked.number) / total if computed else None

    rest = (stored or figures).remaining(figures.best) if computed else None
    remaining = rest / total if rest is not None and stored is None else rest
    tallies = (figures.tally(total), stored.tally(fsum(stored.numbers)) if stored else None)
    return ResultSummary(
        kind="counts",
        outcomes=tuple(
            Outcome(
                bits=bits_of(ranked.key, width),
                count=int(ranked.number),
                probability=probability(ranked),
            )
            for ranked in figures.best
        ),
        distinct=len(figures.numbers),
        remaining_probability=remaining,
        total=total,
        notes=(*notes_on(*tallies, computed=computed, width=width, shots=shots),),
        fields=(),
        error="",
    )


def _of_probabilities(figures: Figures) -> ResultSummary:
    tally = figures.tally(fsum(figures.numbers))
    return ResultSummary(
        kind="probabilities",
        outcomes=tuple(
            Outcome(
                bits=bits_of(ranked.key, figures.width),
                count=None,
                probability=ranked.number / 1,
            )
            for ranked in figures.best
        ),
        distinct=len(figures.numbers),
        remaining_probability=figures.remaining(figures.best),
        total=None,
        notes=(*notes_on(None, tally, computed=True, width=figures.width, shots=None),),
        fields=(),
        error="",
    )
