"""Notes on the store's file, which every answer carries."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from uniqc_mcp.safety.display import tilde, without_home
from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import DB_FILENAME, DEFAULT_CACHE_DIR, NEWEST_RELEASED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store import StoreState


def state_notes(state: StoreState) -> Iterator[str]:
    """Yield a note for each thing about a file that could mislead a reader of its tasks."""
    if not state.exists:
        yield (
            f"uniqc has no task cache yet: there is no file at {tilde(state.path)}. Counts are 0 "
            "because of that."
        )
    if state.schema_version > NEWEST_RELEASED_SCHEMA:
        yield (
            f"Schema {state.schema_version} is newer than this server knows "
            f"({NEWEST_RELEASED_SCHEMA}); what it does not know is not shown."
        )
    if note := fallback_note(state.path):
        yield without_home(note)


def fallback_note(served: Path) -> str:
    """Return a note on the fallback file of uniqc; empty unless the default file is read.

    uniqc from 0.0.8 on works in ``<system temp>/uniqc/cache`` if it can't open its default file
    within five seconds, and does not report that. Empty too if there is no fallback file.
    """
    if served != DEFAULT_CACHE_DIR / DB_FILENAME:
        return ""
    try:
        fallback = Path(tempfile.gettempdir(), "uniqc", "cache", DB_FILENAME)
        exists = fallback.exists()
    except OSError:  # no temporary directory, or another user's
        return ""
    if not exists:
        return ""
    return (
        f"uniqc has also kept tasks in {safe_text(str(fallback)).text}, as it does when it can't "
        "open its own file; they are not in this one. See them with --cache-dir."
    )
