"""The answer to a commit says which filter the plan was made with, in both channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clearing_cache import Cache, LineClient, Mode, Person

FILTER: dict[str, Any] = {"status": ["failed"], "backend": "originq", "older_than": "2d"}


async def test_a_commit_says_what_its_plan_was_asked_for(cache: Cache, mode: Mode) -> None:
    cache.fill(3, status="failed", backend="originq")
    async with cache.client(mode) as client:
        _, plan = await cache.call(client, "clear_tasks", **FILTER)
        text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert done["cleared"] == 3
    assert "untouched for 2" in plan["matching"]
    assert done["matching"] == plan["matching"]
    assert f"\n- asked for: {plan['matching']}\n" in text


@pytest.mark.parametrize("action", ["decline", "accept"])
async def test_a_commit_that_removes_nothing_says_it_too(
    cache: Cache, mode: Mode, person: Person, action: Literal["decline", "accept"]
) -> None:
    cache.fill(3, status="failed", backend="originq")
    person.action, person.typed = action, 2
    async with cache.client(mode, cache.settings(confirm="human"), person) as client:
        _, plan = await cache.call(client, "clear_tasks", **FILTER)
        text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert (done["cleared"], done["matching"]) == (0, plan["matching"])
    assert f"\n- asked for: {plan['matching']}\n" in text


async def test_a_plan_that_is_dropped_is_named_and_an_unknown_one_has_no_filter(
    cache: Cache, mode: Mode
) -> None:
    cache.fill(3, status="failed", backend="originq")
    async with cache.client(mode) as client:
        _, plan = await cache.call(client, "clear_tasks", **FILTER)
        asked = {"plan_id": plan["plan_id"], "drop": True}
        text, dropped = await cache.call(client, "clear_tasks", **asked)
        assert dropped["matching"] == plan["matching"]
        assert f"\n- asked for: {plan['matching']}\n" in text
        text, again = await cache.call(client, "clear_tasks", **asked)
        assert not again["matching"]
        assert "asked for" not in text


def test_another_process_knows_the_filter_of_a_plan(
    cache: Cache, spawn: Callable[..., LineClient]
) -> None:
    cache.fill(3, status="failed", backend="originq")
    plan = called_by_a_process(spawn, **FILTER)
    done = called_by_a_process(spawn, plan_id=plan["plan_id"])
    assert done["cleared"] == 3
    assert done["matching"] == plan["matching"]


def called_by_a_process(spawn: Callable[..., LineClient], **arguments: object) -> dict[str, Any]:
    """Return the structured content of clear_tasks from a server that is started for this call."""
    server = spawn("--allow-clear", "failed", "--confirm", "plan")
    server.call(1, "clear_tasks", **arguments)
    while "result" not in (message := server.receive()):
        assert message.get("method") == "notifications/progress", message
    server.process.kill()
    server.process.wait()
    content: dict[str, Any] = message["result"]["structuredContent"]
    return content
