"""The progress of a clear or an undo, told to the client."""

from contextlib import suppress
from typing import Any

import anyio.from_thread
from mcp.server.mcpserver import Context

from uniqc_mcp.protocol.threads import call_is_cancelled


def report_progress(context: Context[Any, Any], done: int, total: int) -> None:
    """Send a progress notification, unless the call was cancelled."""
    # Not into a cancelled call: anyio 4.16 can wait there for ever.
    if not call_is_cancelled():
        # Cancelled just now: the batch is done, and should_stop ends the work before the next.
        with suppress(BaseException):
            anyio.from_thread.run(context.report_progress, done, total)
