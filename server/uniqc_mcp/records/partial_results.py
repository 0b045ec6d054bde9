"""The results of a task's finished jobs, while the task has no result of its own.

uniqc writes the result of a batch once all of its jobs are successful. Until then, and for ever if
one of them failed, the results stand with the jobs only. They are put together here as uniqc does,
except that a circuit without a result is null and keeps its place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.lost_results import MAX_PLACES
from uniqc_mcp.records.progress import has_outcomes, requested_circuits
from uniqc_mcp.responses.text import plural
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import TaskRecord, TaskShard

_MAX_PLACES_IN_WORDS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialResults:
    """The results of the finished jobs of a task.

    Attributes:
        text: JSON as uniqc would store it: the result of a single circuit, or a list with null for
            each circuit of a batch that has no result. Empty if no result can be read.
        results: The JSON of each result that there is, by its place in the batch, from 0.
        is_batch: Whether `text` is a list of circuits.
        circuits: The number of circuits of the batch.
        jobs: The number of platform jobs.
        with_results: The number of jobs whose result is in `text`.
        undivided: Jobs, counted from 1, with one result for several circuits. It stands at the
            place of the first.
        unreadable: ``shard_index`` of the jobs whose result is not JSON.
    """

    text: str
    results: dict[int, str]
    is_batch: bool
    circuits: int
    jobs: int
    with_results: int
    undivided: tuple[int, ...]
    unreadable: tuple[int, ...]

    @classmethod
    def of(
        cls, record: TaskRecord, jobs: Sequence[TaskShard], stored: Sequence[str]
    ) -> Self | None:
        """Return the results of the jobs; None if there is none, readable or not.

        Args:
            record: The task.
            jobs: Its platform jobs, in order.
            stored: The result of each as it is stored; empty where there is none.
        """
        offsets = _offsets(jobs)
        results: dict[int, str] = {}
        with_results, undivided, unreadable = 0, list[int](), list[int]()
        for number, (job, text) in enumerate(zip(jobs, stored, strict=True), 1):
            if not (text and has_outcomes(job)):
                continue
            try:
                parts, is_divided = _divided(text, job.circuit_count)
            except ValueError:
                unreadable.append(job.shard_index)
                continue
            with_results += 1
            if not is_divided:
                undivided.append(number)
            results.update(
                (offsets[number - 1] + place, part)
                for place, part in enumerate(parts)
                if part != "null"
            )
        if not results and not unreadable:
            return None
        circuits = _circuits(record, jobs, offsets)
        is_batch = circuits > 1 or requested_circuits(record) not in {None, 1}
        return cls(
            text=_as_text(results, circuits, is_batch=is_batch),
            results=dict(sorted(results.items())),
            is_batch=is_batch,
            circuits=circuits,
            jobs=len(jobs),
            with_results=with_results,
            undivided=tuple(undivided),
            unreadable=tuple(unreadable),
        )

    @property
    def places(self) -> tuple[int, ...]:
        """The places of the circuits that have a result, from 0."""
        return tuple(self.results)

    @property
    def text_without_gaps(self) -> str:
        """The results alone, in the order of `places`."""
        return f"[{', '.join(self.results.values())}]" if self.is_batch else self.text

    def sentences(self) -> list[str]:
        """Return what the results are of."""
        if not self.results:
            return ["A job has a result that is not JSON, so it is not shown."]
        jobs = f"{self.with_results} of {self.jobs} jobs"
        if not self.is_batch:
            return [f"The task has no result of its own; that of its job is shown ({jobs})."]
        noun = plural("circuit", len(self.places))
        places = f"{noun} {_ranges(self.places)} of {self.circuits}, counted from 0"
        return [
            f"Results of {jobs} are stored: {places}.",
            *map(self._undivided_note, self.undivided),
        ]

    def _undivided_note(self, number: int) -> str:
        return (
            f"Job {number} of {self.jobs} holds one result for several circuits; it stands at the "
            "place of the first."
        )


def _divided(text: str, circuits: int) -> tuple[list[str], bool]:
    """Return the result of each circuit of a job as JSON, or its only result and False.

    Raises:
        ValueError: The result is not JSON.
    """
    value = parse_json(text)
    if circuits <= 1 or not isinstance(value, list):
        return [text], circuits <= 1
    # uniqc cuts a longer list too.
    return [json.dumps(result) for result in value[:circuits]], True


def _offsets(jobs: Sequence[TaskShard]) -> list[int]:
    """Return the place of the first circuit of each job, in order where the rows contradict."""
    spans = sorted((job.sub_index_offset, job.circuit_count) for job in jobs)
    ends = [0, *(offset + max(1, count) for offset, count in spans)]
    apart = all(offset >= end for (offset, _), end in zip(spans, ends, strict=False))
    if apart and ends[-1] <= MAX_PLACES:
        return [job.sub_index_offset for job in jobs]
    offsets, place = list[int](), 0
    for job in jobs:
        offsets.append(place)
        place += max(1, min(job.circuit_count, MAX_PLACES // len(jobs)))
    return offsets


def _circuits(record: TaskRecord, jobs: Sequence[TaskShard], offsets: Sequence[int]) -> int:
    """Return the number of circuits of the batch, those without a platform job included."""
    ends = (offset + max(1, job.circuit_count) for offset, job in zip(offsets, jobs, strict=True))
    return min(MAX_PLACES, max(requested_circuits(record) or 1, *ends, 1))


def _as_text(results: dict[int, str], circuits: int, *, is_batch: bool) -> str:
    if not results:
        return ""
    if not is_batch:
        return results[min(results)]
    size = max(circuits, max(results) + 1)
    return f"[{', '.join(results.get(place, 'null') for place in range(size))}]"


def _ranges(places: Sequence[int]) -> str:
    """Return ``0 to 3 and 6`` for places in order."""
    spans: list[list[int]] = []
    for place in places:
        if spans and spans[-1][1] == place - 1:
            spans[-1][1] = place
        else:
            spans.append([place, place])
    words = [
        f"{first}" if first == last else f"{first} to {last}"
        for first, last in spans[:_MAX_PLACES_IN_WORDS]
    ]
    if len(spans) > _MAX_PLACES_IN_WORDS:
        words.append("others")
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
