"""Plans in the file of copies: sealed, bounded, deleted once they have expired."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from uniqc_store import (
    CLEARED_FILENAME,
    MAX_PLANNED_ROWS,
    PLAN_LIFETIME,
    ClearPolicy,
    InvalidValueError,
    PlanAlteredError,
    StoreForeignError,
    TaskFilter,
    TaskStore,
)
from uniqc_store.clearing import plan_content
from uniqc_store.clearing.plan import PlannedRow

if TYPE_CHECKING:
    from tests.clearing_cache import Cache

    from uniqc_store import ClearPlan

NOW = datetime(2026, 11, 3, 18, tzinfo=UTC)


LOOSE = """
    CREATE TABLE loose AS SELECT * FROM plans;
    DROP TABLE plans;
    ALTER TABLE loose RENAME TO plans;
    UPDATE plans SET content = 'text', seal = 1
"""
"""Make a table as another program might, with values of other types."""


def in_copies(cache: Cache, statement: str, *parameters: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection, connection:
        return connection.execute(statement, parameters).fetchall()


def plan_of(cache: Cache) -> ClearPlan:
    return cache.store.plan_clear(TaskFilter())


def with_rows(plan: ClearPlan, count: int) -> ClearPlan:
    return replace(plan, rows=(PlannedRow(1, b"a", b"d", 0),) * count)


def test_a_plan_comes_back_as_it_was(cache: Cache) -> None:
    cache.fill(3, backend='ibm "\u2028\x00')
    cache.change(
        "UPDATE tasks SET task_id = CAST(x'ff00' AS TEXT), status = 'failed' WHERE rowid=2"
    )
    policy = ClearPolicy(
        statuses=("failed", "success"), min_age=timedelta(days=1, microseconds=7), max_rows=9
    )
    plan = cache.store.plan_clear(TaskFilter(), policy=policy)
    plans = cache.store.pending_plans(cache.clock)
    held = plans.add(plan, asks_user=True)
    taken = plans.take(held.plan_id)
    assert taken == replace(
        held, plan=replace(plan, examples=(), oldest="", newest="", excluded=())
    )
    assert len(plan.rows) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE plans SET content = CAST(content || x'00' AS BLOB)",
        "UPDATE plans SET content = substr(content, 1, length(content) - 1)",
        "UPDATE plans SET content = CAST(replace(content, 'success', 'running') AS BLOB)",
        "UPDATE plans SET seal = zeroblob(32)",
        "UPDATE plans SET seal = x''",
        LOOSE,
    ],
)
def test_an_altered_plan_is_refused_and_used_up(cache: Cache, statement: str) -> None:
    plans = cache.fill(2).store.pending_plans(cache.clock)
    held = plans.add(plan_of(cache), asks_user=False)
    for part in statement.split(";"):
        in_copies(cache, part)
    with pytest.raises(PlanAlteredError, match="make a new plan"):
        plans.get(held.plan_id)
    with pytest.raises(PlanAlteredError):
        plans.take(held.plan_id)
    assert plans.take(held.plan_id) is None
    assert in_copies(cache, "SELECT * FROM plans") == []


def test_another_plan_under_the_key_of_a_plan_is_refused(cache: Cache) -> None:
    plans = cache.fill(2).store.pending_plans(cache.clock)
    small = plans.add(with_rows(plan_of(cache), 1), asks_user=True)
    plans.add(plan_of(cache), asks_user=False)
    in_copies(
        cache,
        "UPDATE plans SET (content, seal) = (SELECT content, seal FROM plans WHERE number = 2) "
        "WHERE plan_key = ?",
        plan_content.key_of(small.plan_id),
    )
    with pytest.raises(PlanAlteredError):
        plans.take(small.plan_id)


def test_a_later_time_in_the_file_does_not_extend_a_plan(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    held = plans.add(plan_of(cache), asks_user=False)
    in_copies(cache, "UPDATE plans SET expires_at = expires_at * 2")
    cache.elapsed = PLAN_LIFETIME - timedelta(microseconds=1)
    assert plans.get(held.plan_id) is not None
    cache.elapsed = PLAN_LIFETIME
    assert plans.get(held.plan_id) is None
    assert plans.take(held.plan_id) is None


@pytest.mark.parametrize("later", [PLAN_LIFETIME, timedelta(days=-1)])
def test_an_expired_plan_or_one_of_the_future_is_deleted_with_the_next(
    cache: Cache, later: timedelta
) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    held = plans.add(plan_of(cache), asks_user=False)
    cache.elapsed = later
    assert plans.get(held.plan_id) is None
    new = plans.add(plan_of(cache), asks_user=False)
    keys = in_copies(cache, "SELECT plan_key FROM plans")
    assert keys == [(plan_content.key_of(new.plan_id),)]


def test_a_commit_deletes_expired_plans_too(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    plans.add(plan_of(cache), asks_user=False)
    cache.elapsed = PLAN_LIFETIME / 2
    second = plans.add(plan_of(cache), asks_user=False)
    cache.elapsed = PLAN_LIFETIME
    assert plans.take(second.plan_id) is not None
    assert in_copies(cache, "SELECT * FROM plans") == []


def test_all_plans_together_have_a_bounded_number_of_rows(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    plan = plan_of(cache)
    half = MAX_PLANNED_ROWS // 2
    held = [plans.add(with_rows(plan, count), asks_user=False) for count in (1, half, half)]
    assert [plans.get(each.plan_id) is not None for each in held] == [False, True, True]
    last = plans.add(with_rows(plan, MAX_PLANNED_ROWS), asks_user=False)
    assert in_copies(cache, "SELECT row_count FROM plans") == [(MAX_PLANNED_ROWS,)]
    with pytest.raises(InvalidValueError, match="too many to keep a plan of; narrow the filter"):
        plans.add(with_rows(plan, MAX_PLANNED_ROWS + 1), asks_user=False)
    assert plans.take(last.plan_id) is not None


def test_the_pages_of_large_plans_are_freed_by_the_next(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    held = plans.add(with_rows(plan_of(cache), MAX_PLANNED_ROWS), asks_user=False)
    path = cache.directory / CLEARED_FILENAME
    large = path.stat().st_size
    assert plans.take(held.plan_id) is not None
    plans.add(plan_of(cache), asks_user=False)
    assert path.stat().st_size < large / 10


def test_asking_for_an_unknown_plan_creates_no_file(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    for plan_id in ("", "plan_x", "\ud800", "x" * 100_000):
        assert plans.get(plan_id) is None
        assert plans.take(plan_id) is None
    assert set(cache.files()) == {cache.store_name}


def test_plans_stand_beside_receipts_of_a_file_made_without_them(cache: Cache) -> None:
    store = TaskStore(cache.fill(2).directory)
    done = store.clear(plan_of(cache))
    plans = store.pending_plans(cache.clock)
    assert plans.get("plan_x") is None
    cache.fill(1, prefix="b")
    held = plans.add(plan_of(cache), asks_user=False)
    assert [receipt.receipt_id for receipt in store.receipts()] == [done.receipt_id]
    assert plans.get(held.plan_id) is not None
    assert store.undo_clear(done.receipt_id).restored == 2
    assert plans.get(held.plan_id) is not None


def test_a_trigger_that_would_keep_plans_is_refused(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    held = plans.add(plan_of(cache), asks_user=False)
    in_copies(
        cache,
        "CREATE TRIGGER keep BEFORE DELETE ON plans BEGIN SELECT RAISE(IGNORE); END",
    )
    with pytest.raises(StoreForeignError, match="trigger 'keep'"):
        plans.take(held.plan_id)


def test_a_clear_within_another_policy_keeps_to_both(cache: Cache) -> None:
    cache.fill(2)
    cache.fill(3, prefix="b", status="failed")
    store = TaskStore(cache.directory)
    plan = store.plan_clear(TaskFilter(), policy=ClearPolicy(max_rows=4))
    done = store.clear(plan, policy=ClearPolicy(statuses=("failed",), max_rows=3))
    skipped = {reason.text: reason.count for reason in done.skipped}
    assert done.cleared + sum(skipped.values()) == 4
    assert skipped["beyond the most rows per clear"] == 1
    assert all(task.status == "failed" for task in store.list(status="failed"))
    assert store.count(status="success") == 2
