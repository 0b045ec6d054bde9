"""A row that can't be read is still shown, and so are all others."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import (
    NotUtf8,
    backdate,
    connect,
    execute,
    insert,
    insert_shard,
    make_store,
    v5_directory,
    with_files,
    without_deadline,
)

from uniqc_store import TaskFilter, TaskInfo, TaskRecord, TaskStatus, TaskStore, parse_json
from uniqc_store.rows import readable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uniqc_store import Match, Snapshot, TaskShard

GOOD_TIME = "2026-08-01T09:00:00+00:00"

DAMAGE: list[tuple[str, object, str, object]] = [
    # column, stored value, damaged field, shown value
    ("task_id", None, "task_id", ""),
    ("task_id", b"raw", "task_id", "raw"),
    ("task_id", NotUtf8(b"raw\xff"), "task_id", "raw\ufffd"),
    ("backend", b"dummy", "backend", "dummy"),
    ("backend", NotUtf8(b"\xc3("), "backend", "\ufffd("),
    ("status", b"success", "status", "success"),
    ("status", "QUEUED", "status", "QUEUED"),
    ("status", "TaskStatus.RUNNING", "status", "TaskStatus.RUNNING"),
    ("status", "", "status", ""),
    ("status", NotUtf8(b"runn\xe9"), "status", "runn\ufffd"),
    ("shots", "many", "shots", 0),
    ("shots", 0.5, "shots", 0),
    ("shots", b"\x05", "shots", 0),
    ("submit_time", "yesterday", "submit_time", "yesterday"),
    ("submit_time", "", "submit_time", ""),
    ("submit_time", b"2026-08-01", "submit_time", "2026-08-01"),
    ("submit_time", NotUtf8(b"2026-08-01\xff"), "submit_time", "2026-08-01\ufffd"),
    ("update_time", "1785574800", "update_time", "1785574800"),
    ("update_time", b"\x00\xff", "update_time", "\x00\ufffd"),
    ("metadata_json", "{", "metadata", {}),
    ("metadata_json", "[]", "metadata", {}),
    ("metadata_json", '"text"', "metadata", {}),
    ("metadata_json", "null", "metadata", {}),
    ("metadata_json", b"{}", "metadata", {}),
    ("metadata_json", "[" * 100_000, "metadata", {}),
    ("metadata_json", NotUtf8(b'{"note": "\xff"}'), "metadata", {"note": "\ufffd"}),
]
RESULT_DAMAGE: list[tuple[object, object]] = [
    ('{"00": 5', None),
    ("{'00': 5}", None),
    (b'{"00": 5}', None),
    ("[" * 100_000, None),
    (NotUtf8(b'{"00": "\xff"}'), {"00": "\ufffd"}),
]


def shown(store: TaskStore) -> tuple[TaskInfo, TaskRecord]:
    """Return the damaged task as ``list`` and as ``search`` show it, beside two intact ones."""
    infos = store.list()
    records = store.search(TaskFilter(), limit=10).records
    assert len(infos) == len(records) == store.count() == 3
    assert sum(group.count for group in store.tally(TaskFilter())) == 3
    (info,) = [info for info in infos if not info.task_id.startswith("whole")]
    (record,) = [record for record in records if not record.task_id.startswith("whole")]
    return info, record


@pytest.fixture
def store(tmp_path: Path) -> TaskStore:
    store = TaskStore(make_store(tmp_path / "cache"))
    insert(store.cache_dir, "whole-1")
    insert(store.cache_dir, "whole-2")
    return store


@pytest.mark.parametrize(("column", "stored", "field", "value"), DAMAGE)
def test_a_damaged_field_is_named_and_the_others_are_intact(
    store: TaskStore, column: str, stored: object, field: str, value: object
) -> None:
    insert(store.cache_dir, **{"task_id": "a", "shots": 7, column: stored})
    for task in shown(store):
        assert task.damaged == (field,)
        assert getattr(task, field) == value
        others = [("task_id", "a"), ("backend", "originq:WK_C180"), ("shots", 7)]
        assert [getattr(task, name) for name, _ in others if name != field] == [
            whole for name, whole in others if name != field
        ]
        for name in ("task_id", "backend", "status", "submit_time", "update_time"):
            getattr(task, name).encode()


@pytest.mark.parametrize(("stored", "value"), RESULT_DAMAGE)
def test_a_damaged_result_is_named_and_the_task_is_intact(
    store: TaskStore, stored: object, value: object
) -> None:
    insert(store.cache_dir, "a", result_json=stored)
    info, record = shown(store)
    assert (info.result, info.damaged) == (value, ("result",))
    assert record.damaged == ()
    assert store.get("a") == info


def test_every_field_may_be_damaged_at_once(store: TaskStore) -> None:
    insert(
        store.cache_dir,
        NotUtf8(b"a\xff"),
        backend=b"x",
        status=b"y",
        shots="z",
        submit_time=b"t",
        update_time=b"u",
        result_json=b"r",
        metadata_json=b"m",
    )
    info, record = shown(store)
    assert set(record.damaged) == set(info.damaged) - {"result"}
    assert set(info.damaged) == {
        "task_id",
        "backend",
        "status",
        "shots",
        "submit_time",
        "update_time",
        "result",
        "metadata",
    }


@pytest.mark.parametrize("empty", [None, ""])
def test_a_missing_result_is_not_damaged(store: TaskStore, empty: str | None) -> None:
    insert(store.cache_dir, "a", result_json=empty)
    info, _ = shown(store)
    assert (info.result, info.damaged) == (None, ())


def test_empty_metadata_are_not_damaged(store: TaskStore) -> None:
    insert(store.cache_dir, "a", metadata_json="")
    info, record = shown(store)
    assert info.metadata == record.metadata == {}
    assert info.damaged == record.damaged == ()


@pytest.mark.parametrize("result", ["[1, 2]", "5", '"done"', "[]", "{}", "false", "null"])
def test_a_result_may_be_any_json(store: TaskStore, result: str) -> None:
    insert(store.cache_dir, "a", result_json=result)
    info, _ = shown(store)
    assert (info.result, info.damaged) == (json.loads(result), ())


def test_nan_and_infinity_are_read_as_uniqc_writes_them(store: TaskStore) -> None:
    insert(store.cache_dir, "a", result_json='{"00": NaN, "11": -Infinity}')
    info, _ = shown(store)
    assert info.damaged == ()
    assert repr(info.result) == "{'00': nan, '11': -inf}"


def test_a_time_is_returned_as_stored(store: TaskStore) -> None:
    for number, text in enumerate(["2026-08-01 09:00:00", "2026-08-01T17:00:00+08:00", "noon"]):
        insert(store.cache_dir, f"t{number}", submit_time=text)
    times = {info.task_id: info.submit_time for info in store.list()}
    assert [times[f"t{number}"] for number in range(3)] == [
        "2026-08-01 09:00:00",
        "2026-08-01T17:00:00+08:00",
        "noon",
    ]


def test_the_name_of_a_task_is_its_task_name_if_that_is_text(store: TaskStore) -> None:
    insert(store.cache_dir, "a", metadata_json='{"task_name": "bell"}')
    insert(store.cache_dir, "b", metadata_json='{"task_name": 5}')
    names = {record.task_id: record.name for record in store.search(TaskFilter(), limit=9).records}
    assert names == {"a": "bell", "b": "", "whole-1": "", "whole-2": ""}


def test_finished_depends_on_the_status_of_a_record(store: TaskStore) -> None:
    for status in TaskStatus:
        insert(store.cache_dir, status.value, status=status.value)
    records = store.search(TaskFilter(), limit=9).records
    assert {record.task_id for record in records if record.finished} == {
        "success",
        "failed",
        "cancelled",
    }


def find_one(snapshot: Snapshot, task_id: str) -> Match:
    (match,) = snapshot.find(task_id).found
    return match


def test_the_size_of_a_result_is_given_in_bytes(store: TaskStore) -> None:
    insert(store.cache_dir, "a", result_json='"é"')

    def sizes(task_id: str) -> int | None:
        return store.read(
            lambda snapshot: snapshot.record(find_one(snapshot, task_id))
        ).result_bytes

    assert (sizes("a"), sizes("whole-1")) == (4, None)


def test_the_text_of_a_result_is_returned_as_stored(store: TaskStore) -> None:
    insert(store.cache_dir, "a", result_json="{'cut")
    insert(store.cache_dir, "b", result_json=b"raw\xff")

    def text(task_id: str) -> str:
        return store.read(lambda snapshot: snapshot.result_text(find_one(snapshot, task_id)))

    assert [text("a"), text("b"), text("whole-1")] == ["{'cut", "raw\ufffd", ""]


def test_a_missing_result_is_read_without_blocking(store: TaskStore) -> None:
    backdate(store.cache_dir)
    nonblocking = store.nonblocking()
    assert (
        nonblocking.read(lambda snapshot: snapshot.result_text(find_one(snapshot, "whole-1"))) == ""
    )


def shards(directory: Path) -> tuple[TaskShard, ...]:
    store = TaskStore(directory, read_only=True)
    return store.read(lambda snapshot: snapshot.shards(find_one(snapshot, "a")))


def test_shards_are_ordered_by_their_index(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    insert(directory, "a")
    for index in (2, 0, 1):
        insert_shard(directory, "a", f"P{index}", shard_index=index, sub_index_offset=5 * index)
    assert [(s.platform_task_id, s.sub_index_offset) for s in shards(directory)] == [
        ("P0", 0),
        ("P1", 5),
        ("P2", 10),
    ]


@pytest.mark.parametrize(
    ("column", "stored", "value"),
    [
        ("platform_task_id", b"P", "P"),
        ("status", "QUEUED", "QUEUED"),
        ("circuit_count", "several", 0),
        ("sub_index_offset", b"", 0),
        ("submit_time", "noon", "noon"),
        ("error_message", b"no", "no"),
    ],
)
def test_a_damaged_field_of_a_shard_is_named(
    tmp_path: Path, column: str, stored: object, value: object
) -> None:
    directory = v5_directory(tmp_path)
    insert(directory, "a")
    columns: dict[str, Any] = {"platform_task_id": "P", column: stored}
    insert_shard(directory, "a", **columns)
    insert_shard(directory, "a", "whole", shard_index=1)
    damaged, whole = shards(directory)
    assert (damaged.damaged, getattr(damaged, column)) == ((column,), value)
    assert whole.damaged == ()


def test_a_file_without_an_optional_column_is_read(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache")
    execute(directory, "ALTER TABLE tasks DROP COLUMN metadata_json")
    with closing(connect(directory)) as connection:
        connection.execute(
            "INSERT INTO tasks (task_id, backend, status, submit_time, update_time) "
            "VALUES ('a', 'dummy', 'running', ?, ?)",
            (GOOD_TIME, GOOD_TIME),
        )
    (info,) = TaskStore(directory, read_only=True).list()
    assert (info.metadata, info.damaged) == ({}, ())


anything = st.none() | st.integers(-9, 9) | st.floats() | st.binary(max_size=9) | st.text()


@without_deadline
@given(anything)
def test_any_value_is_readable_as_text_that_can_be_encoded(value: object) -> None:
    text, intact = readable(value)
    text.encode()
    assert intact is (value == text)


@without_deadline
@given(st.binary())
def test_any_bytes_stored_as_text_are_readable(stored: bytes) -> None:
    value = stored.decode("utf-8", "surrogateescape")
    text, intact = readable(value)
    text.encode()
    assert intact is (stored == text.encode())


@without_deadline
@given(st.text())
def test_any_text_is_json_or_refused_with_a_value_error(text: str) -> None:
    try:
        expected = json.loads(text)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            parse_json(text)
    else:
        assert repr(parse_json(text)) == repr(expected)


stored_values = st.none() | st.integers() | st.floats() | st.text() | st.binary().map(NotUtf8)
columns = st.fixed_dictionaries(
    {},
    optional={
        name: (stored_values | st.binary()).filter(lambda value: value is not None)
        for name in ("backend", "status", "shots", "submit_time", "update_time", "metadata_json")
    }
    | {"result_json": stored_values | st.binary()},
)


def storable(value: object) -> bool:
    """Return whether SQLite stores a value as it is: it has no NaN, and integers of 64 bits."""
    if isinstance(value, float):
        return value == value  # noqa: PLR0124 - only NaN differs from itself
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@with_files
@given(st.lists(columns, max_size=4))
def test_any_rows_are_all_shown(
    fresh_directory: Callable[[], Path], rows: list[dict[str, object]]
) -> None:
    directory = make_store(fresh_directory())
    with closing(connect(directory)) as connection:
        for number, row in enumerate(rows):
            kept = {name: value for name, value in row.items() if storable(value)}
            insert(connection, f"task-{number}", **kept)
    store = TaskStore(directory, read_only=True)
    expected = {f"task-{number}" for number in range(len(rows))}
    assert {info.task_id for info in store.list()} == expected
    page = store.search(TaskFilter(), limit=10)
    assert {record.task_id for record in page.records} == expected
    for info in store.list():
        assert store.get(info.task_id) == info
