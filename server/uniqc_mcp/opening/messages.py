"""The messages of an opening that are beyond doubt; the server judges every other one.

A client that gets an answer from a recording must not be one that the SDK would have refused. So
these checks are stricter than the SDK's: what they let pass, the SDK accepts too.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, TypeGuard, cast

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
"""The key of a request's ``_meta`` that marks the protocol without a handshake (2026-07-28)."""

_CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
_CLIENT_KEY: Final = "io.modelcontextprotocol/clientInfo"
_PROGRESS_KEY: Final = "progressToken"
_OWN_PREFIX: Final = "io.modelcontextprotocol/"
_TRACING: Final = frozenset({"traceparent", "tracestate", "baggage"})

_INFO_TEXTS: Final = frozenset({"name", "version", "title", "description", "websiteUrl"})
_MEMBERS: Final = frozenset({"jsonrpc", "id", "method", "params"})
_SWITCHES: Final = frozenset({"listChanged", "applyDefaults"})
_NESTED: Final = frozenset({"roots", "sampling", "elicitation", "tasks"})
_NAMED: Final = frozenset({"experimental", "extensions"})
_MAX_INTEGER: Final = 2**53
_MAX_DEPTH: Final = 20


def plain_message(line: bytes) -> dict[str, Any] | None:
    """Return the request or notification in a line; None where the server has to look at it."""
    if b"\\ud" in line.lower():  # may be half a surrogate pair, which the SDK refuses
        return None
    try:
        message = json.loads(line.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not _is_object(message) or not message.keys() <= _MEMBERS:
        return None
    if message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        return None
    if "id" in message and not _is_id(message["id"]):
        return None
    return message if _is_object(message.get("params", {})) else None


def revision_of_handshake(params: dict[str, Any]) -> str:
    """Return the revision that a well-formed ``initialize`` asks for; empty for another."""
    revision = params.get("protocolVersion")
    well_formed = (
        params.keys() <= {"protocolVersion", "capabilities", "clientInfo", "_meta"}
        and isinstance(revision, str)
        and _is_info(params.get("clientInfo"))
        and _are_capabilities(params.get("capabilities"))
        and has_only_token({name: params[name] for name in params if name == "_meta"})
    )
    return str(revision) if well_formed else ""


def revision_of_envelope(params: dict[str, Any]) -> str:
    """Return the revision in a well-formed envelope beside no other parameter; otherwise empty."""
    if params.keys() != {"_meta"} or not _is_object(meta := params["_meta"]):
        return ""
    revision = meta.get(VERSION_KEY)
    well_formed = (
        meta.keys() <= {VERSION_KEY, _CAPABILITIES_KEY, _CLIENT_KEY, _PROGRESS_KEY}
        and isinstance(revision, str)
        and _are_capabilities(meta.get(_CAPABILITIES_KEY))
        and (_CLIENT_KEY not in meta or _is_info(meta[_CLIENT_KEY]))
        and (_PROGRESS_KEY not in meta or _is_id(meta[_PROGRESS_KEY]))
    )
    return str(revision) if well_formed else ""


def plain_call(params: dict[str, Any], revision: str) -> tuple[str, dict[str, Any]] | None:
    """Return the tool and the arguments of a call; None where the server has to look at it.

    Args:
        params: The parameters of the call.
        revision: The revision that its envelope has to name; empty where it has no envelope.
    """
    none: dict[str, Any] = {}
    name, arguments, meta = (
        params.get("name"),
        params.get("arguments", none),
        params.get("_meta", none),
    )
    if not params.keys() <= {"name", "arguments", "_meta"} or not isinstance(name, str):
        return None
    if not (_is_object(arguments) and _is_object(meta) and _is_plain([arguments, meta])):
        return None
    ours = {key: meta[key] for key in meta if key.startswith(_OWN_PREFIX) or key == _PROGRESS_KEY}
    if revision_of_envelope({"_meta": ours}) != revision if revision else not _is_token(ours):
        return None
    # Traces are the SDK's.
    return None if meta.keys() & _TRACING else (name, arguments)


def has_only_token(params: dict[str, Any]) -> bool:
    """Return whether parameters hold nothing, or nothing but a progress token."""
    if not params:
        return True
    meta = params.get("_meta")
    return params.keys() == {"_meta"} and _is_object(meta) and _is_token(meta)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and the infinities are not JSON


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_id(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= _MAX_INTEGER
    return isinstance(value, str)


def _is_token(meta: dict[str, Any]) -> bool:
    """Return whether there is nothing, or nothing but a progress token."""
    return not meta or (meta.keys() == {_PROGRESS_KEY} and _is_id(meta[_PROGRESS_KEY]))


def _is_info(value: object) -> bool:
    return (
        _is_object(value)
        and {"name", "version"} <= value.keys() <= _INFO_TEXTS
        and all(isinstance(text, str) for text in value.values())
    )


def _are_capabilities(value: object) -> bool:
    return _is_object(value) and all(
        _is_object(what)
        and (_is_nested(what) if name in _NESTED else _is_plain(what))
        and (name not in _NAMED or all(_is_object(each) for each in what.values()))
        for name, what in value.items()
    )


def _is_nested(value: dict[str, Any]) -> bool:
    """Return whether all within is an object, or a switch that is on or off."""
    return _is_plain(value) and all(
        isinstance(each, bool) if name in _SWITCHES else _is_object(each) and _is_nested(each)
        for name, each in value.items()
    )


def _is_plain(value: object, depth: int = 0) -> bool:
    """Return whether a value means the same to every parser of JSON."""
    if depth > _MAX_DEPTH:
        return False
    if _is_object(value):
        return all(_is_plain(each, depth + 1) for each in value.values())
    if isinstance(value, list):
        return all(_is_plain(each, depth + 1) for each in cast("list[object]", value))
    return value is None or isinstance(value, bool) or _is_id(value)
