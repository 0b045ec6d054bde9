"""The one-line label of a task: id, name, status and backend, and whose it is."""

from __future__ import annotations

from uniqc_mcp.safety.display import in_quotes, word


def task_label(task_id: str, name: str, status: str, backend: str) -> str:
    """Return ``uqt_1 "vqe" running on ibm:fez`` for a task whose texts are sanitized."""
    name_in_quotes = f" {in_quotes(name)}" if name else ""
    return f"{word(task_id)}{name_in_quotes} {word(status)} on {word(backend)}"


def whose(owner: str, machine: str) -> str:
    """Return `` of alice (laptop)`` for sanitized texts; empty where no owner is known."""
    if not owner:
        return ""
    return f" of {word(owner)} ({word(machine)})" if machine else f" of {word(owner)}"
