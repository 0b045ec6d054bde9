"""The beginnings of the results of a task's jobs, which tell objects from lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.store.conftest import insert, insert_shard, make_store, v5_directory

from uniqc_store import TaskStore

if TYPE_CHECKING:
    from pathlib import Path


def result_starts(directory: Path, task_id: str) -> dict[int, str]:
    store = TaskStore(directory, read_only=True)
    return store.read(lambda snapshot: snapshot.shard_result_starts(*snapshot.find(task_id).found))


def test_each_job_with_a_result_has_its_first_character(tmp_path: Path) -> None:
    directory = v5_directory(tmp_path)
    insert(directory, "uqt_one")
    insert(directory, "uqt_other")
    stored = ['{"0": 1}', " \n\t[1]", None, "null", "", b"{}", "\r{"]
    for index, result in enumerate(stored):
        insert_shard(directory, "uqt_one", f"P{index}", shard_index=index, result_json=result)
    insert_shard(directory, "uqt_other", "Q", result_json="[]")
    assert result_starts(directory, "uqt_one") == {0: "{", 1: "[", 3: "n", 4: "", 6: "{"}
    assert result_starts(directory, "uqt_other") == {0: "["}


def test_a_file_without_jobs_has_none(tmp_path: Path) -> None:
    insert(make_store(tmp_path, version=3), "task-1")
    assert result_starts(tmp_path, "task-1") == {}
