"""Completions of an id or a backend."""

from __future__ import annotations

import json
import sqlite3
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import (
    NotUtf8,
    backdate,
    connect,
    fill,
    insert,
    insert_shard,
    make_store,
    v5_directory,
    with_files,
)

from uniqc_store import (
    Completions,
    InvalidValueError,
    Snapshot,
    TaskFilter,
    TaskStore,
    WouldBlockError,
)
from uniqc_store.query import completion
from uniqc_store.query.completion import MAX_BACKENDS, MAX_BEGINNING, MAX_RECENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = 200


def complete(
    directory: Path, text: str, *, limit: int = LIMIT, **among: Any
) -> tuple[list[str], bool]:
    """Return the completions of an id, and whether these are certainly all."""
    store = TaskStore(directory, read_only=True)
    task_filter = TaskFilter(**among)
    found = store.read(lambda snapshot: snapshot.complete_id(text, among=task_filter, limit=limit))
    return list(found.values), found.whole


def complete_backend(directory: Path, text: str, *, limit: int = LIMIT) -> tuple[list[str], bool]:
    store = TaskStore(directory, read_only=True)
    found = store.read(lambda snapshot: snapshot.complete_backend(text, limit=limit))
    return list(found.values), found.whole


def named(name: str) -> str:
    return json.dumps({"task_name": name})


def at_day(day: int) -> str:
    return f"2026-08-{day:02}T09:00:00+00:00"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    make_store(tmp_path)
    for day, task_id, name in ((1, "job-b", "Bell"), (3, "job-a", ""), (2, "run-c", "bell again")):
        insert(tmp_path, task_id, submit_time=at_day(day), metadata_json=named(name))
    return tmp_path


# Ids of tasks


def test_an_empty_text_completes_to_the_newest_tasks(directory: Path) -> None:
    assert complete(directory, "") == (["job-a", "run-c", "job-b"], True)
    assert complete(directory, "", limit=3) == (["job-a", "run-c", "job-b"], True)
    assert complete(directory, "", limit=2) == (["job-a", "run-c"], False)


def test_the_beginning_of_an_id_completes_to_the_newest_ids_with_it(directory: Path) -> None:
    assert complete(directory, "job") == (["job-a", "job-b"], True)
    assert complete(directory, "job-b") == (["job-b"], True)
    assert complete(directory, "JOB") == ([], True)


def test_part_of_a_name_in_any_case_completes_to_the_id(directory: Path) -> None:
    assert complete(directory, "BELL") == (["run-c", "job-b"], True)
    assert complete(directory, "again") == (["run-c"], True)


def test_ids_come_before_names_and_each_comes_once(directory: Path) -> None:
    insert(directory, "bell", submit_time=at_day(1), metadata_json=named("bell"))
    assert complete(directory, "bell") == (["bell", "run-c", "job-b"], True)


def test_matches_by_name_follow_all_ids_and_both_are_newest_first(
    directory: Path,
) -> None:
    insert(directory, "bell-1", submit_time=at_day(1))
    insert(directory, "bell-2", submit_time=at_day(2))
    expected = ["bell-2", "bell-1", "run-c", "job-b"]
    assert complete(directory, "bell") == (expected, True)
    assert complete(directory, "bell", limit=4) == (expected, True)
    assert complete(directory, "bell", limit=3) == (expected[:3], False)
    assert complete(directory, "bell", limit=2) == (expected[:2], False)
    assert complete(directory, "bell", limit=1) == (expected[:1], False)


def test_ids_of_uniqc_are_not_searched_for_in_names(directory: Path) -> None:
    insert(directory, "uqt_1", metadata_json=named("after uqt_2"))
    assert complete(directory, "uqt_2") == ([], True)
    assert complete(directory, "after uqt_2") == (["uqt_1"], True)


def test_a_name_search_that_runs_out_of_time_is_reported_as_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "_NAMES_SECONDS", -1)
    monkeypatch.setattr(completion, "_NAMES_PER_CLOCK_READING", 8)
    directory = make_store(tmp_path / "cache")
    ids = [f"job-{number:06}" for number in range(MAX_BEGINNING + 20)]
    with connect(directory) as connection:
        connection.execute("BEGIN")
        for task_id in ids:
            insert(connection, task_id, metadata_json=named(f"step of {task_id}"))
        connection.execute("COMMIT")
    connection.close()
    *_, unread, last_read, _, _, _, _, _, _, newest = ids
    assert complete(directory, f"of {newest}") == ([newest], False)
    assert complete(directory, f"of {last_read}") == ([last_read], False)
    assert complete(directory, f"of {unread}") == ([], False)
    assert complete(directory, ids[0]) == (ids[:1], False)
    assert complete(directory, "job", limit=2 * len(ids)) == (ids[::-1], False)


@pytest.mark.parametrize(
    ("tasks", "whole"), [(MAX_RECENT - 1, True), (MAX_RECENT, True), (MAX_RECENT + 1, False)]
)
def test_a_name_search_is_complete_up_to_max_recent_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: int, *, whole: bool
) -> None:
    monkeypatch.setattr(completion, "_NAMES_SECONDS", 600)
    fill(make_store(tmp_path / "cache"), *(f"job-{n}" for n in range(tasks)))
    assert complete(tmp_path / "cache", "bell") == ([], whole)


@pytest.mark.parametrize(("tasks", "whole"), [(MAX_BEGINNING, True), (MAX_BEGINNING + 1, False)])
def test_an_id_search_is_complete_up_to_max_beginning_ids(
    tmp_path: Path, tasks: int, *, whole: bool
) -> None:
    ids = [f"uqt_{number:06}" for number in range(tasks)]
    directory = fill(make_store(tmp_path / "cache"), *ids)
    values, all_there = complete(directory, "uqt_", limit=MAX_RECENT)
    assert (set(values), all_there) == (set(ids), whole)


def test_text_without_a_match_has_no_completions(directory: Path) -> None:
    assert complete(directory, "nowhere") == ([], True)


def test_wildcards_and_quotes_of_sql_are_literal_text(directory: Path) -> None:
    fill(directory, "%", "_x", "*", "'")
    for text in ("%", "_", "*", "'"):
        (only,), whole = complete(directory, text)
        assert only.startswith(text)
        assert whole


def test_a_missing_file_has_no_completions_and_is_not_created(tmp_path: Path) -> None:
    assert complete(tmp_path, "") == ([], True)
    assert complete(tmp_path, "job") == ([], True)
    assert complete_backend(tmp_path, "") == ([], True)
    assert not list(tmp_path.iterdir())


def test_text_that_cannot_be_stored_is_refused(directory: Path) -> None:
    with pytest.raises(InvalidValueError):
        complete(directory, "\ud800")
    with pytest.raises(InvalidValueError):
        complete_backend(directory, "\ud800")


def test_an_unreadable_id_is_left_out(directory: Path) -> None:
    insert(directory, b"job-blob")
    insert(directory, NotUtf8(b"job-\xff"))
    insert(directory, "job-damaged", metadata_json='{"task_name": "bell')
    assert sorted(complete(directory, "job")[0]) == ["job-a", "job-b", "job-damaged"]
    assert len(complete(directory, "")[0]) == 4
    assert len(complete(directory, "", backend="originq")[0]) == 4


# Completions of ids of one backend or status


def test_a_chosen_backend_restricts_the_completions(directory: Path) -> None:
    insert(directory, "job-q", backend="quark:Baihua", metadata_json=named("bell on quark"))
    for text in ("", "job", "quark", "BELL"):
        for backend in ("quark", "quark:Baihua"):
            assert complete(directory, text, backend=backend) == (["job-q"], True)
    assert complete(directory, "job", backend="originq") == (["job-a", "job-b"], True)
    assert complete(directory, "", backend="nowhere") == ([], True)


def test_a_limited_list_of_a_chosen_backend_is_reported_as_incomplete(directory: Path) -> None:
    assert complete(directory, "", backend="originq", limit=3)[1]
    assert complete(directory, "", backend="originq", limit=2) == (["job-a", "run-c"], False)
    assert complete(directory, "bell", backend="originq", limit=2) == (["run-c"], False)


def test_a_chosen_status_restricts_the_completions(directory: Path) -> None:
    insert(directory, "job-f", status="failed")
    assert complete(directory, "job", status="failed") == (["job-f"], True)
    assert complete(directory, "", status="finished") == (["job-f"], True)
    assert complete(directory, "job", status="active") == (["job-a", "job-b"], True)


# Platform ids and the archive


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """Return a schema 5 store.

    It has one task with two jobs, two tasks that share a job, and one archived task.
    """
    directory = v5_directory(tmp_path)
    fill(directory, "uqt_1", "uqt_2", "uqt_3")
    insert(directory, "uqt_4", table="archived_tasks", archived_at=at_day(9))
    insert_shard(directory, "uqt_1", "F1A0")
    insert_shard(directory, "uqt_1", "F1A1", shard_index=1)
    insert_shard(directory, "uqt_2", "F2")
    insert_shard(directory, "uqt_3", "F2")
    insert_shard(directory, "uqt_4", "F4", table="archived_task_shards", archived_at=at_day(9))
    return directory


def test_a_platform_id_is_completed(sharded: Path) -> None:
    values, whole = complete(sharded, "F1")
    assert (sorted(values), whole) == (["F1A0", "F1A1"], True)
    assert complete(sharded, "F1", backend="quark") == ([], True)


def test_a_shared_platform_id_is_completed_to_the_ids_of_its_tasks(sharded: Path) -> None:
    assert complete(sharded, "F2") == (["uqt_3", "uqt_2"], True)


def test_an_archived_task_is_completed_unless_the_text_is_empty(sharded: Path) -> None:
    assert complete(sharded, "uqt_4") == (["uqt_4"], True)
    assert complete(sharded, "F4") == (["F4"], True)
    assert "uqt_4" not in complete(sharded, "")[0]


def test_each_completion_finds_exactly_one_task(sharded: Path) -> None:
    store = TaskStore(sharded, read_only=True)
    values = [value for text in ("", "u", "uqt_", "F") for value in complete(sharded, text)[0]]
    assert len(set(values)) == 7
    for value in values:
        assert len(store.read(methodcaller("find", value)).found) == 1


@with_files
@given(
    ids=st.sets(st.text("ab%_é\U0010fffe", min_size=1, max_size=4), max_size=12),
    text=st.text("ab%_é", max_size=2),
)
def test_few_tasks_are_all_found_by_the_beginning_of_their_ids(
    tmp_path_factory: pytest.TempPathFactory, ids: set[str], text: str
) -> None:
    directory = fill(make_store(tmp_path_factory.mktemp("ids")), *ids)
    values, whole = complete(directory, text)
    assert set(values) == {task_id for task_id in ids if task_id.startswith(text)}
    assert len(values) == len(set(values))
    assert whole


# Many tasks


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with 500 more tasks than a search by name reads."""
    directory = make_store(tmp_path_factory.mktemp("many"))
    with connect(directory) as connection:
        connection.execute("BEGIN")
        for number in range(MAX_RECENT + 500):
            insert(
                connection,
                f"uqt_{number:06}" if number % 2 else f"old-{number:06}",
                submit_time=f"2026-08-01T09:{number // 60:02}:{number % 60:02}",
                backend="rare" if number == 3 else "dummy",
                metadata_json=named(f"step {number}"),
            )
        connection.execute("COMMIT")
    connection.close()
    return backdate(directory)


def test_an_old_task_is_found_by_the_beginning_of_its_id(many: Path) -> None:
    assert complete(many, "uqt_00000") == (
        ["uqt_000009", "uqt_000007", "uqt_000005", "uqt_000003", "uqt_000001"],
        True,
    )
    assert complete(many, "old-000004")[0] == ["old-000004"]


def test_an_old_task_is_found_among_the_tasks_of_its_backend(many: Path) -> None:
    assert complete(many, "", backend="rare") == (["uqt_000003"], True)
    assert complete(many, "step", backend="rare") == (["uqt_000003"], True)


def test_a_name_search_that_skips_old_tasks_is_reported_as_incomplete(many: Path) -> None:
    assert complete(many, "step 2499") == (["uqt_002499"], False)
    assert complete(many, "step 3") == ([], False)


def test_a_limited_list_of_ids_has_the_newest_ones(many: Path) -> None:
    values, whole = complete(many, "uqt_", limit=3)
    assert (values, whole) == (["uqt_002499", "uqt_002497", "uqt_002495"], False)


def test_a_bounded_number_of_ids_with_a_beginning_is_looked_up(many: Path) -> None:
    values, whole = complete(many, "old-0", limit=2 * MAX_RECENT, backend="dummy")
    assert len(values) < MAX_RECENT
    assert not whole
    values, whole = complete(many, "old-000", limit=1000)
    assert MAX_BEGINNING <= len(values) < 1000
    assert not whole


def test_a_nonblocking_read_has_the_newest_ids_and_cached_completions(many: Path) -> None:
    store = TaskStore(many, read_only=True)
    nonblocking_store = store.nonblocking()

    def newest(snapshot: Snapshot) -> Completions:
        return snapshot.complete_id("", limit=LIMIT)

    def by_name(snapshot: Snapshot) -> Completions:
        return snapshot.complete_id("step 2499", limit=LIMIT)

    assert len(nonblocking_store.read(newest).values) == LIMIT
    with pytest.raises(WouldBlockError):
        nonblocking_store.read(by_name)
    assert nonblocking_store.read(newest).values == store.read(newest).values
    from_blocking_read = store.read(by_name)
    assert nonblocking_store.read(by_name) == from_blocking_read


QUESTIONS: list[Callable[[Snapshot], Completions]] = [
    lambda snapshot: snapshot.complete_id("", limit=LIMIT),
    lambda snapshot: snapshot.complete_id("uqt_", limit=LIMIT),
    lambda snapshot: snapshot.complete_id("bell", limit=LIMIT),
    lambda snapshot: snapshot.complete_id("bell", among=TaskFilter(backend="dummy"), limit=LIMIT),
    lambda snapshot: snapshot.complete_backend("", limit=LIMIT),
    lambda snapshot: snapshot.complete_backend("ori", limit=LIMIT),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_completion_reads_a_result_or_scans_a_table(
    sharded: Path, question: Callable[[Snapshot], Completions]
) -> None:
    read: set[str | None] = set()
    executed: list[str] = []

    def record_column(action: int, table: str | None, column: str | None, *_: object) -> int:
        del table
        if action == sqlite3.SQLITE_READ:
            read.add(column)
        return sqlite3.SQLITE_OK

    def query_plan_steps(snapshot: Snapshot) -> list[str]:
        # SQLite reports the columns that it reads and its query plans.
        connection = snapshot._session.connection  # pyright: ignore[reportPrivateUsage]
        connection.set_authorizer(record_column)
        connection.set_trace_callback(executed.append)
        question(snapshot)
        connection.set_trace_callback(None)
        return [
            step[3]
            for statement in executed
            for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]

    steps = TaskStore(sharded, read_only=True).read(query_plan_steps)
    assert "task_id" in read or "backend" in read
    assert "result_json" not in read
    whole = [step for step in steps if step.startswith("SCAN") and "USING" not in step]
    no_table = ("labels", "CONSTANT", "(subquery", "json_each")
    assert all(any(name in step for name in no_table) for step in whole)


# Backends


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    make_store(tmp_path)
    for number, backend in enumerate(("originq:WK_C180", "originq", "dummy:originq:WK_C180", "")):
        insert(tmp_path, f"job-{number}", backend=backend)
    insert(tmp_path, "job-blob", backend=b"originq:blob")
    return tmp_path


def test_backends_and_their_platforms_are_completed(labelled: Path) -> None:
    everything = ["dummy", "dummy:originq:WK_C180", "originq", "originq:WK_C180"]
    assert complete_backend(labelled, "") == (everything, True)
    assert complete_backend(labelled, "dum") == (everything[:2], True)
    assert complete_backend(labelled, "originq:") == (
        ["originq:WK_C180", "dummy:originq:WK_C180"],
        True,
    )


def test_part_of_a_backend_in_any_case_is_completed(labelled: Path) -> None:
    assert complete_backend(labelled, "wk_c") == (
        ["dummy:originq:WK_C180", "originq:WK_C180"],
        True,
    )
    assert complete_backend(labelled, "IBM") == ([], True)


def test_a_list_of_backends_is_limited(labelled: Path) -> None:
    assert complete_backend(labelled, "", limit=4)[1]
    assert complete_backend(labelled, "", limit=3) == (
        ["dummy", "dummy:originq:WK_C180", "originq"],
        False,
    )
    assert complete_backend(labelled, "originq", limit=1) == (["originq"], False)
    assert complete_backend(labelled, "originq", limit=3)[1]


def test_a_backend_among_very_many_is_found_by_its_beginning(tmp_path: Path) -> None:
    make_store(tmp_path)
    with connect(tmp_path) as connection:
        connection.execute("BEGIN")
        for number in range(MAX_BACKENDS + 10):
            insert(connection, f"job-{number}", backend=f"b{number:04}")
        insert(connection, "last", backend="zz:top")
        connection.execute("COMMIT")
    connection.close()
    assert complete_backend(tmp_path, "z") == (["zz", "zz:top"], False)
    assert complete_backend(tmp_path, "top") == ([], False)
    values, whole = complete_backend(tmp_path, "b", limit=100)
    assert (len(values), whole) == (100, False)
