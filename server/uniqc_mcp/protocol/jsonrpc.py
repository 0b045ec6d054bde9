"""Lines to JSON-RPC messages and back; every line that needs an answer gets one."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import cast

from mcp_types import jsonrpc
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, from_json


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that the server can make nothing of, by what to answer to it."""

    answer: jsonrpc.JSONRPCError


def read_message(line: bytes) -> jsonrpc.JSONRPCMessage | Unreadable:
    """What a line says."""
    try:
        value: object = from_json(line.removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError as error:
        return Unreadable(_error(jsonrpc.PARSE_ERROR, f"not JSON: {error}"))
    members = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    try:
        message = jsonrpc.jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        message = None
    # A request whose id is none passes for a notification, and would never be answered.
    no_request = isinstance(message, jsonrpc.JSONRPCNotification) and "id" in members
    if message is None or no_request:
        reason = "not a JSON-RPC 2.0 message"
        return Unreadable(_error(jsonrpc.INVALID_REQUEST, reason, _id_in(members)))
    return message


def too_long(max_bytes: int) -> jsonrpc.JSONRPCError:
    """The answer to a line that was skipped for its length."""
    reason = f"line skipped: it is longer than {max_bytes} bytes"
    return _error(jsonrpc.INVALID_REQUEST, reason)


def _id_in(members: dict[str, object]) -> jsonrpc.RequestId | None:
    found = members.get("id")
    # The id in a malformed answer is one of ours, and would be taken for one of the client's.
    if isinstance(found, bool) or "result" in members or "error" in members:
        return None
    return found if isinstance(found, int | str) else None


def _error(code: int, reason: str, to: jsonrpc.RequestId | None = None) -> jsonrpc.JSONRPCError:
    error = jsonrpc.ErrorData(code=code, message=reason)
    return jsonrpc.JSONRPCError(jsonrpc="2.0", id=to, error=error)


def write_message(message: jsonrpc.JSONRPCMessage) -> bytes:
    """A message as a line; what can't be written becomes an error for who waits for it."""
    try:
        text = message.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError:
        # Such as a lone surrogate in what a tool returned. Its caller still waits.
        if not isinstance(message, jsonrpc.JSONRPCResponse | jsonrpc.JSONRPCError):
            raise
        reason = "the answer cannot be written as JSON"
        return write_message(_error(jsonrpc.INTERNAL_ERROR, reason, message.id))
    return text.encode() + b"\n"
