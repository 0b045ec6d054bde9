"""Notes on the store's file, which every answer carries."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uniqc_mcp.responses.times import age
from uniqc_mcp.safety.display import tilde, without_home
from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import DB_FILENAME, DEFAULT_CACHE_DIR, NEWEST_RELEASED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from uniqc_store import Machine, StoreState

_LONG_SILENCE: Final = timedelta(minutes=30)
"""Silence of a machine that is worth a note: a machine that works is heard of each 15 minutes."""

_MAX_NAMED: Final = 5
_MAX_NAME: Final = 60


def state_notes(state: StoreState) -> Iterator[str]:
    """Yield a note for each thing about a file that could mislead a reader of its tasks."""
    if reason := why_empty(state):
        yield f"{reason} Counts are 0 because of that."
    if state.damage:
        yield damage_note(state)
    if state.schema_version > NEWEST_RELEASED_SCHEMA:
        yield (
            f"Schema {state.schema_version} is newer than this server knows "
            f"({NEWEST_RELEASED_SCHEMA}); what it does not know is not shown."
        )
    if note := fallback_note(state.path):
        yield without_home(note)


def notes_on_machines(machines: Sequence[Machine], now: datetime) -> Iterator[str]:
    """Yield a note on the machines that have not been heard of for long.

    A machine that no longer sends looks like one where nothing happens.
    """
    silent = machines[bisect_left(machines, _LONG_SILENCE, key=lambda one: now - one.heard_at) :]
    if not silent:
        return
    named = [
        f"{_name(one)} ({age(int((now - one.heard_at).total_seconds()))})"
        for one in silent[:_MAX_NAMED]
    ]
    more = len(silent) - _MAX_NAMED
    others = f" and {more} more" if more > 0 else ""
    yield (
        f"Not heard of: {', '.join(named)}{others}. What became of tasks there since "
        "is not known here."
    )


def _name(machine: Machine) -> str:
    owner, name = (safe_text(text, limit=_MAX_NAME).text for text in (machine.owner, machine.name))
    return f"{owner}'s {name}"


def why_empty(state: StoreState) -> str:
    """Return a sentence on a file that is missing or blank; empty for one with a tasks table."""
    place = tilde(state.path)
    if state.blank:
        return (
            f"The file {place} is empty: it holds no tasks table. A uniqc process has just made "
            "it, or its content was lost, for example on a full disk, or it is being copied."
        )
    if state.exists:
        return ""
    if state.vanished:
        return (
            f"There is no file at {place} any more, though this server has read one there: "
            "uniqc has removed it (`uniqc task clear`), or its directory was moved or unmounted."
        )
    if os.path.isdir(state.path.parent):  # noqa: PTH112 - Path.is_dir() raises for some paths
        return f"uniqc has no task cache yet: there is no file at {place}."
    return (
        f"uniqc has no task cache at {place}: there is no directory of that name either. If there "
        "should be one, check --cache-dir and what is mounted."
    )


def damage_note(state: StoreState) -> str:
    """Return a note on a damaged file, of which an answer may lack tasks."""
    return (
        f"The file is damaged: {state.damage}. Totals may be wrong and tasks may be missing here. "
        "`uniqc-mcp doctor` says how to mend it."
    )


def fallback_note(served: Path) -> str:
    """Return a note on the fallback file of uniqc; empty unless the default file is read.

    uniqc from 0.0.8 on works in ``<system temp>/uniqc/cache`` if it can't open its default file
    within five seconds, and does not report that. Empty too if there is no fallback file.
    """
    if served != DEFAULT_CACHE_DIR / DB_FILENAME or (fallback := fallback_file()) is None:
        return ""
    try:
        exists = fallback.exists()
    except OSError:  # another user's directory
        return ""
    if not exists:
        return ""
    return (
        f"uniqc has also kept tasks in {safe_text(str(fallback)).text}, as it does when it can't "
        "open its own file; they are not in this one. See them with --cache-dir."
    )


def fallback_file() -> Path | None:
    """Return the path of uniqc's fallback file; None without a directory for temporary files."""
    try:
        return Path(tempfile.gettempdir(), "uniqc", "cache", DB_FILENAME)
    except OSError:
        return None
