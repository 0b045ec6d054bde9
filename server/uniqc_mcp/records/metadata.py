"""The metadata of a task that no other field of an answer shows, the user's own first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.circuits import recorded_circuits
from uniqc_mcp.records.failures import SUBMISSION_ERRORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import JsonValue, TaskRecord

# The keys that uniqc 0.0.4 to 0.1.1 adds to the metadata of its users.
_KEYS_OF_UNIQC: Final = frozenset(
    (
        *SUBMISSION_ERRORS,
        *("batch", "batch_size", "circuits", "circuit_ir", "circuit_language"),
        *("compiled", "compiled_gate_depth", "compiled_used_gates", "compile_target_backend"),
        *("compiled_circuit_ir", "compiled_circuit_language"),
        *("executed_circuit_ir", "executed_circuit_language"),
        *("dummy_backend_id", "dummy_noise_source", "dummy_source_backend"),
        *("validation_passed", "validation_warnings", "gate_depth", "used_gates"),
        *("submit_language", "local_compile", "topology_stale", "failure_stage"),
        *("platform_task_id", "legacy_platform_id"),
        *("partial_submitted_shards", "unpersisted_platform_task_ids"),
    )
)


def other_metadata(record: TaskRecord, *, error: str) -> dict[str, JsonValue]:
    """Return the metadata without the name, the circuits and the error, the user's own keys first.

    A value is left out only where another field shows it. A name that is a number stays.

    Args:
        record: The task.
        error: The error of the task as another field shows it.
    """
    shown = {"task_name"} if record.name else set[str]()
    shown.update(*(circuits.keys for circuits in recorded_circuits(record)))
    told = [error] if error else []
    left: dict[str, JsonValue] = {}
    for key, value in record.metadata.items():
        if key in SUBMISSION_ERRORS and isinstance(value, str):
            if _is_told(value, told):
                continue
            told.append(value)
        if key not in shown:
            left[key] = value
    # Room is given from the front, and a bookkeeping value may be as long as a circuit.
    return dict(sorted(left.items(), key=lambda item: item[0] in _KEYS_OF_UNIQC))


def _is_told(error: str, told: Sequence[str]) -> bool:
    """Return whether one of the texts is an error, or has it between other words.

    uniqc writes "submission failed: RuntimeError('quota')" for the error "quota", with the escapes
    of Python.
    """
    forms = {error, repr(error)[1:-1]}
    return any(
        re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text) for form in forms for text in told
    )
