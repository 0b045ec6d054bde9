"""Base models of the answers: a wire value, an answer, and the store that was read.

What is absent or empty is left out of structured content: a model takes an empty value for a fact.
Descriptions are few, because every client reads them at each start.
"""

from __future__ import annotations

from abc import abstractmethod
from operator import not_
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from uniqc_mcp.responses.json_schema import Unnamed, without_repetition
from uniqc_mcp.responses.store_notes import notes_on_machines, state_notes
from uniqc_mcp.responses.times import wire_time
from uniqc_mcp.safety.display import tilde

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from uniqc_store import StoreState

Absent = SkipJsonSchema[None]
"""The type of an absent value, which output schemas do not mention."""

OptionalInt = int | Absent
OptionalFloat = float | Absent

OMIT_EMPTY: Final[Any] = Field(exclude_if=not_)
"""Annotation of a text, a list or an object that is left out where it is empty."""

OptionalText = Annotated[str, OMIT_EMPTY]
OptionalTexts = Annotated[list[str], OMIT_EMPTY]


class Wire(BaseModel):
    """A value in structured content."""

    model_config = ConfigDict(frozen=True)


class Answer(Wire):
    """The result of a tool, as text and as structured content, each complete by itself."""

    model_config = ConfigDict(json_schema_extra=without_repetition)

    @abstractmethod
    def text(self) -> str:
        """Return the answer as text, for a client that shows no structured content."""

    @property
    def image(self) -> bytes:
        """A PNG image for people, which tells nothing that the text does not; empty if none."""
        return b""

    def structured(self) -> dict[str, Any]:
        """Return the structured content, as the output schema describes it."""
        return self.model_dump(mode="json", exclude_none=True)


class StoreView(Wire):
    """The file that was read, and the time of reading."""

    location: str
    exists: bool
    schema_version: OptionalInt
    read_at: str
    notes: OptionalTexts

    @classmethod
    def of(cls, state: StoreState, now: datetime, notes: Iterable[str] = ()) -> Self:
        """Return the view of a file; the notes on the file come before those given."""
        return cls(
            location=state.where or tilde(state.path),
            exists=state.exists,
            schema_version=state.schema_version if state.exists else None,
            read_at=wire_time(now),
            notes=[*state_notes(state), *notes_on_machines(state.machines, now), *notes],
        )

    @property
    def source(self) -> str:
        """The file and the time in a sentence."""
        return f"Read {self.read_at} from {self.location}."


StoreField = Annotated[StoreView, Unnamed()]
