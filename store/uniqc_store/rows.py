"""Conversion of rows to tasks and shards, whatever the rows hold.

SQLite stores any type in any column, and real files hold text in place of a number, JSON cut
short, BLOBs, and statuses of other systems. A field that can't be read gets a stand-in and its
name goes into ``damaged``. So one damaged field does not hide its task, and one damaged task does
not hide the others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from uniqc_store.tasks import (
    KNOWN_STATUSES,
    JsonValue,
    TaskInfo,
    TaskRecord,
    TaskShard,
    parse_time,
)

if TYPE_CHECKING:
    import sqlite3


class _Row:
    """A row and the names of the fields that could not be read from it so far.

    Each method reads one column and returns a value of its type. Where the column holds anything
    else, it returns a stand-in and notes the field as damaged:

    - text: the value as text, with U+FFFD for each byte that is not UTF-8; empty for NULL
    - a status that uniqc does not know, or a time that is not ISO 8601: the text as it stands
    - an integer: 0
    - a result: None; metadata: an empty dict
    """

    def __init__(self, row: sqlite3.Row) -> None:
        self._row = row
        # A dict, for the order of its keys: each name once, in the order in which they were read.
        self._damaged: dict[str, None] = {}

    @property
    def damaged(self) -> tuple[str, ...]:
        return tuple(self._damaged)

    def text(self, column: str) -> str:
        text, intact = readable(self._row[column])
        if not intact:
            self._damaged[column] = None
        return text

    def optional_text(self, column: str) -> str | None:
        return None if self._row[column] is None else self.text(column)

    def status(self) -> str:
        status = self.text("status")
        if status not in KNOWN_STATUSES:
            self._damaged["status"] = None
        return status

    def time(self, column: str) -> str:
        time = self.text(column)
        if parse_time(time) is None:
            self._damaged[column] = None
        return time

    def integer(self, column: str) -> int:
        value: object = self._row[column]
        if isinstance(value, int):
            return value
        self._damaged[column] = None
        return 0

    def optional_integer(self, column: str) -> int | None:
        return None if self._row[column] is None else self.integer(column)

    def result(self) -> JsonValue:
        stored: object = self._row["result_json"]
        # Empty text is no result for uniqc either.
        return None if stored is None or stored == "" else self._json(stored, "result")

    def metadata(self) -> dict[str, JsonValue]:
        stored: object = self._row["metadata_json"]
        metadata = {} if stored is None or stored == "" else self._json(stored, "metadata")
        if isinstance(metadata, dict):
            return metadata
        self._damaged["metadata"] = None
        return {}

    def _json(self, stored: object, field: str) -> JsonValue:
        text, intact = readable(stored)
        if not intact:
            self._damaged[field] = None
        try:
            if isinstance(stored, str):
                return parse_json(text)
        except ValueError:
            pass
        self._damaged[field] = None
        return None


def parse_json(text: str) -> JsonValue:
    """Return the value of stored JSON; NaN and infinity are allowed, as uniqc writes them.

    Raises:
        ValueError: The text is not JSON, or is nested too deeply.
    """
    try:
        value: JsonValue = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def raw_text(column: str) -> str:
    """Return SQL for the bytes of a text as they are stored; NULL for a value of another type."""
    return f"CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) END"


def stored_size(value: object) -> int:
    """Return the length of a stored text or BLOB, 0 for a value of another type."""
    return len(value) if isinstance(value, str | bytes) else 0


def readable(value: object) -> tuple[str, bool]:
    """Return a stored value as text that UTF-8 can encode, and whether it is exactly the value.

    Args:
        value: From a column. Text has lone surrogates for its bytes that are not UTF-8, as the
            text factory of ``database.connection`` leaves them.

    Returns:
        The text, with U+FFFD for such bytes. True only where the value is text without any.
    """
    if isinstance(value, str):
        if value.isascii():
            return value, True
        raw = value.encode("utf-8", "surrogateescape")
    elif isinstance(value, bytes):
        return value.decode("utf-8", "replace"), False
    else:
        return "" if value is None else str(value), False
    text = raw.decode("utf-8", "replace")
    return text, text == value


def task_info(row: sqlite3.Row) -> TaskInfo:
    """Return the task in a row that has every column of ``tasks``, its result included."""
    fields = _Row(row)
    info = TaskInfo(
        task_id=fields.text("task_id"),
        backend=fields.text("backend"),
        status=fields.status(),
        result=fields.result(),
        shots=fields.integer("shots"),
        submit_time=fields.time("submit_time"),
        update_time=fields.time("update_time"),
        metadata=fields.metadata(),
        error_message=fields.optional_text("error_message"),
        archived_at=fields.optional_text("archived_at"),
    )
    info.damaged = fields.damaged
    return info


def task_record(row: sqlite3.Row) -> TaskRecord:
    """Return the task in a row that has ``result_bytes`` in place of ``result_json``."""
    fields = _Row(row)
    return TaskRecord(
        task_id=fields.text("task_id"),
        backend=fields.text("backend"),
        status=fields.status(),
        shots=fields.integer("shots"),
        submit_time=fields.time("submit_time"),
        update_time=fields.time("update_time"),
        metadata=fields.metadata(),
        error_message=fields.optional_text("error_message"),
        archived_at=fields.optional_text("archived_at"),
        result_bytes=fields.optional_integer("result_bytes"),
        damaged=fields.damaged,  # evaluated last: reading the other fields fills it
    )


def task_shard(row: sqlite3.Row) -> TaskShard:
    """Return the shard in a row that has ``has_result`` beside the columns of ``task_shards``."""
    fields = _Row(row)
    shard = TaskShard(
        uniqc_task_id=fields.text("uniqc_task_id"),
        shard_index=fields.integer("shard_index"),
        platform_task_id=fields.text("platform_task_id"),
        backend=fields.text("backend"),
        circuit_count=fields.integer("circuit_count"),
        sub_index_offset=fields.integer("sub_index_offset"),
        status=fields.status(),
        result=fields.result(),
        error_message=fields.optional_text("error_message"),
        submit_time=fields.time("submit_time"),
        update_time=fields.time("update_time"),
        has_result=bool(row["has_result"]),
    )
    shard.damaged = fields.damaged
    return shard
