"""One task by each kind of id, what is stored of it, and completions of ids and backends."""

from __future__ import annotations

import json
from operator import methodcaller
from typing import TYPE_CHECKING

import pytest
from tests.contract.model import matching

from uniqc_store import MAX_MATCHES, SHORTEST_PREFIX, InvalidValueError, TaskFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.contract.conftest import Filled
    from tests.contract.records import StoredTask

    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import Match, Matches

UNIQC_ID = "uqt_"


def job_ids(task: StoredTask) -> list[str]:
    return [job.platform_task_id for job in task.jobs]


def legacy_entry(reference: str) -> str:
    return f'"legacy_platform_id": {json.dumps(reference, ensure_ascii=False)}'


def found_by(tasks: Iterable[StoredTask], reference: str) -> tuple[str, dict[str, bool]]:
    """Return the search that finds tasks first, and their ids with whether they are archived."""
    searches: list[tuple[str, Callable[[StoredTask], bool]]] = [
        ("id", lambda task: task.task_id == reference),
        ("platform id", lambda task: reference in job_ids(task)),
    ]
    if not reference.startswith(UNIQC_ID):
        searches.append(("legacy id", lambda task: legacy_entry(reference) in task.metadata))
    if len(reference) >= SHORTEST_PREFIX:
        searches.append(
            (
                "prefix",
                lambda task: any(
                    one.startswith(reference) for one in (task.task_id, *job_ids(task))
                ),
            )
        )
    for by, is_meant in searches:
        # The archived ones first, so that a live one hides the archived one of its id.
        meant = sorted(filter(is_meant, tasks), key=lambda task: not task.archived)
        if meant:
            return by, {task.task_id: task.archived for task in meant}
    return "nothing", {}


def check(found: Matches, by: str, tasks: dict[str, bool]) -> None:
    named = {match.task_id: match.archived for match in found.found}
    assert found.by == by
    assert len(named) == len(found.found) == min(len(tasks), MAX_MATCHES)
    assert named.items() <= tasks.items()
    assert found.more == (len(tasks) > MAX_MATCHES)


def references(filled: Filled) -> set[str]:
    """Return ids of each kind, their beginnings, and some that stand for nothing."""
    whole = {one for task in filled.tasks for one in (task.task_id, *job_ids(task))}
    lengths = (SHORTEST_PREFIX - 1, SHORTEST_PREFIX, SHORTEST_PREFIX + 4)
    beginnings = {one[:length] for one in sorted(whole)[::4] for length in lengths}
    legacy = {f"legacy-{number}" for number in range(21)}
    odd = {"unknown-id", "%", "______", "' OR 1=1 --", "legacy", "量子量子量子", UNIQC_ID}
    return {*whole, *beginnings, *legacy, *odd} - {""}


def test_an_id_of_each_kind_finds_its_tasks(filled: Filled) -> None:
    asked = sorted(references(filled))
    every = filled.store.read(lambda now: [now.find(one) for one in asked])
    for reference, found in zip(asked, every, strict=True):
        check(found, *found_by(filled.tasks, reference))
    assert "nothing" in {found.by for found in every}


def test_an_archived_twin_is_found_behind_the_live_task(filled: Filled) -> None:
    archived = {task.task_id for task in filled.archived}

    def check(snapshot: StoreSnapshot) -> None:
        for task in filled.tasks:
            behind = snapshot.find_archived(task.task_id).found
            assert [one.archived for one in behind] == [True] * (task.task_id in archived)
            (match,) = snapshot.find(task.task_id).found
            twin = snapshot.archived_twin(match)
            assert (twin is not None) == (not match.archived and task.task_id in archived)

    filled.store.read(check)


def test_an_id_that_is_none_is_refused(filled: Filled) -> None:
    for reference in ("", "\ud800"):
        with pytest.raises(InvalidValueError, match="task_id"):
            filled.store.read(methodcaller("find", reference))
    with pytest.raises(InvalidValueError, match="task_id"):
        filled.store.read(lambda now: now.find_archived(""))


def test_results_and_jobs_are_as_stored(filled: Filled) -> None:
    hidden = {task.task_id for task in filled.live}

    def check(snapshot: StoreSnapshot) -> None:
        for task in filled.tasks:
            if not task.archived or task.task_id not in hidden:
                (match,) = snapshot.find(task.task_id).found
                check_stored(snapshot, match, task)

    filled.store.read(check)


def check_stored(snapshot: StoreSnapshot, match: Match, task: StoredTask) -> None:
    record = snapshot.record(match)
    assert record.archived_at == task.archived_at
    stored_bytes = None if task.result is None else len(task.result.encode())
    assert record.result_bytes == stored_bytes
    assert snapshot.result_text(match) == (task.result or "")
    jobs = snapshot.shards(match)
    assert [job.platform_task_id for job in jobs] == job_ids(task)
    assert [(job.status, job.has_result) for job in jobs] == [
        (job.status, job.result is not None) for job in task.jobs
    ]
    results = [job.result or "" for job in task.jobs]
    assert list(snapshot.shard_results(match, most_bytes=10**6)) == results
    assert dict(snapshot.shard_result_starts(match)) == {
        place: job.result.lstrip(" \t\n\r")[:1]
        for place, job in enumerate(task.jobs)
        if job.result is not None
    }
    total = sum(len(result.encode()) for result in results)
    if total:
        assert snapshot.shard_results(match, most_bytes=total - 1) == ()


def test_jobs_and_short_results_of_many_tasks_are_read_at_once(filled: Filled) -> None:
    asked = [task.task_id for task in filled.tasks][::2]
    live = [task for task in filled.live if task.task_id in set(asked)]
    jobs, results = filled.store.read(
        lambda now: (now.shards_of_tasks(asked), now.short_results(asked))
    )
    assert {
        task_id: [job.platform_task_id for job in found] for task_id, found in jobs.items()
    } == {task.task_id: job_ids(task) for task in live if task.jobs}
    assert results == {task.task_id: task.result for task in live if task.result is not None}


def completed(filled: Filled, text: str) -> set[str]:
    """Return the ids that a text may be completed to."""
    shared: dict[str, set[tuple[str, bool]]] = {}
    for task in filled.tasks:
        for job in job_ids(task):
            shared.setdefault(job, set()).add((task.task_id, task.archived))
    found = {task.task_id for task in filled.tasks if task.task_id.startswith(text)}
    for job, owners in shared.items():
        if job.startswith(text):
            for archived in (False, True):
                own = {task_id for task_id, is_archived in owners if is_archived == archived}
                found |= own if len(own) > 1 else {job} if own else set()
    if not text.startswith(UNIQC_ID):
        found |= {task.task_id for task in filled.live if text.casefold() in task.name.casefold()}
    return found


def test_ids_are_completed_from_their_beginning_or_a_name(filled: Filled) -> None:
    ids = [task.task_id for task in filled.tasks][::5]
    texts = {one[:length] for one in ids for length in (1, 5, 9)}
    asked = sorted({*texts, "job-00", "vqe", "%", "量", "STRASSE", "no such"} - {""})
    every = filled.store.read(lambda now: [now.complete_id(one, limit=1000) for one in asked])
    for text, found in zip(asked, every, strict=True):
        assert found.whole
        assert set(found.values) == completed(filled, text)
        assert len(set(found.values)) == len(found.values)


def test_completions_of_nothing_are_the_newest_ids(filled: Filled) -> None:
    newest = filled.store.read(lambda now: now.newest_ids(5))
    found = filled.store.read(lambda now: now.complete_id("", limit=5))
    assert found.values == newest
    assert found.whole == (len(filled.live) <= 5)


def test_completions_among_some_tasks_are_of_these(filled: Filled) -> None:
    among = TaskFilter(status="success", backend="originq")
    found = filled.store.read(lambda now: now.complete_id("", among=among, limit=1000))
    assert set(found.values) == {task.task_id for task in matching(filled.tasks, among)}


def test_backends_are_completed_from_any_part(filled: Filled) -> None:
    labels = {task.backend for task in filled.live}
    known = {part for label in labels for part in (label, label.partition(":")[0])} - {""}
    asked = ("", "o", "ORIGIN", "wk", "%", "é", ":", "no such")
    every = filled.store.read(lambda now: [now.complete_backend(one, limit=1000) for one in asked])
    for text, found in zip(asked, every, strict=True):
        assert found.whole
        assert set(found.values) == {one for one in known if text.casefold() in one.casefold()}
        begins = [one.startswith(text) for one in found.values]
        assert begins == sorted(begins, reverse=True)
