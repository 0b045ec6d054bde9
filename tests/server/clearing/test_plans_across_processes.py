"""A plan that one server process makes is committed by another, and by one of them only."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from uniqc_store import CLEARED_FILENAME, PLAN_LIFETIME, ClearPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clearing_cache import Cache, LineClient, Mode, Person

    from uniqc_mcp.settings import Settings

ALLOWED = ("--allow-clear", "success,failed", "--confirm", "plan")


def answer_of(server: LineClient) -> dict[str, Any]:
    """Return the structured content of the next answer."""
    while "result" not in (message := server.receive()):
        assert message.get("method") == "notifications/progress", message
    assert not message["result"].get("isError"), message
    content: dict[str, Any] = message["result"]["structuredContent"]
    return content


def called(server: LineClient, tool: str, **arguments: object) -> dict[str, Any]:
    server.call(1, tool, **arguments)
    return answer_of(server)


def end(server: LineClient) -> None:
    server.process.kill()
    server.process.wait()


def test_a_plan_of_a_process_that_has_ended_is_committed_by_the_next(
    cache: Cache, spawn: Callable[..., LineClient]
) -> None:
    before = cache.copy().store_files()
    first = spawn(*ALLOWED)
    plan = called(first, "clear_tasks")
    assert cache.store_files() == before
    end(first)
    second = spawn(*ALLOWED)
    done = called(second, "clear_tasks", plan_id=plan["plan_id"])
    assert (done["state"], done["cleared"]) == ("cleared", plan["planned"])
    end(second)
    third = spawn(*ALLOWED)
    assert called(third, "clear_tasks", plan_id=plan["plan_id"])["state"] == "expired"
    assert called(third, "undo_clear", receipt=done["receipt"])["restored"] == plan["planned"]


def test_of_processes_that_commit_one_plan_at_once_one_wins(
    cache: Cache, spawn: Callable[..., LineClient]
) -> None:
    servers = [spawn(*ALLOWED) for _ in range(3)]
    for turn in range(5):
        cache.fill(20, prefix=f"turn-{turn}")
        plan = called(servers[0], "clear_tasks")
        for server in servers:
            server.call(2, "clear_tasks", plan_id=plan["plan_id"])
        answers = [answer_of(server) for server in servers]
        assert sorted(answer["state"] for answer in answers) == ["cleared", "expired", "expired"]
        assert sum(answer["cleared"] for answer in answers) == 20
    assert [receipt.held for receipt in cache.store.receipts()] == [20] * 5


def test_the_file_of_plans_is_private_and_has_no_id_of_a_plan(
    cache: Cache, spawn: Callable[..., LineClient]
) -> None:
    cache.fill(1)
    plan = called(spawn(*ALLOWED), "clear_tasks")
    path = cache.directory / CLEARED_FILENAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert plan["plan_id"].removeprefix("plan_").encode() not in path.read_bytes()


def test_a_copied_plan_commits_nothing_in_another_cache(
    cache: Cache, spawn: Callable[..., LineClient]
) -> None:
    cache.fill(3)
    plan = called(spawn(*ALLOWED), "clear_tasks")
    other = cache.directory.with_name("other")
    shutil.copytree(cache.directory, other)
    cache.change("UPDATE tasks SET shots = 1")  # another store with rows of the same ids
    shutil.copyfile(cache.path, other / cache.store_name)
    server = spawn(*ALLOWED, "--cache-dir", str(other))
    done = called(server, "clear_tasks", plan_id=plan["plan_id"])
    assert (done["state"], done["cleared"]) == ("changed", 0)


# Other limits


def limited(cache: Cache, **limits: Any) -> Settings:
    return cache.settings(policy=ClearPolicy(**limits))


@pytest.mark.parametrize(
    ("makes", "commits", "cleared", "skipped"),
    [
        ({}, {"statuses": ("failed",)}, 2, {"no longer within the policy": 3}),
        ({"statuses": ("failed",)}, {}, 2, {}),
        ({}, {"backends": ("originq",)}, 3, {"no longer within the policy": 2}),
        ({"backends": ("originq",)}, {"backends": ("originq:WK_C180",)}, 3, {}),
        ({}, {"max_rows": 1}, 1, {"beyond the most rows per clear": 4}),
        ({"max_rows": 4}, {"max_rows": 9}, 4, {}),
        ({"statuses": ("failed",)}, {"statuses": ("success",)}, 0, None),
        ({}, {"min_age": timedelta(weeks=999_999)}, 0, None),
    ],
)
async def test_a_commit_keeps_within_the_limits_of_both_servers(
    cache: Cache,
    makes: dict[str, Any],
    commits: dict[str, Any],
    cleared: int,
    skipped: dict[str, int] | None,
) -> None:
    cache.fill(3, prefix="a", backend="originq:WK_C180")
    cache.fill(2, prefix="b", backend="dummy", status="failed")
    async with cache.client(settings=limited(cache, **makes)) as client:
        _, plan = await cache.call(client, "clear_tasks")
    async with cache.client(settings=limited(cache, **commits)) as client:
        text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert done["cleared"] == cleared == 5 - len(cache.ids())
    if skipped is not None:
        assert {reason["reason"]: reason["count"] for reason in done["skipped"]} == skipped
    else:
        assert done["state"] == "changed"
        assert "as it was planned and within the limits of this server" in text


async def test_a_user_has_to_confirm_if_either_server_says_so(
    cache: Cache, mode: Mode, person: Person
) -> None:
    cache.fill(5)
    human, alone = (cache.settings(confirm=confirm) for confirm in ("human", "plan"))
    for makes, commits in ((human, alone), (alone, human)):
        async with cache.client(mode, makes, person) as client:
            _, plan = await cache.call(client, "clear_tasks")
        person.typed = 4  # not the number of tasks
        async with cache.client(mode, commits, person) as client:
            _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert (done["state"], done["cleared"]) == ("declined", 0)
    assert len(person.asked) == 2


async def test_the_question_is_the_same_in_another_server(
    cache: Cache, mode: Mode, person: Person
) -> None:
    cache.fill(3, backend="originq:WK_C180")
    cache.fill(2, prefix="b", status="failed")
    settings = cache.settings(confirm="human")
    async with cache.client(mode, settings, person) as client:
        _, plan = await cache.call(client, "clear_tasks")
    person.typed = 5
    async with cache.client(mode, settings, person) as client:
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert done["cleared"] == 5
    (asked,) = person.asked
    assert "Clear 5 finished quantum tasks" in asked.message
    assert "3 success on originq:WK_C180, 2 failed on dummy" in asked.message.replace('"', "")


async def test_a_plan_expires_for_another_server_too(cache: Cache, mode: Mode) -> None:
    cache.fill(2)
    async with cache.client(mode) as client:
        _, plan = await cache.call(client, "clear_tasks")
    cache.elapsed = PLAN_LIFETIME
    async with cache.client(mode) as client:
        text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert (done["state"], done["cleared"]) == ("expired", 0)
    assert "a plan is good once, for 10 min" in text


async def test_an_altered_plan_is_refused_and_removes_nothing(cache: Cache, mode: Mode) -> None:
    cache.fill(2)
    async with cache.client(mode) as client:
        _, plan = await cache.call(client, "clear_tasks")
        copies = replace_path(cache)
        copies.change("UPDATE plans SET content = CAST(content || x'00' AS BLOB)")
        said = await cache.refusal(client, "clear_tasks", plan_id=plan["plan_id"])
        assert "The plan is not as it was made" in said
    assert len(cache.ids()) == 2


def replace_path(cache: Cache) -> Cache:
    """Return an object whose ``change`` changes the file of copies."""
    other = object.__new__(type(cache))
    other.__dict__.update(cache.__dict__, path=cache.directory / CLEARED_FILENAME)
    return other
