"""The progress of a call, told to the client from the thread that works for it."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import anyio.from_thread
from mcp.server.mcpserver import Context

from uniqc_mcp.protocol.threads import call_is_cancelled

_CALL: ContextVar[Context[Any, Any] | None] = ContextVar("_CALL", default=None)


@contextmanager
def progress_goes_to(context: Context[Any, Any]) -> Generator[None]:
    """Let :func:`report_call_progress` report to the client of this call meanwhile."""
    token = _CALL.set(context)
    try:
        yield
    finally:
        _CALL.reset(token)


def report_call_progress(done: int, total: int) -> None:
    """Send a progress notification of the call that this thread works for, if there is one."""
    if (context := _CALL.get()) is not None:
        report_progress(context, done, total)


def report_progress(context: Context[Any, Any], done: int, total: int) -> None:
    """Send a progress notification, unless the call was cancelled."""
    # Not into a cancelled call: anyio 4.16 can wait there for ever.
    if not call_is_cancelled():
        # Cancelled just now: the batch is done, and should_stop ends the work before the next.
        with suppress(BaseException):
            anyio.from_thread.run(context.report_progress, done, total)
