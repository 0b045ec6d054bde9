"""Whole parts of a task as JSON text, for its resources and for `include` of get_task."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field

from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.responses.base import Wire
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.json_text import escape_unseen, strict_dumps, strict_json
from uniqc_mcp.safety.redaction import WHOLE
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks import lookup
from uniqc_mcp.tasks.circuits import whole_circuits
from uniqc_mcp.token_budget import fits, max_tokens_of
from uniqc_store import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from uniqc_mcp.tasks.circuits import StageWithUri
    from uniqc_mcp.tasks.lookup import FoundTask
    from uniqc_store import TaskRecord

Part: TypeAlias = Literal["result", "circuit", "compiled"]
Include: TypeAlias = Literal["result", "circuit", "compiled", "plot"]

_CURSOR: Final = re.compile(r"(result|circuit|compiled):(\d{1,10}):([0-9a-f]{12})")
_CHARACTERS_OF_A_TOKEN: Final = 3
"""The most characters that `max_tokens_of` counts as one token: digits."""

_PART_TOKENS: Final = 40
"""Tokens of a part without its text, in one channel."""

CHANGED: Final = (
    "The record has changed since the page before, or its include or task differs: this begins "
    "again."
)
_TOO_LARGE: Final = (
    f"The result has over {lookup.MAX_SUMMARISED} bytes: null is here, its resource has it."
)
MAX_KEPT: Final = 4 * 2**20
"""The most characters of whole parts that are kept for the next page."""


class IncludedPart(Wire):
    """Characters of one part of a task, from `start` up to `end`."""

    part: str
    start: int
    end: int
    total: Annotated[int, Field(description="characters")]
    text: str

    @property
    def lines(self) -> tuple[str, str]:
        """The part as text: a line on it, then what it holds."""
        where = f"characters {self.start} to {self.end} of {self.total}"
        return f"{self.part}, {where}, as recorded:", self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Whole parts of one task.

    Attributes:
        texts: The parts.
        digest: A value that differs where any of them differs.
        notes: Sentences on what is missing.
        redacted: The fields in which a credential was redacted.
    """

    texts: Mapping[Part, str]
    digest: str
    notes: tuple[str, ...]
    redacted: list[str]

    @classmethod
    def of(cls, task: FoundTask, include: Sequence[Part]) -> Self:
        """Return some parts of a task."""
        found: dict[Part, WholeText] = {part: _whole(task, part) for part in include}
        texts: dict[Part, str] = {part: one.text for part, one in found.items()}
        return cls(
            texts=texts,
            digest=_digest(texts),
            notes=tuple(_notes(task, include)),
            redacted=[field for one in found.values() for field in one.redacted],
        )

    def is_continued_by(self, cursor: str) -> bool:
        """Return whether a cursor is of a page of these very parts."""
        return cursor.endswith(f":{self.digest}")


class LastWhole:
    """The whole parts that were asked for last, by any client.

    A later page of the same record need not redact all of it again, which takes a second for a
    million characters. Nobody is told of another's record: a caller gives the record that it has
    read itself, and the parts follow from that alone.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._last: tuple[FoundTask, tuple[Part, ...], Whole] | None = None

    def of(self, task: FoundTask, include: Sequence[Part]) -> Whole:
        """Return some parts of a task."""
        last = self._last
        if last is not None and last[1] == tuple(include) and _are_equal(last[0], task):
            return last[2]
        whole = Whole.of(task, include)
        if sum(map(len, whole.texts.values())) <= MAX_KEPT:
            self._last = task, tuple(include), whole
        return whole


def _are_equal(one: FoundTask, other: FoundTask) -> bool:
    return one.record == other.record and one.result_text == other.result_text


@dataclass(frozen=True, slots=True, kw_only=True)
class IncludedPage:
    """As much of some parts as an answer has room for.

    Attributes:
        parts: The parts, with the characters that are shown.
        next_cursor: The place where the next page begins; empty if there is none.
        notes: Sentences on what is missing, or has changed.
        redacted: The fields in which a credential was redacted.
    """

    parts: list[IncludedPart]
    next_cursor: str
    notes: list[str]
    redacted: list[str]

    @classmethod
    def read(cls, whole: Whole, *, cursor: str, tokens: int) -> Self:
        """Return a page of some parts of a task.

        Args:
            whole: The parts, in their order.
            cursor: ``next_cursor`` of the page before; empty for the first.
            tokens: Tokens that the page may take, in one channel.

        Raises:
            InvalidArgumentError: The cursor is not one, or goes on with another part.
        """
        begins, place = _decode(cursor, whole.texts)
        notes = [*whole.notes]
        if cursor and not whole.is_continued_by(cursor):
            notes.append(CHANGED)
            begins, place = next(iter(whole.texts)), 0
        elif place > len(whole.texts[begins]):
            raise InvalidArgumentError(_no_cursor(cursor))
        parts, goes_on = _parts_from(whole.texts, begins, place, tokens)
        return cls(
            parts=parts,
            next_cursor=f"{goes_on}:{whole.digest}" if goes_on else "",
            notes=notes,
            redacted=whole.redacted,
        )


def _parts_from(
    texts: Mapping[Part, str], begins: Part, place: int, tokens: int
) -> tuple[list[IncludedPart], str]:
    """Return as much of the parts as fits, and the place where the rest begins; empty if none."""
    parts: list[IncludedPart] = []
    order: list[Part] = [*texts]
    for part in order[order.index(begins) :]:
        text = texts[part]
        tokens -= _PART_TOKENS
        shown = beginning(text[place:], tokens)
        if not shown and parts:
            return parts, f"{part}:0"
        end = place + len(shown)
        parts.append(IncludedPart(part=part, start=place, end=end, total=len(text), text=shown))
        if end < len(text):
            return parts, f"{part}:{end}"
        tokens -= max_tokens_of(shown)
        place = 0
    return parts, ""


@dataclass(frozen=True, slots=True)
class WholeText:
    """One whole part as JSON text, and the fields in which a credential was redacted."""

    text: str
    redacted: list[str]


def whole_result(stored: str) -> WholeText:
    """Return a stored result as JSON without credentials; ``null`` if none is stored.

    JSON that is damaged is returned as it is, redacted.
    """
    sanitizer = Sanitizer()
    try:
        shown = sanitizer.value("result", parse_json(stored or "null"), budget=WHOLE)
    except ValueError:
        text = escape_unseen(str(sanitizer.value("result", stored, budget=WHOLE)))
        return WholeText(text, sanitizer.redacted_fields)
    redacted = sanitizer.redacted_fields
    return WholeText(strict_dumps(shown) if redacted else strict_json(stored or "null"), redacted)


def whole_stage(record: TaskRecord, stage: StageWithUri) -> WholeText:
    """Return the circuits of one stage as JSON without credentials."""
    sanitizer = Sanitizer()
    shown = sanitizer.value("circuit", whole_circuits(record, stage), budget=WHOLE)
    return WholeText(strict_dumps(shown), sanitizer.redacted_fields)


def beginning(text: str, tokens: int) -> str:
    """Return as much of a text as takes at most so many tokens."""
    shown = text[: max(tokens, 0) * _CHARACTERS_OF_A_TOKEN]
    while shown and not fits(shown, tokens):
        proportional = len(shown) * tokens // max_tokens_of(shown)
        shown = shown[: min(len(shown) - 1, proportional)]
    return shown


def _whole(task: FoundTask, part: Part) -> WholeText:
    if part == "result":
        return whole_result("" if _is_too_large(task) else task.result_text)
    return whole_stage(task.record, "source" if part == "circuit" else "compiled")


def _notes(task: FoundTask, include: Sequence[Part]) -> Iterator[str]:
    if task.record.metadata_elsewhere and not {"circuit", "compiled"}.isdisjoint(include):
        yield lookup.METADATA_ELSEWHERE
    if "result" in include:
        yield from _notes_on_result(task)


def _notes_on_result(task: FoundTask) -> Iterator[str]:
    if task.result_elsewhere:
        yield lookup.RESULT_ELSEWHERE
    elif task.record.result_elsewhere:
        yield lookup.SOME_RESULTS_ELSEWHERE
    elif _is_too_large(task):
        yield _TOO_LARGE


def _is_too_large(task: FoundTask) -> bool:
    return (task.record.result_bytes or 0) > lookup.MAX_SUMMARISED


def _digest(texts: Mapping[Part, str]) -> str:
    digest = hashlib.sha256()
    for part, text in texts.items():
        digest.update(f"{part} {len(text)} {text}".encode("utf-8", "replace"))
    return digest.hexdigest()[:12]


def _decode(cursor: str, include: Iterable[Part]) -> tuple[Part, int]:
    if not cursor:
        return next(iter(include)), 0
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidArgumentError(_no_cursor(cursor))
    for part in include:
        if part == found[1]:
            return part, int(found[2])
    raise InvalidArgumentError(f"cursor goes on with {found[1]}: give the include of that page.")


def _no_cursor(given: str) -> str:
    return f"cursor {quoted(given)} is none: give next_cursor, or none."
