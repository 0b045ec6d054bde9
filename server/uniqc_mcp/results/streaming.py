"""The summary of a large stored result, made while its text is parsed.

``json.loads`` makes of a histogram an object that is six to eight times as large as its text.
Here ijson reports a text's keys and values one by one. Only a ``StreamedHistogram`` is kept, and
of a batch one circuit at a time. The summary equals that of ``summary.summarise``.
"""

from __future__ import annotations

from itertools import chain, islice
from math import fsum
from typing import TYPE_CHECKING, Final, Literal

from uniqc_mcp.results.histogram import RankedOutcome, StreamedHistogram
from uniqc_mcp.results.json_events import (
    STARTS,
    Event,
    NotStreamableError,
    events_of,
    object_outcomes,
    row_outcomes,
    until,
    value_of,
)
from uniqc_mcp.results.numbers import ERROR_FIELDS, LABELS, OUTCOME_KEYS, bits_of
from uniqc_mcp.results.saved_shapes import read_registers
from uniqc_mcp.results.shapes import (
    empty_or_error,
    error_text,
    is_row,
    may_be_circuit,
    other_fields,
    unwrapped,
)
from uniqc_mcp.results.summary import (
    Outcome,
    Results,
    ResultSummary,
    notes_on,
    summarise_circuit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store import JsonValue

LARGE_CHARACTERS: Final = 256 * 1024
"""The length of a result's text from which on streaming saves memory that matters."""


def summarise_text(text: str, *, top: int, shots: int | None, max_circuits: int) -> Results | None:
    """Return the summary of the JSON in a text, as ``summarise`` makes it once it is parsed.

    None means that the text must be parsed for it: it is not JSON, a key repeats (JSON's last
    counts), it holds NaN or an integer of more than 64 bits, it has no histogram, or ijson has no
    C backend here.
    """
    try:
        events = events_of(text)
        kind, _ = next(events)
        if kind == "start_map":
            results = _of_one(_object(events, top=top, shots=shots), max_circuits)
        elif kind == "start_array":
            results = _list(events, top=top, shots=shots, max_circuits=max_circuits)
        else:
            return None
        # Whatever follows is reported, or is an error; white space is neither.
        return results if next(events, None) is None else None
    except NotStreamableError:
        return None


def _of_one(circuit: ResultSummary, max_circuits: int) -> Results:
    return Results(
        circuits=(circuit,) if max_circuits > 0 else (),
        batch=False,
        total_circuits=1,
        without_outcomes=0,
    )


def _list(events: Iterator[Event], *, top: int, shots: int | None, max_circuits: int) -> Results:
    first = [*islice(events, 3)]
    events = chain(first, events)
    if first == [("start_map", None), ("map_key", "key"), ("string", first[-1][1])]:
        circuit = _unlabelled(row_outcomes(events), top=top, shots=shots)
        return _of_one(circuit, max_circuits)
    return _batch(events, top=top, shots=shots, max_circuits=max_circuits)


def _batch(events: Iterator[Event], *, top: int, shots: int | None, max_circuits: int) -> Results:
    summaries: list[ResultSummary] = []
    total = without_outcomes = 0
    holds_circuits = False
    circuit: JsonValue = None
    for kind, value in until("end_array", events):
        entry = value_of(kind, value, events)
        # Rows of keys and values alone are one circuit, not a batch.
        if not total and is_row(entry):
            raise NotStreamableError
        holds_circuits = holds_circuits or may_be_circuit(entry)
        circuit = unwrapped(entry)
        if total < max_circuits:
            summaries.append(summarise_circuit(circuit, top=top, shots=shots))
        without_outcomes += empty_or_error(circuit) is not None
        total += 1
    has_registers = total == 1 and len(read_registers(circuit, shots)) > 1
    if has_registers or not holds_circuits:
        raise NotStreamableError
    return Results(
        circuits=tuple(summaries),
        batch=total > 1,
        total_circuits=total,
        without_outcomes=without_outcomes,
    )


def _object(events: Iterator[Event], *, top: int, shots: int | None) -> ResultSummary:
    first = next(events)
    events = chain([first], events)
    if first[1] and OUTCOME_KEYS.fullmatch(first[1]):
        return _unlabelled(object_outcomes(events), top=top, shots=shots)
    return _labelled(events, top=top, shots=shots)


def _labelled(events: Iterator[Event], *, top: int, shots: int | None) -> ResultSummary:
    """Summarise an object with counts, with or without probabilities and other fields."""
    histograms: dict[str, StreamedHistogram] = {}
    others: dict[str, JsonValue] = {}
    for _, name in until("end_map", events):
        if name in histograms or name in others or name == "key":  # columns of keys and values
            raise NotStreamableError
        kind, value = next(events)
        if name in LABELS and kind in STARTS:
            outcomes = (object_outcomes if kind == "start_map" else row_outcomes)(events)
            histograms[name] = StreamedHistogram(outcomes, top if name == "counts" else 0)
        else:
            value = value_of(kind, value, events)
            # Other values may be large, and only their names are shown.
            others[name] = value if name in (*ERROR_FIELDS, *LABELS) else None
    counts, stored = histograms.get("counts"), histograms.get("probabilities")
    if counts is None or not counts.is_whole or "probabilities" in others:
        raise NotStreamableError
    if stored is not None and not stored.has_keys_of(counts):
        raise NotStreamableError
    return _summary(
        "counts",
        counts,
        stored=stored,
        shots=shots,
        labelled=True,
        fields=other_fields(others),
        error=error_text(others),
    )


def _unlabelled(
    outcomes: Iterator[tuple[str, float]], *, top: int, shots: int | None
) -> ResultSummary:
    histogram = StreamedHistogram(outcomes, top)
    kind: Literal["counts", "probabilities"]
    kind = "probabilities" if histogram.are_probabilities else "counts"
    if kind == "counts" and not histogram.is_whole:
        raise NotStreamableError
    return _summary(kind, histogram, shots=shots)


def _summary(
    kind: Literal["counts", "probabilities"],
    histogram: StreamedHistogram,
    *,
    stored: StreamedHistogram | None = None,
    shots: int | None,
    labelled: bool = False,
    fields: tuple[str, ...] = (),
    error: str = "",
) -> ResultSummary:
    """Summarise a histogram; of counts, `stored` are the probabilities stored beside them."""
    total = histogram.total if kind == "counts" else None
    probabilities = stored if kind == "counts" else histogram
    divisor = total if total and probabilities is None and not histogram.negative else None
    computed = probabilities is not None or divisor is not None
    rest = (probabilities or histogram).remaining(histogram.most_frequent) if computed else None

    def probability(outcome: RankedOutcome) -> float | None:
        if probabilities is not None:
            return probabilities.numbers[outcome.place]
        return int(outcome.number) / divisor if divisor else None

    tallies = (
        None if total is None else histogram.tally(total),
        None if probabilities is None else probabilities.tally(fsum(probabilities.numbers)),
    )
    return ResultSummary(
        kind=kind,
        sort=kind,
        keys=(probabilities or histogram).keys,
        outcomes=tuple(
            Outcome(
                bits=bits_of(outcome.key, histogram.keys.width),
                count=None if total is None else int(outcome.number),
                probability=probability(outcome),
            )
            for outcome in histogram.most_frequent
        ),
        distinct=histogram.distinct,
        remaining_probability=rest / divisor if rest is not None and divisor else rest,
        total=total,
        negative=histogram.negative,
        zeros=histogram.zeros,
        notes=(*notes_on(*tallies, computed=computed, keys=histogram.keys, shots=shots),),
        fields=fields,
        error=error,
        labelled=labelled,
    )
