"""Models of a task's result: its most frequent outcomes, and the resource that has all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import Field, WithJsonSchema

from uniqc_mcp.records.lost_results import MAYBE_COPIED, kept_first_only, may_be_copies
from uniqc_mcp.records.progress import requested_circuits
from uniqc_mcp.responses.base import OMIT_EMPTY, OptionalInt
from uniqc_mcp.responses.text import plural
from uniqc_mcp.tasks import lookup
from uniqc_mcp.tasks.circuit_result import CircuitResult
from uniqc_mcp.tasks.uris import shown_uri, uri_text
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uniqc_mcp.records.meaning import ResultRecord
    from uniqc_mcp.records.partial_results import PartialResults
    from uniqc_mcp.results.summary import Results, ResultSummary
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_mcp.tasks.lookup import FoundTask

MAX_CIRCUITS: Final = 4
"""Circuits of a batch that are summarised; the others are counted."""

_CHIP_QUBITS: Final = "The q[] of a batch may be the chip's: uniqc keeps its compiled circuits."

_BEGINNING: Final = 64
"""Characters of a stored result that tell whether it is a list."""


class ResultView(CircuitResult):
    """The result of a task; of a batch, each of its first circuits."""

    circuits: int = 1
    batch: Annotated[
        list[CircuitResult],
        WithJsonSchema({"type": "array", "description": "of each, the same"}),
        OMIT_EMPTY,
    ] = Field(default_factory=list[CircuitResult])
    jobs: OptionalInt = None
    jobs_with_results: OptionalInt = None
    bytes: int
    uri: Annotated[str, Field(description="The whole result.")]
    damaged: Annotated[bool, Field(exclude=True, description="What is stored is not JSON.")] = False

    def lines(self) -> Iterator[str]:
        """Yield the result as text, a line for each circuit of a batch."""
        if not self.batch:
            yield f"result: {self.line}"
        elif self.kind == "registers":
            yield "result: one circuit, the outcomes of each classical register by itself"
            yield from (f"  {register.line}" for register in self.batch)
        else:
            of_jobs = ""
            if self.jobs is not None:
                jobs = f"{self.jobs} {plural('job', self.jobs)}"
                of_jobs = f", results of {self.jobs_with_results} of {jobs}"
            yield f"result: a batch of {self.circuits} {plural('circuit', self.circuits)}{of_jobs}"
            for index, circuit in enumerate(self.batch):
                place = index if circuit.place is None else circuit.place
                yield f"  circuit {place}: {circuit.line}"
        if self.batch:
            yield from (f"  {note}" for note in self.notes)
        yield f"  whole result: {uri_text(self.uri)} ({self.bytes} {plural('byte', self.bytes)})"

    @classmethod
    def read(cls, task: FoundTask, *, outcomes: int, sanitizer: Sanitizer) -> Self | None:
        """Return the view of a stored result, or of the reason why there is none to show.

        None if no result is stored.
        """
        record, assembled = task.record, task.assembled
        size, uri = record.result_bytes or 0, shown_uri(record, "result")
        if assembled is not None and assembled.results:
            return cls._of_jobs(task, assembled, uri=uri, outcomes=outcomes, sanitizer=sanitizer)
        if not size:
            return None
        if reason := _why_unread(task):
            return cls(kind="unknown", notes=[reason], bytes=size, uri=uri)
        try:
            results = _summarise(task.result_text, top=outcomes, shots=task.result_record.shots)
        except ValueError:
            notes = ["What is stored is not JSON."]
            return cls(kind="unknown", notes=notes, bytes=size, uri=uri, damaged=True)
        if len(results.circuits) == 1 and not results.by_register:
            return cls._of_one(results.circuits[0], task, sanitizer, bytes=size, uri=uri)
        if results.by_register:
            places, has_gaps = [0] * len(results.circuits), False
        else:
            places = [*task.result_record.places_of(results.total_circuits)]
            places = places[: len(results.circuits)]
            has_gaps = places != [*range(len(places))]
        return cls._of_many(
            results,
            task,
            sanitizer,
            places=places,
            show_places=has_gaps,
            requested=max(results.total_circuits, requested_circuits(record) or 0),
            circuits=1 if results.by_register else results.total_circuits,
            bytes=size,
            uri=uri,
        )

    @classmethod
    def _of_one(
        cls, summary: ResultSummary, task: FoundTask, sanitizer: Sanitizer, **more: Any
    ) -> Self:
        meaning = task.result_record.meaning_of(summary)
        view = cls.of(summary, meaning, sanitizer, **more)
        is_list = task.result_text[:_BEGINNING].lstrip().startswith("[")
        kept_of = kept_first_only(task.record, task.state.schema_version, is_list=is_list)
        notes = [*view.notes]
        if kept_of:
            notes.insert(0, f"This is 1 of {kept_of} circuits: uniqc kept no result of the others.")
        if view.measured and meaning and meaning.may_name_chip_qubits:
            notes.append(_CHIP_QUBITS)
        return view.model_copy(update={"notes": notes})

    @classmethod
    def _of_jobs(
        cls,
        task: FoundTask,
        assembled: PartialResults,
        *,
        uri: str,
        outcomes: int,
        sanitizer: Sanitizer,
    ) -> Self:
        """Return the view of the results of finished jobs, each with its place in the batch."""
        shots = task.result_record.shots
        results = _summarise(assembled.text_without_gaps, top=outcomes, shots=shots)
        stored: dict[str, Any] = {
            "bytes": len(assembled.text.encode("utf-8", "replace")),
            "uri": uri,
            "jobs": assembled.jobs,
            "jobs_with_results": assembled.with_results,
        }
        if not assembled.is_batch:
            return cls._of_one(results.circuits[0], task, sanitizer, **stored)
        return cls._of_many(
            results,
            task,
            sanitizer,
            places=assembled.places,
            show_places=True,
            requested=assembled.circuits,
            circuits=assembled.circuits,
            **stored,
        )

    @classmethod
    def _of_many(
        cls,
        results: Results,
        task: FoundTask,
        sanitizer: Sanitizer,
        *,
        places: Sequence[int],
        show_places: bool,
        requested: int,
        **more: Any,
    ) -> Self:
        """Return the view of a batch of circuits, or of the registers of one.

        Args:
            results: The summaries.
            task: The task as the store has it.
            sanitizer: The sanitizer of the answer.
            places: The place of each of these circuits in the batch; more may follow.
            show_places: Whether each is shown with its place.
            requested: The number of circuits asked for, those without a result included.
            **more: The other fields.
        """
        meant = task.result_record
        return cls(
            kind="registers" if results.by_register else "batch",
            notes=batch_notes(results, meant, of=requested, assembled=task.assembled is not None),
            batch=[
                CircuitResult.of(
                    summary,
                    meant.meaning_of(summary, place),
                    sanitizer,
                    among=len(results.circuits),
                    place=place if show_places else None,
                )
                for place, summary in zip(places, results.circuits, strict=False)
            ],
            **more,
        )


def _why_unread(task: FoundTask) -> str:
    """Return why a stored result is not read; empty if it is."""
    if task.result_elsewhere:
        return lookup.RESULT_ELSEWHERE
    is_too_large = (task.record.result_bytes or 0) > lookup.MAX_SUMMARISED
    return "Too large to summarise." if is_too_large else ""


def _summarise(text: str, *, top: int, shots: int | None) -> Results:
    from uniqc_mcp.results.streaming import LARGE_CHARACTERS, summarise_text  # noqa: PLC0415 - 0.017 s
    from uniqc_mcp.results.summary import summarise  # noqa: PLC0415 - of every start, both

    if len(text) > LARGE_CHARACTERS:
        streamed = summarise_text(text, top=top, shots=shots, max_circuits=MAX_CIRCUITS)
        if streamed is not None:
            return streamed
    return summarise(parse_json(text), top=top, shots=shots, max_circuits=MAX_CIRCUITS)


def _shots_note(shots: int, shown: int, of: int) -> str:
    """Return the shots of a batch, of which some circuits have a result."""
    where = "in all" if shown >= of else f"in the {shown} of {of} with a result"
    return f"{shots} {plural('shot', shots)} for each circuit, {shots * shown} {where}."


def batch_notes(results: Results, meant: ResultRecord, *, of: int, assembled: bool) -> list[str]:
    """Return sentences on all circuits of a batch, or registers of a circuit.

    Args:
        results: The summaries.
        meant: The task as far as it tells what they mean.
        of: The number of circuits asked for, those without a result included.
        assembled: Whether the results are those of the jobs, not yet of the task.
    """
    if results.by_register:
        notes = []
    else:
        # Nothing was copied yet where the task has no result, and the job's own note says so.
        copied = [one for one in meant.copied() if not (assembled and len(one.jobs) == 1)]
        notes = [*map(str, copied[:MAX_CIRCUITS])]
        if may_be_copies(
            meant.task, meant.shards, results.circuits, schema_version=meant.schema_version
        ):
            notes.append(MAYBE_COPIED)
        if meant.shots is not None:
            notes.append(_shots_note(meant.shots, results.total_circuits, of))
        if meant.may_name_chip_qubits:
            notes.append(_CHIP_QUBITS)
    if hidden := results.total_circuits - len(results.circuits):
        part = plural("register" if results.by_register else "circuit", hidden)
        notes.append(f"{hidden} more {part} {'is' if hidden == 1 else 'are'} in the whole result.")
    if without := results.without_outcomes:
        has = "has" if without == 1 else "have"
        notes.append(f"{without} {plural('circuit', without)} {has} no outcomes.")
    return notes
