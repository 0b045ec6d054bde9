"""Counts and figures: those of the records, whatever is counted by."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, get_args

import pytest
from tests.contract.model import FILTERS, matching

from uniqc_store import Archived, Column, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.contract.conftest import Filled
    from tests.contract.records import Loader, StoredTask

    from uniqc_store import Measures

ARCHIVED: tuple[Archived, ...] = get_args(Archived)
GROUPS: tuple[tuple[Column, ...], ...] = (("status",), ("backend",), ("status", "backend"))


def grouped(tasks: Sequence[StoredTask], by: Sequence[Column]) -> Counter[tuple[str, str]]:
    return Counter(
        (
            task.status if "status" in by else "",
            task.backend if "backend" in by else "",
        )
        for task in tasks
    )


def labels(task: StoredTask | Measures) -> tuple[str, ...]:
    return task.task_id, task.status, task.backend, task.submit_time, task.update_time, task.name


@pytest.mark.parametrize("archived", ARCHIVED)
def test_groups_count_the_tasks_that_match(filled: Filled, archived: Archived) -> None:
    asked = [*product(GROUPS, FILTERS[ARCHIVED.index(archived) :: 3])]
    every = filled.store.read(
        lambda now: [now.tally(one, by=by, archived=archived) for by, one in asked]
    )
    for (by, task_filter), groups in zip(asked, every, strict=True):
        found = Counter({(one.status, one.backend): one.count for one in groups})
        assert found == grouped(matching(filled.tasks, task_filter, archived), by)
        sizes = [one.count for one in groups]
        assert sizes == sorted(sizes, reverse=True)


def test_a_count_is_of_the_tasks_that_match(filled: Filled) -> None:
    live, archived = filled.store.read(
        lambda now: (
            [now.count(one) for one in FILTERS],
            [now.archived(one) for one in FILTERS],
        )
    )
    assert live == [len(matching(filled.tasks, one)) for one in FILTERS]
    assert archived == [len(matching(filled.tasks, one, "only")) for one in FILTERS]


def test_figures_are_those_of_each_task(filled: Filled) -> None:
    every = filled.store.read(lambda now: [[*now.measures(one, names=True)] for one in FILTERS])
    for task_filter, found in zip(FILTERS, every, strict=True):
        assert Counter(map(labels, found)) == Counter(
            map(labels, matching(filled.tasks, task_filter))
        )


def test_labels_and_ids_are_listed(filled: Filled) -> None:
    ids = [task.task_id for task in filled.live]
    archived = {task.task_id for task in filled.archived}
    asked = [*ids[::3], *archived, "unknown"]
    store = filled.store
    assert list(store.read(lambda now: now.backends())) == sorted(
        {task.backend for task in filled.live}
    )
    assert store.read(lambda now: now.live_among(asked)) == set(asked) & set(ids)
    assert store.read(lambda now: now.archived_among(asked)) == set(asked) & archived
    newest = store.read(lambda now: now.newest_ids(10))
    page = store.read(lambda now: now.search(TaskFilter(), limit=10))
    assert list(newest) == [record.task_id for record in page.records]
    ordered = sorted(ids)
    every = store.read(lambda now: [now.neighbouring_ids(one, 2) for one in ordered])
    for place, around in enumerate(every):
        assert sorted(around) == ordered[max(0, place - 2) : place + 2]


def test_dates_that_are_none_are_counted(filled: Filled) -> None:
    undated = [task for task in filled.live if not task.submit_time[:1].isdigit()]
    assert filled.store.read(lambda now: now.without_date(TaskFilter())) == len(undated)


def test_tasks_that_never_reached_a_platform_are_counted(filled: Filled) -> None:
    without = [
        task
        for task in matching(filled.tasks, TaskFilter(status="active"))
        if task.task_id.startswith("uqt_")
        and "legacy_platform_id" not in task.metadata
        and not task.jobs
    ]
    assert filled.store.read(lambda now: now.without_job(TaskFilter(status="active"))) == len(
        without
    )


def test_a_digest_is_of_the_records_and_not_of_their_order(filled: Filled, loader: Loader) -> None:
    digest = filled.store.read(lambda now: now.digest())
    other = loader.load(filled.tasks[::-1])
    assert other.read(lambda now: now.digest()) == digest
    if filled.live:
        loader.remove(filled.live[0].task_id)
        assert other.read(lambda now: now.digest()) != digest
