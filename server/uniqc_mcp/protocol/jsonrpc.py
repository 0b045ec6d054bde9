"""JSON-RPC messages as lines: reading, writing, and errors for lines that can't be read."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import cast

from mcp_types import jsonrpc
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no message.

    Attributes:
        answer: The error to answer it with.
    """

    answer: jsonrpc.JSONRPCError


def read_message(line: bytes) -> jsonrpc.JSONRPCMessage | Unreadable:
    """Return the message in a line."""
    try:
        value: object = from_json(line.removeprefix(BOM_UTF8), allow_inf_nan=False)
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
        return Unreadable(_error(jsonrpc.INVALID_REQUEST, reason, _id_in(members)))
    return message


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
    try:
        text = message.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError:
        # A lone surrogate in the result of a tool, for example. Its caller still waits.
        if not isinstance(message, jsonrpc.JSONRPCResponse | jsonrpc.JSONRPCError):
            raise
        reason = "the answer cannot be written as JSON"
        return write_message(_error(jsonrpc.INTERNAL_ERROR, reason, message.id))
    return text.encode() + b"\n"
