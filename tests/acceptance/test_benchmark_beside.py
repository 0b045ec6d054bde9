"""The benchmark that compares the server of this tree with that of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import beside
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from pathlib import Path


def test_each_question_is_asked_of_both_trees(tmp_path: Path) -> None:
    TaskStore(tmp_path).save(TaskInfo("running", "dummy"))
    ratios = beside.compare(beside.HERE, tmp_path, repeats=1)
    assert len(ratios) == 1 + 2 * len(beside.QUESTIONS)
    assert all(ratio > 0 for ratio in ratios.values())
