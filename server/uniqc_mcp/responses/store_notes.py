"""The other place where uniqc may have put tasks without saying so."""

from __future__ import annotations

import tempfile
from pathlib import Path

from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import DB_FILENAME, DEFAULT_CACHE_DIR


def fallback_note(served: Path) -> str:
    """What to tell who reads the default file, where uniqc has also used its fallback.

    uniqc from 0.0.8 on works in ``<system temp>/uniqc/cache`` when it can't open its default
    file within five seconds, and says nothing of it. Empty where there is no such file.
    """
    if served != DEFAULT_CACHE_DIR / DB_FILENAME:
        return ""
    try:
        other = Path(tempfile.gettempdir(), "uniqc", "cache", DB_FILENAME)
        found = other.exists()
    except OSError:  # no temporary directory, or another user's
        return ""
    if not found:
        return ""
    return (
        f"uniqc has also kept tasks in {safe_text(str(other)).text}, as it does when it can't open "
        "its own file; they are not in this one. See them with --cache-dir."
    )
