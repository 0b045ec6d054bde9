"""Row to value, whatever is in the row.

Files hold text where a number belongs, JSON cut short, BLOBs and statuses of other systems.
One such field never hides its task, and one such task never hides the others: what can be read
is, and the fields that can't are named in ``damaged``.
"""

from __future__ import annotations

import json
from functools import lru_cache
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


@lru_cache(maxsize=4_096)
def _is_time(text: str) -> bool:
    return parse_time(text) is not None


class _Row:
    """A row that is read field by field, taking down what can't be."""

    def __init__(self, row: sqlite3.Row) -> None:
        self._row = row
        self._damaged: dict[str, None] = {}

    @property
    def damaged(self) -> tuple[str, ...]:
        return tuple(self._damaged)

    def text(self, column: str) -> str:
        stored: object = self._row[column]
        if isinstance(stored, str) and stored.isascii():
            return stored
        text, intact = readable(stored)
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
        if not _is_time(time):
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
        # uniqc takes empty text for no result as well.
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
    """Parse stored JSON; NaN and infinity are let in, as uniqc writes them.

    Raises:
        ValueError: It is no JSON, or is nested too deeply to be read.
    """
    try:
        value: JsonValue = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def raw_text(column: str) -> str:
    """SQL for the bytes of a text as they are stored; NULL for a value of another type."""
    return f"CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) END"


def readable(value: object) -> tuple[str, bool]:
    """A stored value as text that can be encoded, and whether that is just what is stored."""
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
    """From a row with every column of a task, its result included."""
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
    """From a row with every column of a task but its result, and the size of that."""
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
        damaged=fields.damaged,  # last: the fields before it are what it tells of
    )


def task_shard(row: sqlite3.Row) -> TaskShard:
    """From a row with every column of a shard."""
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
    )
    shard.damaged = fields.damaged
    return shard
