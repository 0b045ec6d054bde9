"""The start of ``serve``: whether the recorded answers can be used, and what signals do."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from uniqc_mcp.opening.connection import converse
from uniqc_mcp.opening.conversation import Conversation
from uniqc_mcp.opening.recording import RecordedAnswers, read_recording, why_unusable
from uniqc_mcp.protocol.handover import Handover
from uniqc_mcp.responses.times import utc_now

if TYPE_CHECKING:
    from types import FrameType

    from uniqc_mcp.opening.conversation import FirstCall
    from uniqc_mcp.settings import Settings


def answer_opening(settings: Settings, first_call: FirstCall | None = None) -> Handover:
    """Answer the client until a message needs the server, and return what that has to know.

    Args:
        settings: The settings of the server.
        first_call: See :class:`Conversation`.

    Raises:
        ClientLeft: There is nothing more to be answered.
    """
    if not _has_pipes():
        return Handover(reason="stdin and stdout are not both a pipe, a socket or a file")
    recording = read_recording()
    if reason := why_unusable(recording):
        return Handover(reason=reason)
    _exit_on_signal()
    recorded = RecordedAnswers(recording, settings, utc_now)
    return converse(Conversation(recorded, first_call))


def _has_pipes() -> bool:
    """Return whether stdin can be awaited, and a few KiB written to stdout, without a thread."""
    if sys.platform == "win32" or sys.__stdin__ is None or sys.__stdout__ is None:
        return False
    return not (os.isatty(0) or os.isatty(1))


def _exit_on_signal() -> None:
    """Let SIGINT and SIGTERM end the process at once with status 0.

    A client that gets tired of waiting while modules are loaded may send one too, and would report
    any other status as a crash. There is nothing to clean up before the event loop runs, which then
    sets handlers of its own.
    """

    def leave(_: int, __: FrameType | None) -> None:
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
