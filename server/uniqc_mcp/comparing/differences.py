"""Differences between the records of some tasks: backend, shots, circuit, metadata, and others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from uniqc_mcp.records.circuits import circuits_at
from uniqc_mcp.records.metadata import other_metadata
from uniqc_mcp.safety.display import in_quotes
from uniqc_mcp.token_budget import how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uniqc_mcp.records.circuits import Stage
    from uniqc_mcp.safety.sanitizer import Sanitizer
    from uniqc_mcp.tasks.models import TaskView
    from uniqc_store import JsonValue, TaskRecord

Difference: TypeAlias = list[str | int]
"""The name of a field, then its value in each task."""

LABELS: Final = ("backend", "status", "shots")
"""The fields that are columns of the file."""

NOT_RECORDED: Final = "-"
"""The value of a field that a task does not have."""

_VALUE_TOKENS: Final = 150
_LINE_LIMIT: Final = 120
_MAX_FIELDS: Final = 20
_ELSEWHERE: Final = "on its machine"
"""The words for what a laboratory's server does not hold."""

_STAGES: Final[Mapping[Stage, str]] = {"source": "circuit", "compiled": "compiled circuit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The fields in which some tasks differ, and those in which they agree.

    Attributes:
        rows: The fields that differ, as many as there is room for.
        same: The names of fields that agree.
        hidden: The number of fields that differ and are not among the rows.
    """

    rows: list[Difference]
    same: list[str]
    hidden: int

    @classmethod
    def of(
        cls,
        records: Sequence[TaskRecord],
        views: Sequence[TaskView],
        sanitizer: Sanitizer,
        *,
        errors: Sequence[str],
        tokens: int,
    ) -> Self:
        """Return the differences of some tasks.

        Args:
            records: The tasks.
            views: Their views, in the same order.
            sanitizer: The sanitizer of the answer.
            errors: The whole error of each, which the metadata may repeat.
            tokens: Tokens that the rows may take, in one channel.
        """
        same: list[str] = []
        rows = [
            *_label_rows(records, views, same),
            *_circuit_rows(records, same, sanitizer),
        ]
        metadata = [
            other_metadata(record, error=error)
            for record, error in zip(records, errors, strict=True)
        ]
        names = dict.fromkeys(name for one in metadata for name in one)
        unequal = [name for name in names if not _agree([_json(one, name) for one in metadata])]
        if names and not unequal:
            same.append("metadata")
        differ = len(rows) + len(unequal)
        absent = [_ELSEWHERE if one.metadata_elsewhere else NOT_RECORDED for one in records]
        rows += [_metadata_row(name, metadata, absent, sanitizer) for name in unequal[:_MAX_FIELDS]]
        rows = rows[: how_many_fit(map(_size, rows), tokens)]
        return cls(rows=rows, same=same, hidden=differ - len(rows))


def _label_rows(
    records: Sequence[TaskRecord], views: Sequence[TaskView], same: list[str]
) -> Iterator[Difference]:
    """Yield the columns of the file that differ, and note the others."""
    columns: dict[str, tuple[list[str | int], list[str | int]]] = {
        "backend": ([one.backend for one in records], [view.backend for view in views]),
        "status": ([one.status for one in records], [view.status for view in views]),
        "shots": ([one.shots for one in records], [view.shots or NOT_RECORDED for view in views]),
    }
    for name, (recorded, shown) in columns.items():
        # Compared as recorded: labels may look alike once they are cut.
        if _agree(recorded):
            same.append(name)
        else:
            yield [name, *shown]


def _circuit_rows(
    records: Sequence[TaskRecord], same: list[str], sanitizer: Sanitizer
) -> Iterator[Difference]:
    """Yield the first line in which the circuits of a stage differ, and note equal ones."""
    for stage, name in _STAGES.items():
        found = [circuits_at(record, stage) for record in records]
        texts = [circuits.texts if circuits else () for circuits in found]
        if not _agree(texts):
            absent = [
                "none recorded" if not one.metadata_elsewhere else _ELSEWHERE for one in records
            ]
            yield [name, *_different_lines(texts, absent, sanitizer)]
        elif texts[0]:
            same.append(name)


def _different_lines(
    texts: Sequence[tuple[str, ...]], absent: Sequence[str], sanitizer: Sanitizer
) -> Iterator[str]:
    """Yield of each task the first place at which its circuits differ from another's.

    Args:
        texts: The circuits of each task.
        absent: The words for each task, if it has none.
        sanitizer: The sanitizer of the answer.
    """
    recorded = [circuits for circuits in texts if circuits]
    place, line, count = 0, 0, len(recorded[0])
    for circuits in zip_longest(*recorded, fillvalue=""):
        if not _agree(circuits):
            numbered = enumerate(zip_longest(*map(str.splitlines, circuits), fillvalue=""))
            line = next((number for number, lines in numbered if not _agree(lines)), 0)
            break
        place += 1
    for circuits, words in zip(texts, absent, strict=True):
        if not circuits:
            yield words
        elif place >= count and len(recorded) < len(texts) and _agree(recorded):
            yield f"{len(circuits)} recorded"
        else:
            lines = circuits[place].splitlines() if place < len(circuits) else []
            text = lines[line] if line < len(lines) else ""
            of_batch = f"circuit {place}, " if count > 1 else ""
            shown = sanitizer.one_line("circuit", text, limit=_LINE_LIMIT)
            yield f"{of_batch}line {line + 1}: {in_quotes(shown)}"


def _metadata_row(
    name: str,
    metadata: Sequence[Mapping[str, JsonValue]],
    absent: Sequence[str],
    sanitizer: Sanitizer,
) -> Difference:
    shown_name, values = name, list[str | int]()
    for one, words in zip(metadata, absent, strict=True):
        if name not in one:
            values.append(words)
            continue
        # With its name, by which a credential is known.
        safe = sanitizer.json_within("metadata", {name: one[name]}, tokens=_VALUE_TOKENS)
        shown_name, value = next(iter(safe.items())) if isinstance(safe, dict) else ("", safe)
        values.append(json.dumps(value, ensure_ascii=False))
    return [f"metadata.{shown_name}", *values]


def _agree(values: Sequence[object]) -> bool:
    return all(value == values[0] for value in values)


def _json(metadata: Mapping[str, JsonValue], name: str) -> str:
    """Return a value as text, in which 1, 1.0 and true differ; empty where there is none."""
    return json.dumps(metadata[name], sort_keys=True) if name in metadata else ""


def _size(row: Difference) -> int:
    return sum(max_tokens_of(str(cell)) + 3 for cell in row)
