"""The circuits that a task keeps in its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from uniqc_mcp.responses.base import Wire
from uniqc_mcp.responses.text import plural
from uniqc_mcp.safety.display import word
from uniqc_mcp.tasks.uris import shown_uri, uri_text

if TYPE_CHECKING:
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_store import TaskRecord

CIRCUIT_KEYS = ("circuit_ir", "circuits", "circuit_language")
"""The metadata that is shown as circuits."""


class CircuitView(Wire):
    """The circuits of a task: their number, their language and the resource that has them."""

    circuits: int
    language: str
    uri: str

    @classmethod
    def of(cls, record: TaskRecord, sanitizer: Sanitizer) -> Self | None:
        """Return the view of a record's circuits; None if it has none."""
        circuits = recorded_circuits(record)
        if not circuits:
            return None
        language = record.metadata.get("circuit_language")
        return cls(
            circuits=len(circuits),
            language=sanitizer.one_line(
                "circuit_language", language if isinstance(language, str) else ""
            ),
            uri=shown_uri(record, "circuit"),
        )

    @property
    def line(self) -> str:
        """The circuits as text."""
        language = f", {word(self.language)}" if self.language else ""
        noun = plural("circuit", self.circuits)
        return f"circuit: {self.circuits} {noun}{language}, {uri_text(self.uri)}"


def recorded_circuits(record: TaskRecord) -> list[str]:
    """Return the source of each circuit; empty for a task of a release that kept none."""
    circuits = record.metadata.get("circuits")
    if isinstance(circuits, list):
        return [circuit for circuit in circuits if isinstance(circuit, str)]
    circuit = record.metadata.get("circuit_ir")
    return [circuit] if isinstance(circuit, str) else []
