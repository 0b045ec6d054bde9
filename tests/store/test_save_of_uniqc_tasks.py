"""``save`` takes the ``TaskInfo`` of any release of uniqc, which lacks some of our fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from tests.store.conftest import v5_directory

from uniqc_store import InvalidValueError, TaskInfo, TaskStore

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class FirstTask:
    """The fields of ``TaskInfo`` in uniqc 0.0.4 to 0.0.10."""

    task_id: str
    backend: str
    status: str = "pending"
    result: dict[str, Any] | None = None
    shots: int = 1000
    submit_time: str = "2026-08-01T09:00:00"
    update_time: str = ""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class LaterTask(FirstTask):
    """The fields of ``TaskInfo`` in uniqc 0.0.11 to 0.1.1."""

    error_message: str | None = None
    archived_at: str | None = None


@pytest.mark.parametrize("kind", [FirstTask, LaterTask])
def test_a_task_of_uniqc_is_saved_and_stamped(store: TaskStore, kind: type[FirstTask]) -> None:
    task = kind("a", "dummy", "success", {"00": 7}, 7, metadata={"task_name": "bell"})
    store.save(task)
    assert store.get("a") == TaskInfo(
        "a",
        "dummy",
        "success",
        {"00": 7},
        7,
        task.submit_time,
        task.update_time,
        {"task_name": "bell"},
    )
    assert task.update_time


def test_the_error_of_a_task_of_uniqc_is_kept_where_the_schema_has_it(tmp_path: Path) -> None:
    store = TaskStore(v5_directory(tmp_path))
    task = LaterTask("a", "dummy", "failed", error_message="no token")
    store.save(task)
    saved = store.get("a")
    assert saved is not None
    assert saved.error_message == "no token"


def test_an_update_by_an_early_release_leaves_the_error_as_it_does_in_uniqc(
    tmp_path: Path,
) -> None:
    store = TaskStore(v5_directory(tmp_path))
    store.save(LaterTask("a", "dummy", "failed", error_message="no token"))
    store.save(FirstTask("a", "dummy", "failed"))
    saved = store.get("a")
    assert saved is not None
    assert saved.error_message == "no token"


@pytest.mark.parametrize(
    ("name", "value"), [("shots", "many"), ("error_message", 5), ("metadata", [1])]
)
def test_a_bad_field_of_a_task_of_uniqc_is_refused_by_name(
    store: TaskStore, name: str, value: object
) -> None:
    task = LaterTask("a", "dummy")
    setattr(task, name, value)
    with pytest.raises(InvalidValueError) as caught:
        store.save(task)
    assert caught.value.field == name
    assert (task.update_time, store.count()) == ("", 0)


@pytest.mark.parametrize("offset", [-1, "1", 1.0, True, 2**63])
def test_an_offset_has_to_be_a_number_from_0(store: TaskStore, offset: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        store.list(offset=offset)
    assert caught.value.field == "offset"
