"""The account that tells a lost task from one that uniqc removed itself."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from account_of_lives import account
from uniqc_life import Deed

from uniqc_store import ClearPolicy, TaskFilter, TaskInfo, TaskStore

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def saved(cache_dir: Path, task_id: str, status: str, at: float) -> Deed:
    """Save a task, and return what a process of uniqc would log of that."""
    task = TaskInfo(task_id=task_id, backend="dummy", status=status)
    TaskStore(cache_dir).save(task)
    return Deed("save", at, at + 0.5, task_id, status, task.update_time)


def told(cache_dir: Path, *deeds: Deed, seconds: float = 0.1) -> Counter[str]:
    report: dict[str, object] = {
        "deeds": deeds,
        "trouble": {},
        "twins": 0,
        "longest": [seconds, "save"],
    }
    (cache_dir.parent / "life-0.1.1-0.json").write_text(json.dumps(report))
    return +account(cache_dir.parent, cache_dir)


def delete(cache_dir: Path, task_id: str) -> None:
    TaskStore(cache_dir).delete(task_id)


def test_tasks_in_the_store_and_in_a_receipt_are_found(cache_dir: Path) -> None:
    deeds = [saved(cache_dir, "a", "running", 1), saved(cache_dir, "b", "success", 2)]
    store = TaskStore(cache_dir)
    store.clear(store.plan_clear(TaskFilter(), policy=ClearPolicy(statuses=("success",))))
    assert store.get("b") is None
    counts = told(cache_dir, *deeds)
    assert counts == {"tasks saved by uniqc": 2, "tasks found in their last version": 2}


def test_a_task_that_is_gone_is_lost(cache_dir: Path) -> None:
    deeds = [saved(cache_dir, "a", "running", 1), saved(cache_dir, "b", "running", 2)]
    delete(cache_dir, "a")
    assert told(cache_dir, *deeds)["lost"] == 1


def test_an_older_version_of_a_task_is_a_loss_too(cache_dir: Path) -> None:
    first = saved(cache_dir, "a", "running", 1)
    later = Deed("save", 3, 3.5, "a", "success", "2026-11-29T00:00:00+00:00")
    assert told(cache_dir, first, later)["lost"] == 1


@pytest.mark.parametrize(
    ("removal", "what"),
    [
        (Deed("clear all", 5, 6), "tasks removed by uniqc"),
        (Deed("clear all", 0.1, 0.2), "lost"),
        (Deed("clear cancelled", 5, 6), "tasks removed by uniqc"),
        (Deed("clear cancelled", 0.1, 0.2), "lost"),
        (Deed("open", 1.2, 6), "tasks whose last save fell into an upgrade by uniqc"),
    ],
)
def test_what_uniqc_removed_after_the_last_save_is_not_lost(
    cache_dir: Path, removal: Deed, what: str
) -> None:
    deed = saved(cache_dir, "a", "cancelled", 1)
    delete(cache_dir, "a")
    assert told(cache_dir, deed, removal)[what] == 1


def test_a_task_that_nobody_saved_is_invented(cache_dir: Path) -> None:
    saved(cache_dir, "a", "running", 1)
    assert told(cache_dir)["invented"] == 1


def test_a_task_with_a_new_id_after_an_upgrade_is_found_by_its_old_one(cache_dir: Path) -> None:
    deed = saved(cache_dir, "job-1", "running", 1)
    with closing(sqlite3.connect(cache_dir / "tasks.sqlite")) as connection, connection:
        metadata = json.dumps({"legacy_platform_id": "job-1"})
        connection.execute("UPDATE tasks SET task_id = 'uqt_1', metadata_json = ?", (metadata,))
    counts = told(cache_dir, deed)
    assert counts == {"tasks saved by uniqc": 1, "tasks found in their last version": 1}


def test_a_call_that_took_longer_than_a_second_is_wrong(cache_dir: Path) -> None:
    deed = saved(cache_dir, "a", "running", 1)
    assert told(cache_dir, deed, seconds=1.5)["WRONG: a call of uniqc took longer than a second"]
