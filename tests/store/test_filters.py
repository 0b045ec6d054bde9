"""A filter selects the same tasks in Python and in SQL."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import NotUtf8, connect, insert, make_store, with_files

from uniqc_store import TERMINAL_STATUSES, InvalidValueError, Snapshot, TaskFilter, TaskStore
from uniqc_store.rows import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from uniqc_store.filters import Label

START = datetime(2026, 8, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    status: object
    backend: object
    submit_time: object
    metadata_json: object
    update_time: object = ""
    error_message: object = None


def make_untyped_store(directory: Path, rows: Sequence[Row]) -> TaskStore:
    """Create a store whose labels may be of any type, with the indices of uniqc's files."""
    make_store(directory)
    with closing(connect(directory)) as connection:
        connection.execute("DROP TABLE tasks")
        connection.execute(
            "CREATE TABLE tasks (task_id TEXT PRIMARY KEY, backend, status, shots, "
            "submit_time TEXT, update_time TEXT, result_json TEXT, metadata_json TEXT, "
            "error_message)"
        )
        for column in ("backend", "status", "submit_time"):
            connection.execute(f"CREATE INDEX tasks_{column}_idx ON tasks({column})")
        for number, row in enumerate(rows):
            insert(connection, str(number), **row.__dict__)
    return TaskStore(directory, read_only=True)


def matching_ids(directory: Path, names: dict[str, str], wanted: TaskFilter) -> set[str]:
    """Return the ids of the tasks that match in Python, by values as SQLite returns them."""
    with closing(connect(directory)) as connection:
        connection.text_factory = partial(bytes.decode, errors="surrogateescape")
        rows: list[tuple[str, Label, Label, Label, Label, Label]] = connection.execute(
            "SELECT task_id, status, backend, submit_time, update_time, error_message FROM tasks"
        ).fetchall()
    return {
        task_id
        for task_id, status, backend, submitted, updated, error in rows
        if wanted.matches(
            status=status,
            backend=backend,
            name=names[task_id],
            submit_time=as_readable(submitted),
            update_time=as_readable(updated),
            task_id=task_id,
            error=as_readable(error),
        )
    }


def as_readable(stored: Label) -> Label:
    return readable(stored)[0] if isinstance(stored, str) else stored


texts = st.text(max_size=3)
odd_values: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.integers(-2, 2),
    st.sampled_from([0.5, b"", b"success", b"failed", b"ibm", b"ibm:fez", b"\xff"]),
    st.sampled_from([b"success\xff", b"ibm:\xff", b"\xff"]).map(NotUtf8),
)
known_statuses = st.sampled_from(
    ["pending", "running", *TERMINAL_STATUSES, "QUEUED", "Success", "successx", "fail", "", "5"]
)
known_backends = st.sampled_from(
    ["ibm", "ibm:fez", "ibm:fez:x", "ibm;", "ibmx", "IBM", "", ":", ":x", "%", "5"]
)
known_names = st.sampled_from(
    ["bell", "BELL-2", "straße", "STRASSE", "贝尔态", "Σίσυφος", "%_", '"']
)
names = known_names | texts
metadata: st.SearchStrategy[object] = st.one_of(
    names.map(lambda name: json.dumps({"task_name": name})),
    names.map(lambda name: json.dumps({"task_name": name}, ensure_ascii=False)),
    names.map(lambda name: json.dumps({"task_name": [name], "note": name})),
    names.map(lambda name: json.dumps({"task_name": name}).encode()),
    names.map(lambda name: NotUtf8(b'{"task_name": "\xff' + json.dumps(name).encode()[1:] + b"}")),
    st.sampled_from([None, 5, "", "{", "null", '["task_name"]']),
)
moments = st.integers(-3, 3).map(lambda hours: START + timedelta(hours=hours))
times: st.SearchStrategy[object] = st.one_of(
    moments.map(datetime.isoformat),
    moments.map(lambda moment: moment.replace(tzinfo=None).isoformat(" ")),
    moments.map(lambda moment: moment.isoformat().encode()),
    moments.map(lambda moment: NotUtf8(moment.isoformat().replace("T", "!").encode() + b"\xff")),
    st.sampled_from(["", "soon", "2026-W31-6"]),
)
errors: st.SearchStrategy[object] = st.one_of(
    st.none(),
    names,
    st.sampled_from([b"bell", 5, NotUtf8(b"bell \xff")]),
)
statuses = st.sampled_from(["any", "active", "finished"]) | known_statuses | texts
backends = known_backends | texts
tables = st.lists(
    st.builds(
        Row,
        status=known_statuses | texts | odd_values,
        backend=known_backends | texts | odd_values,
        submit_time=times,
        metadata_json=metadata,
        update_time=times,
        error_message=errors,
    ),
    max_size=10,
)
filters = st.builds(
    TaskFilter,
    status=statuses | st.lists(statuses, min_size=1, max_size=3).map(tuple),
    backend=st.just("") | backends | backends.map(str.upper),
    submitted_after=st.none() | moments,
    submitted_before=st.none() | moments,
    name_contains=st.just("") | names,
    updated_after=st.none() | moments,
    updated_before=st.none() | moments,
    except_backends=st.just(()) | st.lists(backends, max_size=3).map(tuple),
    task_ids=st.just(()) | st.lists(st.sampled_from("0123456789"), max_size=4).map(tuple),
    error_contains=st.just("") | names,
)


@pytest.mark.usefixtures("in_china")
@with_files
@given(rows=tables, filters=st.lists(filters, min_size=1, max_size=8))
def test_a_filter_matches_the_same_tasks_in_python_and_in_sql(
    fresh_directory: Callable[[], Path], rows: list[Row], filters: list[TaskFilter]
) -> None:
    directory = fresh_directory()
    store = make_untyped_store(directory, rows)
    everything = store.search(TaskFilter(), limit=100).records
    names = {record.task_id: record.name for record in everything}
    for wanted in filters:
        found = {record.task_id for record in store.search(wanted, limit=100).records}
        assert found == matching_ids(directory, names, wanted)
        assert sum(group.count for group in store.tally(wanted)) == len(found)
        assert store.read(partial(Snapshot.count, task_filter=wanted)) == len(found)


@pytest.mark.usefixtures("in_china")
@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-08-01T11:59:59.999999+00:00", False),
        ("2026-08-01T12:00:00+00:00", True),
        ("2026-08-01T20:00:00", True),  # local time
        ("2026-08-01T12:59:59Z", True),
        ("2026-08-01T13:00:00+00:00", False),
        ("2026-08-01T21:00:00", False),
        ("soon", False),
        ("", False),
        (b"2026-08-01T12:30:00+00:00", False),
    ],
)
def test_a_submit_time_matches_within_its_bounds_in_python_and_in_sql(
    tmp_path: Path, time: object, expected: object
) -> None:
    store = make_untyped_store(tmp_path, [Row("success", "ibm", time, "{}")])
    wanted = TaskFilter(submitted_after=START, submitted_before=START + timedelta(hours=1))
    assert bool(matching_ids(tmp_path, {"0": ""}, wanted)) is expected
    assert (store.search(wanted, limit=1).total == 1) is expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": ()},
        {"status": ("failed", "\ud800")},
        {"except_backends": ("\ud800",)},
        {"task_ids": ("\ud800",)},
        {"error_contains": "\ud800"},
        {"updated_after": datetime(2026, 8, 1)},  # noqa: DTZ001 - refused for that
    ],
)
def test_a_condition_that_cannot_be_asked_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError):
        TaskFilter(**wrong)
