"""Plans: their contents, their limits and their validity. Planning writes nothing."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_store import MAX_PENDING_PLANS, PLAN_LIFETIME, ClearPolicy, TaskFilter

if TYPE_CHECKING:
    from tests.clearing_cache import Cache, Mode

FILTERS = (
    "status, backend, submitted_after, submitted_before, name_contains, updated_after, "
    "updated_before, except_backend, task_ids, error_contains, older_than, plan_id, drop"
)


def mixed(cache: Cache) -> Cache:
    """Insert tasks of every kind that a policy distinguishes."""
    result = json.dumps({"00": 500, "11": 500})
    cache.fill(7, prefix="a", backend="originq:WK_C180", result=result, name="bell")
    cache.fill(3, prefix="b", backend="dummy", status="failed")
    cache.fill(2, prefix="c", backend="dummy", status="cancelled")
    cache.fill(4, prefix="d", backend="dummy", status="running")
    return cache.fill(5, prefix="e", backend="dummy", touched=datetime.now(UTC))


async def planned(cache: Cache, policy: ClearPolicy, **arguments: object) -> dict[str, Any]:
    async with cache.client(settings=cache.settings(policy=policy)) as client:
        _, plan = await cache.call(client, "clear_tasks", **arguments)
    assert plan["state"] == ("planned" if plan["planned"] else "nothing_to_clear")
    return plan


async def test_a_plan_describes_the_tasks_it_would_remove(cache: Cache, mode: Mode) -> None:
    mixed(cache)
    policy = ClearPolicy(statuses=("success", "failed"), min_age=timedelta(days=7), max_rows=8)
    async with cache.client(mode, cache.settings(policy=policy)) as client:
        text, plan = await cache.call(client, "clear_tasks", status="any")
    assert plan["state"] == "planned"
    assert plan["planned"] == 8
    assert plan["groups"] == [
        {"status": "success", "backend": "originq:WK_C180", "count": 5},
        {"status": "failed", "backend": "dummy", "count": 3},
    ]
    assert (plan["oldest"], plan["newest"]) == ("2025-01-01T00:00:01Z", "2025-01-01T00:00:05Z")
    assert (plan["matched"], plan["left_for_later"]) == (21, 2)
    assert len(plan["examples"]) == 5
    assert plan["examples"][0] == {
        "task_id": "a-1",
        "name": "bell",
        "backend": "originq:WK_C180",
        "status": "success",
        "updated_at": "2025-01-02T00:00:00Z",
    }
    assert {reason["reason"]: reason["count"] for reason in plan["excluded"]} == {
        "not finished": 4,
        "status not allowed": 2,
        "touched too recently": 5,
        "beyond the most rows per clear": 2,
    }
    assert plan["expires_at"] == "2026-11-03T18:10:00Z"
    for said in (
        "Plan: clear 8 of 21 tasks, ",
        "Nothing was removed yet.",
        f"plan_id: {plan['plan_id']} (until 2026-11-03T18:10:00Z)",
        "- 5 success on originq:WK_C180",
        'such as a-1 "bell" success on originq:WK_C180',
        "- excluded, not finished: 4 (4 running)",
        "Left for another plan: 2.",
    ):
        assert said in text
    assert "user is asked" not in text


async def test_planning_writes_nothing_to_the_store(cache: Cache, mode: Mode) -> None:
    before = cache.copy().files()
    async with cache.client(mode) as client:
        for arguments in ({}, {"status": "failed"}, {"older_than": "7d"}, {"name_contains": "b"}):
            await cache.call(client, "clear_tasks", **arguments)
    assert cache.store_files() == before


@pytest.mark.parametrize(
    ("asked", "matched"),
    [
        ({}, 17),
        ({"status": "any"}, 17),
        ({"status": "active"}, 0),
        ({"status": "failed"}, 3),
        ({"backend": "originq"}, 7),
        ({"backend": "dummy"}, 10),
        ({"name_contains": "BELL"}, 7),
        ({"older_than": "1h"}, 12),
        ({"older_than": "999999w"}, 0),
        ({"submitted_after": "2025-01-01T00:00:05Z"}, 4),
        ({"submitted_before": "2025-01-01T00:00:02Z"}, 4),
    ],
)
async def test_a_plan_holds_the_finished_tasks_that_match_the_filter(
    cache: Cache, asked: dict[str, object], matched: int
) -> None:
    plan = await planned(mixed(cache), ClearPolicy(), **asked)
    assert plan["planned"] == matched


@pytest.mark.parametrize(
    ("policy", "matched"),
    [
        (ClearPolicy(statuses=("cancelled",)), 2),
        (ClearPolicy(min_age=timedelta(days=7)), 12),
        (ClearPolicy(min_age=timedelta(weeks=999_999)), 0),
        (ClearPolicy(backends=("originq", "ibm")), 7),
        (ClearPolicy(max_rows=4), 4),
    ],
)
async def test_the_policy_limits_every_plan(
    cache: Cache, policy: ClearPolicy, matched: int
) -> None:
    plan = await planned(mixed(cache), policy, status="any")
    assert plan["planned"] == matched
    assert matched + sum(reason["count"] for reason in plan["excluded"]) == 21


@pytest.mark.parametrize(
    ("older_than", "matched"), [("", 5), ("1h", 5), ("8d", 5), ("30d", 3), ("99d", 3), ("101d", 0)]
)
async def test_the_larger_of_requested_age_and_minimum_age_decides(
    cache: Cache, older_than: str, matched: int
) -> None:
    now = datetime.now(UTC)
    for count, prefix, days in ((1, "now", 0), (2, "old", 10), (3, "older", 100)):
        cache.fill(count, prefix=prefix, touched=now - timedelta(days=days))
    plan = await planned(cache, ClearPolicy(min_age=timedelta(days=7)), older_than=older_than)
    assert plan["planned"] == matched


async def test_an_empty_plan_has_no_id_and_says_what_the_policy_excluded(cache: Cache) -> None:
    mixed(cache)
    policy = ClearPolicy(statuses=("cancelled",))
    async with cache.client(settings=cache.settings(policy=policy)) as client:
        text, plan = await cache.call(client, "clear_tasks", status="failed")
    assert (plan["state"], plan["plan_id"], plan["planned"]) == ("nothing_to_clear", "", 0)
    assert plan["excluded"] == [
        {"reason": "status not allowed", "count": 3, "statuses": {"failed": 3}}
    ]
    assert text.startswith("There is nothing to clear")
    assert "- excluded, status not allowed: 3 (3 failed)" in text


async def test_without_a_store_a_plan_is_empty_and_creates_no_file(cache: Cache) -> None:
    plan = await planned(cache, ClearPolicy())
    assert (plan["planned"], plan["store"]["exists"]) == (0, False)
    assert cache.files() == {}


# Validity


@pytest.mark.parametrize("late", [PLAN_LIFETIME, timedelta(days=1)])
async def test_a_plan_is_valid_for_ten_minutes(cache: Cache, mode: Mode, late: timedelta) -> None:
    before = cache.fill(3).rows()
    async with cache.client(mode) as client:
        _, plan = await cache.call(client, "clear_tasks")
        cache.elapsed = late
        text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert (done["state"], done["cleared"]) == ("expired", 0)
        assert "Nothing was removed." in text
        assert "Call clear_tasks without plan_id for a new plan." in text
        assert cache.rows() == before
        _, plan = await cache.call(client, "clear_tasks")
        cache.elapsed += PLAN_LIFETIME - timedelta(seconds=1)
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert (done["state"], done["cleared"]) == ("cleared", 3)


async def test_a_plan_is_valid_once_and_in_another_server_too(cache: Cache) -> None:
    cache.fill(3)
    async with cache.client() as client, cache.client() as other:
        _, plan = await cache.call(client, "clear_tasks")
        answers = [
            await cache.call(asked, "clear_tasks", plan_id=plan["plan_id"])
            for asked in (other, client, client)
        ]
    assert [done["state"] for _, done in answers] == ["cleared", "expired", "expired"]
    assert f'There is no plan "{plan["plan_id"]}"' in answers[-1][0]
    assert len(cache.store.receipts()) == 1


def test_a_ninth_plan_replaces_the_oldest(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    plan = cache.store.plan_clear(TaskFilter())
    held = [plans.add(plan, asks_user=False) for _ in range(MAX_PENDING_PLANS + 1)]
    assert MAX_PENDING_PLANS == 8
    found = [plans.get(each.plan_id) is not None for each in held]
    assert found == [False, *[True] * 8]


def test_a_plan_can_be_taken_once_and_not_after_it_expired(cache: Cache) -> None:
    now = [datetime(2026, 11, 3, tzinfo=UTC)]
    plans = cache.fill(1).store.pending_plans(lambda: now[0])
    plan = cache.store.plan_clear(TaskFilter())
    held = plans.add(plan, asks_user=False)
    now[0] = held.expires_at - timedelta(microseconds=1)
    taken = plans.take(held.plan_id)
    assert taken is not None
    assert taken.plan.rows == plan.rows
    assert (plans.get(held.plan_id), plans.take(held.plan_id)) == (None, None)
    held = plans.add(plan, asks_user=False)
    added_at, now[0] = now[0], held.expires_at
    assert plans.take(held.plan_id) is None
    now[0] = added_at
    assert plans.take(held.plan_id) is None
    assert plans.take("") is None


def test_the_id_of_a_plan_cannot_be_guessed(cache: Cache) -> None:
    plans = cache.fill(1).store.pending_plans(cache.clock)
    plan = cache.store.plan_clear(TaskFilter())
    ids: list[str] = []
    for _ in range(200):
        random.seed(0)  # a seeded generator would repeat its ids
        ids.append(plans.add(plan, asks_user=False).plan_id)
    assert len(set(ids)) == 200
    secrets = [plan_id.removeprefix("plan_") for plan_id in ids]
    assert min(map(len, secrets)) >= 16
    # Each position but the last takes nearly all of the 64 characters of the alphabet.
    columns = list(zip(*secrets, strict=True))
    assert all(len(set(characters)) > 48 for characters in columns[:-1])


# Refusals


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"older_than": "a while"}, 'older_than must be a duration such as 12h or 30d, not "a w'),
        ({"older_than": "-7d"}, "older_than must be a duration"),
        ({"older_than": "7"}, "older_than must be a duration"),
        ({"older_than": 7}, "older_than must be a text"),
        ({"submitted_before": "soon"}, "submitted_before must be a date or time"),
        ({"status": "done"}, "status must be one of any, "),
        ({"plan": "plan_x"}, f"Did you mean plan_id? Known are: {FILTERS}."),
        ({"limit": 5}, f"Known are: {FILTERS}."),
        ({"dry_run": False}, 'There is no argument "dry_run".'),
    ],
)
async def test_wrong_arguments_are_refused_with_the_allowed_ones(
    cache: Cache, arguments: dict[str, object], said: str
) -> None:
    cache.fill(1)
    async with cache.client() as client:
        assert said in await cache.refusal(client, "clear_tasks", **arguments)
    assert cache.ids() == ["task-1"]


@pytest.mark.parametrize(
    "filters", [{"status": "failed"}, {"backend": "dummy"}, {"older_than": "7d"}]
)
async def test_filters_with_a_plan_id_are_refused_and_the_plan_stays_valid(
    cache: Cache, mode: Mode, filters: dict[str, object]
) -> None:
    cache.fill(2)
    async with cache.client(mode) as client:
        _, plan = await cache.call(client, "clear_tasks")
        said = await cache.refusal(client, "clear_tasks", plan_id=plan["plan_id"], **filters)
        assert "leave out the filters" in said
        assert len(cache.ids()) == 2
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert done["cleared"] == 2
