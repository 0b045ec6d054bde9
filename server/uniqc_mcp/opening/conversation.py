"""The answers to one client, for as long as they can be taken from the recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.opening.messages import (
    has_only_token,
    plain_call,
    plain_message,
    revision_of_envelope,
    revision_of_handshake,
)
from uniqc_mcp.opening.recording import as_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_mcp.opening.recording import CallAnswer, RecordedAnswers

    FirstCall = Callable[[str, dict[str, Any]], CallAnswer | None]

_CALL: Final = "tools/call"
_INITIALIZED: Final = "notifications/initialized"


class Conversation:
    """The messages of a connection up to now.

    Args:
        recorded: The recorded answers.
        first_call: Returns the answer to a call of a tool, if it can without the server. It is
            asked for one.

    Attributes:
        opening: The request that opened the connection; empty before it. It decides between the
            protocols with and without a handshake, so the server is given it too.
        initialized: The notification that ended the handshake; empty before it.
        stopped_at: The method of the message that needs the server, for the log.
        has_called: Whether a call was answered. The next message needs the server.
    """

    def __init__(self, recorded: RecordedAnswers, first_call: FirstCall | None = None) -> None:
        self.opening: dict[str, Any] = {}
        self.initialized: dict[str, Any] = {}
        self.stopped_at = ""
        self.has_called = False
        self._first_call = first_call
        self._recorded = recorded
        self._revision = ""

    def answer(self, line: bytes) -> bytes | None:
        """Return the answer to a line, empty for a notification; None where it needs the server."""
        message = plain_message(line)
        if message is None:
            self.stopped_at = "a message that is not a plain request"
            return None
        self.stopped_at = message["method"]
        if "id" not in message:
            return self._take_notification(message)
        answered = self._result_of_call if message["method"] == _CALL else self._result_of
        result = answered(message["method"], message.get("params", {}))
        if result is None:
            return None
        self.opening = self.opening or message
        return f'{{"jsonrpc":"2.0","id":{as_json(message["id"])},"result":{result}}}\n'.encode()

    def _take_notification(self, message: dict[str, Any]) -> bytes | None:
        ends_handshake = message["method"] == _INITIALIZED and self.opening
        if not ends_handshake or self.initialized or not has_only_token(message.get("params", {})):
            return None
        self.initialized = message
        return b""

    def _result_of(self, method: str, params: dict[str, Any]) -> str | None:
        if not self.opening:
            is_handshake = method == "initialize"
            self._revision = (revision_of_handshake if is_handshake else revision_of_envelope)(
                params
            )
            return self._recorded.result(self._revision, method)
        if self.opening["method"] == "initialize":
            if method == "initialize" or not has_only_token(params):
                return None
        elif revision_of_envelope(params) != self._revision:
            return None
        return self._recorded.result(self._revision, method)

    def _result_of_call(self, _: str, params: dict[str, Any]) -> str | None:
        if self._first_call is None or self.has_called or not self.opening:
            return None
        has_handshake = self.opening["method"] == "initialize"
        if has_handshake and not self.initialized:
            return None
        call = plain_call(params, "" if has_handshake else self._revision)
        answer = call and self._first_call(*call)
        if not answer:
            return None
        self.has_called = True
        return self._recorded.call_result(self._revision, answer)
