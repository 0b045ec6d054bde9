"""JSON-RPC messages as lines: reading, writing, and errors for lines that can't be read."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Final, cast

from mcp_types import jsonrpc
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json

_STRING_OR_LONG_INTEGER: Final = re.compile(
    rb'"(?>(?:[^"\\]|\\.)*)"?|(?<![\d.eE+\-])-?\d{4301,}+(?![.eE])'
)
"""A string, or an integer of more digits than the parser reads."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no message.

    Attributes:
        answer: The error to answer it with.
        failed: The error for the request of this server to which the line is the malformed
            response; None if it is no response. Without it, that request would wait for ever.
    """

    answer: jsonrpc.JSONRPCError
    failed: jsonrpc.JSONRPCError | None = None


def read_message(line: bytes) -> jsonrpc.JSONRPCMessage | Unreadable:
    """Return the message in a line.

    An integer of more than 4,300 digits becomes text, as nothing could read it otherwise.
    """
    text = line.removeprefix(BOM_UTF8)
    try:
        value = _parsed(text)
    except ValueError as error:
        return Unreadable(_error(jsonrpc.PARSE_ERROR, f"not JSON: {error}"))
    members = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    try:
        message = jsonrpc.jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        message = None
    # A request with an invalid id validates as a notification, and would never be answered.
    no_request = isinstance(message, jsonrpc.JSONRPCNotification) and "id" in members
    if message is None or no_request:
        reason = "not a JSON-RPC 2.0 message"
        answer = _error(jsonrpc.INVALID_REQUEST, reason, _id_in(members))
        return Unreadable(answer, _failure_of(members))
    return message


def _parsed(text: bytes) -> object:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        if "number out of range" not in str(error):
            raise
    quoted = _STRING_OR_LONG_INTEGER.sub(_quote_integer, text)
    return from_json(quoted, allow_inf_nan=False)


def _quote_integer(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b'"%s"' % found[0]


def _failure_of(members: dict[str, object]) -> jsonrpc.JSONRPCError | None:
    """Return the error for the waiting request of a malformed response; None for no response."""
    to = members.get("id")
    is_response = "method" not in members and ("result" in members or "error" in members)
    if not is_response or isinstance(to, bool) or not isinstance(to, int | str):
        return None
    return _error(jsonrpc.INVALID_REQUEST, "its response is not a JSON-RPC 2.0 message", to)


def too_long(max_bytes: int) -> jsonrpc.JSONRPCError:
    """Return the error for a line that was skipped because of its length."""
    reason = f"line skipped: it is longer than {max_bytes} bytes"
    return _error(jsonrpc.INVALID_REQUEST, reason)


def _id_in(members: dict[str, object]) -> jsonrpc.RequestId | None:
    found = members.get("id")
    # A malformed answer carries an id of this server's, which is not one of the client's requests.
    if isinstance(found, bool) or "result" in members or "error" in members:
        return None
    return found if isinstance(found, int | str) else None


def _error(code: int, reason: str, to: jsonrpc.RequestId | None = None) -> jsonrpc.JSONRPCError:
    error = jsonrpc.ErrorData(code=code, message=reason)
    return jsonrpc.JSONRPCError(jsonrpc="2.0", id=to, error=error)


def write_message(message: jsonrpc.JSONRPCMessage) -> bytes:
    """Return a message as a line; an answer that can't be encoded becomes an error."""
    # MCP's schema has no null here: an error that answers no request has no id at all.
    has_id = not isinstance(message, jsonrpc.JSONRPCError) or message.id is not None
    try:
        text = message.model_dump_json(
            by_alias=True, exclude_unset=True, exclude=None if has_id else {"id"}
        )
    except PydanticSerializationError:
        # A lone surrogate in the result of a tool, for example. Its caller still waits.
        if not isinstance(message, jsonrpc.JSONRPCResponse | jsonrpc.JSONRPCError):
            raise
        reason = "the answer cannot be written as JSON"
        return write_message(_error(jsonrpc.INTERNAL_ERROR, reason, message.id))
    return text.encode() + b"\n"
