"""Model of the circuits that a task keeps at one stage, and the whole of them as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field

from uniqc_mcp.records.circuits import RecordedCircuits, Stage, circuits_at, recorded_circuits
from uniqc_mcp.responses.base import Absent, OptionalText, Wire
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import word
from uniqc_mcp.tasks.uris import shown_uri, uri_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import JsonValue, TaskRecord

StageWithUri: TypeAlias = Literal["source", "compiled", "executed"]

_URI_PARTS: Final[Mapping[Stage, str]] = {
    "source": "circuit",
    "submitted": "circuit",
    "compiled": "circuit/compiled",
    "executed": "circuit/executed",
}
_SUBMITTED_NOTE: Final = (
    "as submitted: compiled by uniqc where the backend needed it; the source is not stored"
)
_SEE_SUBMITTED: Final = (
    "uniqc keeps the circuits of this batch as submitted, compiled where needed: see /circuit"
)


class CircuitView(Wire):
    """The circuits of a task at one stage: their number, language and resource."""

    stage: Annotated[Stage, Field(description="source, submitted, compiled or executed")]
    count: int
    language: OptionalText
    uri: str
    note: str | Absent = None

    @classmethod
    def of(cls, circuits: RecordedCircuits, record: TaskRecord, sanitizer: Sanitizer) -> Self:
        """Return the view of a record's circuits at one stage."""
        return cls(
            stage=circuits.stage,
            count=len(circuits.texts),
            language=sanitizer.one_line("circuit_language", circuits.language),
            uri=shown_uri(record, _URI_PARTS[circuits.stage]),
            note=_SUBMITTED_NOTE if circuits.stage == "submitted" else None,
        )

    @classmethod
    def all_of(cls, record: TaskRecord, sanitizer: Sanitizer) -> list[Self]:
        """Return a view for each stage that the record holds."""
        return [cls.of(circuits, record, sanitizer) for circuits in recorded_circuits(record)]

    @property
    def line(self) -> str:
        """The circuits as text."""
        language = f", {word(self.language)}" if self.language else ""
        note = f" ({self.note})" if self.note else ""
        noun = plural("circuit", self.count)
        return f"{self.stage} {noun}: {self.count}{language}, {uri_text(self.uri)}{note}"


def whole_circuits(record: TaskRecord, stage: StageWithUri) -> dict[str, JsonValue]:
    """Return the circuits of one stage as JSON, not sanitized; a note where there are none."""
    circuits = circuits_at(record, stage)
    if circuits is None:
        return {
            "stage": stage,
            "language": "",
            "circuits": [],
            "note": _missing_note(record, stage),
        }
    return {
        "stage": circuits.stage,
        "language": circuits.language,
        "circuits": list(circuits.texts),
        "note": _SUBMITTED_NOTE if circuits.stage == "submitted" else "",
    }


def _missing_note(record: TaskRecord, stage: StageWithUri) -> str:
    at_source = circuits_at(record, "source")
    if stage == "compiled" and at_source and at_source.stage == "submitted":
        return _SEE_SUBMITTED
    return f"the record holds no {stage} circuit"
