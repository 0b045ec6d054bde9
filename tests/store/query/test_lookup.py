"""Lookup of tasks by their ids and the ids of their jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import (
    NotUtf8,
    execute,
    fill,
    insert,
    insert_shard,
    make_store,
    v5_directory,
    with_files,
)

from uniqc_store import (
    MAX_MATCHES,
    SHORTEST_PREFIX,
    InvalidValueError,
    Match,
    Matches,
    TaskStore,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ODD_IDS = [
    "job/with:odd id #1?x=%20",
    "100%_done",
    "__________",
    "O'Brien's \"job\"",
    "任务-量子-⚛️-元数据",
    "../../etc/passwd",
    "nul\0inside",
    "back\\slash\\",
    " leading and trailing ",
    "; DROP TABLE tasks; --",
    "line\nbreak",
    "x" * 100_000,
]


def find(directory: Path, reference: str) -> Matches:
    return TaskStore(directory, read_only=True).read(lambda snapshot: snapshot.find(reference))


def live(*task_ids: str) -> tuple[Match, ...]:
    return tuple(Match(task_id=task_id, archived=False, row=0) for task_id in task_ids)


def archived(*task_ids: str) -> tuple[Match, ...]:
    return tuple(Match(task_id=task_id, archived=True, row=0) for task_id in task_ids)


def archive(directory: Path, task_id: str, platform_task_id: str = "", **columns: object) -> None:
    insert(directory, task_id, table="archived_tasks", archived_at="2026-08-02", **columns)
    if platform_task_id:
        shards = {"table": "archived_task_shards", "archived_at": "2026-08-02"}
        insert_shard(directory, task_id, platform_task_id, **shards)


def submit(directory: Path, task_id: str, platform_task_id: str) -> None:
    insert(directory, task_id)
    insert_shard(directory, task_id, platform_task_id)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return an empty store of the newest schema."""
    return v5_directory(tmp_path)


def test_an_unknown_id_finds_nothing(directory: Path) -> None:
    submit(directory, "uqt_000001", "P-000001")
    assert find(directory, "unknown-id") == Matches()
    assert find(directory, "unknown-id").by == "nothing"


def test_an_id_is_found_live_or_in_the_archive(directory: Path) -> None:
    insert(directory, "uqt_000001")
    archive(directory, "uqt_000002")
    assert find(directory, "uqt_000001") == Matches(by="id", found=live("uqt_000001"))
    assert find(directory, "uqt_000002") == Matches(by="id", found=archived("uqt_000002"))


def test_a_live_task_hides_an_archived_one_with_the_same_id(directory: Path) -> None:
    submit(directory, "uqt_000001", "P-000001")
    archive(directory, "uqt_000001", "P-000001")
    for reference in ("uqt_000001", "P-000001", "uqt_00", "P-0000"):
        assert find(directory, reference).found == live("uqt_000001")


def test_a_platform_id_is_found_live_or_in_the_archive(directory: Path) -> None:
    submit(directory, "uqt_000001", "P-000001")
    archive(directory, "uqt_000002", "P-000002")
    assert find(directory, "P-000001") == Matches(by="platform id", found=live("uqt_000001"))
    assert find(directory, "P-000002") == Matches(by="platform id", found=archived("uqt_000002"))


def test_a_task_of_several_jobs_is_found_once(directory: Path) -> None:
    submit(directory, "uqt_000001", "P-000001")
    for index in (1, 2):
        insert_shard(directory, "uqt_000001", "P-000001", shard_index=index)
    assert find(directory, "P-000001").found == live("uqt_000001")
    assert find(directory, "P-0000").found == live("uqt_000001")


def test_a_job_without_a_task_finds_nothing(directory: Path) -> None:
    insert_shard(directory, "uqt_gone", "P-000001")
    insert_shard(
        directory, "uqt_gone", "P-000001", table="archived_task_shards", archived_at="2026-08-02"
    )
    assert find(directory, "P-000001") == Matches()
    assert find(directory, "P-0000") == Matches()


@pytest.mark.parametrize(
    "legacy_id", ["L-000001", "旧-元数据", 'quoted "id"', "back\\slash", "tab\t"]
)
def test_an_id_from_before_version_5_is_found_in_the_metadata(
    directory: Path, legacy_id: str
) -> None:
    metadata = json.dumps({"note": 1, "legacy_platform_id": legacy_id}, ensure_ascii=False)
    insert(directory, "uqt_000001", metadata_json=metadata)
    archive(directory, "uqt_000002", metadata_json=metadata)
    expected = live("uqt_000001") + archived("uqt_000002")
    assert find(directory, legacy_id) == Matches(by="legacy id", found=expected)


def test_a_legacy_id_is_not_searched_for_in_a_file_without_jobs(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache")
    insert(directory, "other", metadata_json='{"legacy_platform_id": "L-000001"}')
    assert find(directory, "L-000001") == Matches()


def test_an_id_outranks_a_platform_id_then_a_legacy_id_then_a_prefix(
    directory: Path,
) -> None:
    insert(directory, "samesame-and-more")
    assert find(directory, "samesame").by == "prefix"
    insert(directory, "uqt_legacy", metadata_json='{"legacy_platform_id": "samesame"}')
    assert find(directory, "samesame") == Matches(by="legacy id", found=live("uqt_legacy"))
    submit(directory, "uqt_platform", "samesame")
    assert find(directory, "samesame") == Matches(by="platform id", found=live("uqt_platform"))
    archive(directory, "samesame")
    assert find(directory, "samesame") == Matches(by="id", found=archived("samesame"))


def test_a_prefix_needs_six_characters(directory: Path) -> None:
    assert SHORTEST_PREFIX == 6
    submit(directory, "abcdefgh", "PQRSTUVW")
    for prefix in ("abcdef", "PQRSTU"):
        assert find(directory, prefix) == Matches(by="prefix", found=live("abcdefgh"))
        assert find(directory, prefix[:5]) == Matches()


def test_a_prefix_is_literal_and_case_sensitive(directory: Path) -> None:
    fill(directory, "abcdefgh", "%_%_%_%_")
    assert find(directory, "%_%_%_").found == live("%_%_%_%_")
    assert find(directory, "______") == find(directory, "ABCDEF") == Matches()


def test_a_prefix_finds_live_tasks_first(directory: Path) -> None:
    archive(directory, "common-1", "P-1")
    archive(directory, "common-3")
    insert(directory, "common-2")
    submit(directory, "uqt_000009", "common-platform")
    assert find(directory, "common") == Matches(
        by="prefix",
        found=live("common-2", "uqt_000009") + archived("common-1", "common-3"),
    )


def test_live_tasks_come_before_archived_ones_of_the_same_platform_id(directory: Path) -> None:
    for task_id in ("uqt_L1", "uqt_L2"):
        submit(directory, task_id, "P-000001")
    for task_id in ("uqt_A0", "uqt_L1"):
        archive(directory, task_id, "P-000001")
    expected = live("uqt_L1", "uqt_L2") + archived("uqt_A0")
    assert find(directory, "P-000001") == Matches(by="platform id", found=expected)


@pytest.mark.parametrize("count", [MAX_MATCHES, MAX_MATCHES + 1, 3 * MAX_MATCHES])
def test_at_most_ten_matches_are_returned(directory: Path, count: int) -> None:
    names = [f"common-{number:03}" for number in range(count)]
    fill(directory, *names)
    expected = Matches(by="prefix", found=live(*names[:10]), more=count > MAX_MATCHES)
    assert find(directory, "common") == expected


def test_a_live_task_is_returned_however_many_are_archived(directory: Path) -> None:
    for number in range(20):
        archive(directory, f"common-{number:03}")
    submit(directory, "uqt_000001", "common-platform")
    matches = find(directory, "common")
    assert matches.found[0] == live("uqt_000001")[0]
    assert (len(matches.found), matches.more) == (MAX_MATCHES, True)


@pytest.mark.parametrize("task_id", ODD_IDS, ids=lambda task_id: task_id[:10].encode().hex())
def test_any_text_may_be_an_id(directory: Path, task_id: str) -> None:
    submit(directory, task_id, "P-1")
    submit(directory, "uqt_000001", f"P-{task_id}")
    assert find(directory, task_id).found == live(task_id)
    assert find(directory, task_id[:-1]).found == live(task_id)
    assert find(directory, f"P-{task_id}").found == live("uqt_000001")
    assert find(directory, f"{task_id}-") == Matches()
    store = TaskStore(directory)
    task = store.get(task_id)
    assert task is not None
    assert task.task_id == task_id
    assert store.delete(task_id)
    assert store.get(task_id) is None


@pytest.mark.parametrize("reference", ["", None, 5, "\ud800"])
def test_a_reference_that_is_empty_or_not_text_is_refused(directory: Path, reference: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        find(directory, reference)
    assert caught.value.field == "task_id"


def test_the_records_of_a_match_can_be_read(directory: Path) -> None:
    submit(directory, "uqt_000001", "P-000001")
    archive(directory, "uqt_000002", "P-000002", result_json='{"00": 1}', error_message="no")

    def look(reference: str) -> list[object]:
        def question(snapshot: Any) -> list[object]:
            (match,) = snapshot.find(reference).found
            info, record = snapshot.info(match), snapshot.record(match)
            shards = [shard.platform_task_id for shard in snapshot.shards(match)]
            return [info.task_id, record.task_id, info.archived_at, record.archived_at, shards]

        return TaskStore(directory, read_only=True).read(question)

    assert look("P-000001") == ["uqt_000001", "uqt_000001", None, None, ["P-000001"]]
    assert look("P-000002") == [*["uqt_000002"] * 2, *["2026-08-02"] * 2, ["P-000002"]]


def test_a_found_task_with_a_damaged_id_can_be_read(directory: Path) -> None:
    insert(directory, NotUtf8(b"uqt_abcdef\x80"))
    store = TaskStore(directory, read_only=True)

    def question(snapshot: Any) -> list[str]:
        found = snapshot.find("uqt_abc").found
        return [snapshot.record(match).task_id for match in found]

    assert store.read(question) == ["uqt_abcdef\ufffd"]


def test_an_id_that_is_stored_as_a_blob_is_not_found_by_text(directory: Path) -> None:
    insert(directory, b"uqt_abcdef")
    assert find(directory, "uqt_abc") == find(directory, "uqt_abcdef") == Matches()


def test_get_by_a_job_finds_a_task_with_a_damaged_id(directory: Path) -> None:
    insert(directory, NotUtf8(b"uqt_\x80"))
    insert_shard(directory, "placeholder", "P-000001")
    execute(directory, "UPDATE task_shards SET uniqc_task_id = CAST(x'7571745f80' AS TEXT)")
    task = TaskStore(directory).get("P-000001")
    assert task is not None
    assert (task.task_id, task.damaged) == ("uqt_\ufffd", ("task_id",))


def test_archived_tasks_are_counted(directory: Path, tmp_path: Path) -> None:
    for number in range(3):
        archive(directory, f"task-{number}")

    def count(where: Path) -> int:
        return TaskStore(where, read_only=True).read(lambda snapshot: snapshot.archived())

    assert count(directory) == 3
    assert count(make_store(tmp_path / "v1")) == count(tmp_path / "missing") == 0


ids = st.text(st.sampled_from("ab%_é⚛"), min_size=1, max_size=9)


@with_files
@given(st.sets(ids, max_size=15), st.lists(ids, min_size=1, max_size=5))
def test_prefixes_find_the_same_tasks_as_a_model(
    fresh_directory: Callable[[], Path], stored: set[str], references: list[str]
) -> None:
    directory = fill(make_store(fresh_directory()), *stored)
    for reference in references:
        matching = sorted(name for name in stored if name.startswith(reference))
        if reference in stored:
            expected = Matches(by="id", found=live(reference))
        elif len(reference) < SHORTEST_PREFIX or not matching:
            expected = Matches()
        else:
            more = len(matching) > MAX_MATCHES
            expected = Matches(by="prefix", found=live(*matching[:MAX_MATCHES]), more=more)
        assert find(directory, reference) == expected


def test_a_task_whose_metadata_is_a_number_can_be_read(tmp_path: Path) -> None:
    directory = make_store(tmp_path)
    execute(
        directory,
        "DROP TABLE tasks",
        "CREATE TABLE tasks (task_id TEXT, backend, status, shots, submit_time, update_time, "
        "result_json, metadata_json)",
    )
    insert(directory, "task-1", metadata_json=5)

    def question(snapshot: Any) -> tuple[str, ...]:
        (match,) = snapshot.find("task-1").found
        return tuple(snapshot.record(match).damaged)

    assert TaskStore(directory, read_only=True).read(question) == ("metadata",)
