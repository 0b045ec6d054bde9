"""The keys and values of JSON text, one by one: what ijson reports of it.

Only the C backend of ijson is used. The one in Python takes 26 times as long as ``json.loads``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from uniqc_store import JsonValue

Event: TypeAlias = tuple[str, Any]
"""A token of ijson: its kind, and the key or value itself."""

STARTS: Final = frozenset({"start_map", "start_array"})
"""The kinds of event that begin an object or a list."""

_CHUNK_CHARACTERS: Final = 16 * 1024

_ROW: Final = (*("start_map", "map_key", "key", "string", "map_key", "value", "number", "end_map"),)
"""The events of a row, with its two names."""

_MAX_DEPTH: Final = 100
"""Containers within each other; ``json.loads`` decides about texts with more."""

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class NotStreamableError(Exception):
    """The text must be parsed as a whole to know what it says."""


def events_of(text: str) -> Iterator[Event]:
    """Return the events of a text, parsed while they are taken.

    Raises:
        NotStreamableError: While events are taken. The text is not JSON, ijson would read it
            otherwise than ``json.loads``, or its C backend is not installed.
    """
    return chain.from_iterable(_event_chunks(text))


def object_outcomes(events: Iterator[Event]) -> Iterator[tuple[str, float]]:
    """Yield keys with their numbers, up to the end of an object that has begun."""
    for (_, key), (kind, number) in zip(until("end_map", events), events, strict=False):
        if kind != "number":
            raise NotStreamableError
        yield key, number


def row_outcomes(events: Iterator[Event]) -> Iterator[tuple[str, float]]:
    """Yield keys with their numbers, up to the end of a list of rows that has begun."""
    rows = zip(until("end_array", events), *[events] * 5, strict=False)
    for (start, _), (first, name), (text, key), (second, other), (kind, number), (end, _) in rows:
        if (start, first, name, text, second, other, kind, end) != _ROW:
            raise NotStreamableError
        yield key, number


def value_of(kind: str, value: JsonValue, events: Iterator[Event], depth: int = 0) -> JsonValue:
    """Return the value that begins with an event."""
    if depth > _MAX_DEPTH:
        raise NotStreamableError
    if kind == "start_map":
        fields = zip(until("end_map", events), events, strict=False)
        return {
            name: value_of(kind, value, events, depth + 1) if kind in STARTS else value
            for (_, name), (kind, value) in fields
        }
    if kind == "start_array":
        return [
            value_of(kind, value, events, depth + 1) if kind in STARTS else value
            for kind, value in until("end_array", events)
        ]
    return value


def until(end: str, events: Iterator[Event]) -> Iterator[Event]:
    """Yield events up to the end of the object or list, which is taken too."""
    return iter(events.__next__, (end, None))


def _event_chunks(text: str) -> Iterator[Iterable[Event]]:
    """Yield what ijson reports of a text, chunk by chunk.

    Only ``basic_parse`` is used: it keeps no path for each value, as ``items`` and ``kvitems`` do.
    """
    if _is_read_differently(text):
        raise NotStreamableError
    try:
        from ijson import JSONError, sendable_list  # noqa: PLC0415 - 0.011 s, for large results
        from ijson.backends.yajl2_c import basic_parse_coro  # noqa: PLC0415 - part of the same
    except ImportError:
        raise NotStreamableError from None
    reported = sendable_list()
    parser = basic_parse_coro(reported, use_float=True)
    try:
        for start in range(0, len(text), _CHUNK_CHARACTERS):
            parser.send(text[start : start + _CHUNK_CHARACTERS].encode())
            yield reported
            reported.clear()
        parser.send(b" ")  # so that a number or word behind the end is complete, and an error
        parser.close()
    except (JSONError, UnicodeEncodeError):
        raise NotStreamableError from None
    yield reported
    # yajl also accepts a string that begins behind the end and never ends. It would take this in.
    with suppress(JSONError):
        parser.send(b"0 ")
        raise NotStreamableError


def _is_read_differently(text: str) -> bool:
    """Return whether yajl may accept what ``json.loads`` rejects, or change what it reads.

    Vertical tabs and form feeds are white space to yajl. It replaces a lone surrogate by "?".
    """
    # One search for all three by a regular expression would take as long as half the parsing.
    spaces = "\v" in text or "\f" in text
    return spaces or ("\\u" in text and _SURROGATE.search(text) is not None)
