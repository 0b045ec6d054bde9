"""The ids by which tasks can be shared."""

from __future__ import annotations

from typing import Final

from uniqc_mcp.safety.credentials import may_hold_credential
from uniqc_mcp.safety.redaction import redacted_text

MAX_ID: Final = 512
"""Most bytes of an id that is shared; the server takes no longer one."""


def shared_id(stored: bytearray) -> str | None:
    """Return the text of a task's id; None for one that can't be shared.

    It can't if it is empty, too long, no UTF-8, or has a NUL, which PostgreSQL can't keep; nor if
    it looks like a credential, as an id can't be redacted and still name its task.
    """
    if not 0 < len(stored) <= MAX_ID or b"\0" in stored:
        return None
    try:
        task_id = stored.decode()
    except UnicodeDecodeError:
        return None
    if may_hold_credential(task_id) and redacted_text(task_id, read=None).hidden:
        return None
    return task_id
