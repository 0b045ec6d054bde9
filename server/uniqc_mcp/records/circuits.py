"""The circuits that a task keeps in its metadata, by the stage at which uniqc recorded them.

uniqc 0.0.5 to 0.1.1 writes these keys:

    circuit_ir                one circuit, as its user gave it
    compiled_circuit_ir       where uniqc compiled that circuit: 0.0.11 and later for clouds,
                              0.0.8 and later for dummies that imitate a chip
    executed_circuit_ir       such dummies only
    circuits                  the batch of a task of 0.0.12 and later

Each of the first three has its language beside it, such as ``compiled_circuit_language``. A batch
on a cloud is recorded after its compilation, under the name of the source. Whether it was compiled
is not recorded, and its source is nowhere. So it is "submitted" here. The same holds for each task
of a batch of 0.0.8 to 0.0.11, which has its one circuit under ``circuit_ir``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from uniqc_mcp.records.bit_order import platform_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uniqc_store import JsonValue, TaskRecord

Stage: TypeAlias = Literal["source", "submitted", "compiled", "executed"]

_KEYS: Final[Mapping[Stage, tuple[str, ...]]] = {
    "source": ("circuits", "circuit_ir"),
    "compiled": ("compiled_circuit_ir",),
    "executed": ("executed_circuit_ir",),
}
_LANGUAGE_KEYS: Final[Mapping[Stage, str]] = {
    "source": "circuit_language",
    "compiled": "compiled_circuit_language",
    "executed": "executed_circuit_language",
}
# Keys that no release writes, but where uniqc's gateway looks for a circuit that users saved.
_GATEWAY_KEYS: Final[Mapping[Stage, tuple[str, ...]]] = {
    "source": (
        *("source_circuit_ir", "submitted_circuit_ir", "originir", "origin_ir", "qasm", "qasm2"),
        *("openqasm", "circuit", "source_circuit", "submitted_circuit"),
    ),
    "compiled": (
        *("compiled_originir", "compiled_origin_ir", "compiled_qasm", "transpiled_qasm"),
        *("compiled_circuit", "transpiled_circuit"),
    ),
    "executed": (
        *("execution_circuit_ir", "scheduled_circuit_ir", "executed_originir", "executed_qasm"),
        *("executed_circuit", "scheduled_circuit"),
    ),
}
_FIRST_WORD: Final = re.compile(r"\s*(OPENQASM|QINIT)\b")
_LANGUAGES: Final = {"OPENQASM": "OpenQASM", "QINIT": "OriginIR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCircuits:
    """The circuits of a task at one stage.

    Attributes:
        stage: The stage; ``submitted`` is a source or its compilation, which is not recorded.
        texts: The text of each circuit, in the order of the batch.
        language: Their language as recorded, or by their first word; empty if neither says.
        keys: The metadata that holds all this.
    """

    stage: Stage
    texts: tuple[str, ...]
    language: str
    keys: frozenset[str]


def recorded_circuits(record: TaskRecord) -> tuple[RecordedCircuits, ...]:
    """Return the circuits of each stage that the record holds, the source or submitted first."""
    found = (_recorded_at(record, stage) for stage in _KEYS)
    return tuple(circuits for circuits in found if circuits is not None)


def circuits_at(record: TaskRecord, stage: Stage) -> RecordedCircuits | None:
    """Return the circuits of one stage; ``source`` finds submitted ones too. None without any."""
    stages = ("source", "submitted") if stage == "source" else (stage,)
    return next((found for found in recorded_circuits(record) if found.stage in stages), None)


def _recorded_at(record: TaskRecord, stage: Stage) -> RecordedCircuits | None:
    for key in _KEYS[stage]:
        if texts := _circuit_texts(record.metadata.get(key), batch=key == "circuits"):
            return _at_stage(record, stage, key, texts)
    for key in _GATEWAY_KEYS[stage]:
        texts = _circuit_texts(record.metadata.get(key))
        if texts and _FIRST_WORD.match(texts[0]):
            return _at_stage(record, stage, key, texts)
    return None


def _circuit_texts(value: JsonValue, *, batch: bool = False) -> tuple[str, ...]:
    """Return the circuits that a value holds; none where it, or an entry, is of another type.

    Such a value stays in the metadata whole.
    """
    if batch is not isinstance(value, list):
        return ()
    values = value if isinstance(value, list) else [value]
    texts = tuple(text for text in values if isinstance(text, str) and text)
    return texts if len(texts) == len(values) else ()


def _at_stage(
    record: TaskRecord, stage: Stage, key: str, texts: tuple[str, ...]
) -> RecordedCircuits:
    language = record.metadata.get(_LANGUAGE_KEYS[stage])
    first_word = _FIRST_WORD.match(texts[0])
    keys = {key, _LANGUAGE_KEYS[stage]} if isinstance(language, str) else {key}
    by_first_word = _LANGUAGES[first_word[1]] if first_word else ""
    return RecordedCircuits(
        stage="submitted" if stage == "source" and _is_cloud_batch(record) else stage,
        texts=texts,
        language=language if isinstance(language, str) else by_first_word,
        keys=frozenset(keys),
    )


def _is_cloud_batch(record: TaskRecord) -> bool:
    # A user's own "batch" has no size beside it.
    is_batch = record.metadata.get("batch") is True and "batch_size" in record.metadata
    return is_batch and platform_of(record.backend) != "dummy"
