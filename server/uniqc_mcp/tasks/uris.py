"""The resource URIs of a task, its result and its circuits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from uniqc_mcp.safety.redaction import safe_text
from uniqc_mcp.safety.sanitizer import FIELD_LIMITS

if TYPE_CHECKING:
    from uniqc_store import TaskRecord

_MAX_URI: Final = 400


ARCHIVED: Final = "archived:"
"""Before an id it means the archived task of that id, which may be live as well."""


def task_uri(task_id: str, part: str = "") -> str:
    """Return the URI of a task or of a part of it; the id is one path segment whatever is in it."""
    uri = f"uniqc://task/{quote(task_id, safe='', errors='replace')}"
    return f"{uri}/{part}" if part else uri


def shown_uri(record: TaskRecord, part: str) -> str:
    """Return the URI of a part of a task; empty if its id holds a credential or is too long.

    The URI would show the credential.
    """
    shown = safe_text(record.task_id, limit=FIELD_LIMITS["task_id"], multiline=True, clean=False)
    archived = ARCHIVED if record.archived_at is not None else ""
    uri = task_uri(f"{archived}{record.task_id}", part)
    return uri if shown.text == record.task_id and len(uri) <= _MAX_URI else ""


def uri_text(uri: str) -> str:
    """Return a URI as text, or the reason why there is none."""
    return uri or "at no address, for its id can't be shown"
