"""undo_clear and `restore` put back a part of a receipt; a plan can be dropped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.server.test_token_budget import NASTY, cost

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.token_budget import ANSWER
from uniqc_store import MAX_LEFTOVERS, TaskFilter, TaskInfo, TaskStore

if TYPE_CHECKING:
    from click.testing import Result
    from mcp import Client
    from tests.clearing_cache import Cache, Mode, Person


EVERYTHING = ["bad-1", "bad-2", "good-1", "good-2", "good-3"]


def clear(cache: Cache) -> str:
    store = TaskStore(cache.directory)
    return store.clear(store.plan_clear(TaskFilter())).receipt_id


def mixed(cache: Cache) -> Cache:
    cache.fill(2, prefix="bad", status="failed", backend="originq:WK_C180")
    return cache.fill(3, prefix="good", name="VQE of H2")


def run(cache: Cache, *arguments: str) -> Result:
    command, *rest = arguments
    options = [command, "--cache-dir", str(cache.directory), *rest]
    return CliRunner().invoke(cli, options, prog_name="uniqc-mcp")


async def planned(cache: Cache, client: Client) -> dict[str, Any]:
    _, plan = await cache.call(client, "clear_tasks")
    return plan


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"task_ids": ["bad-2", "good-1"]}, ["bad-2", "good-1"]),
        ({"status": "failed"}, ["bad-1", "bad-2"]),
        ({"status": ["failed", "cancelled"], "task_ids": "bad-2"}, ["bad-2"]),
        ({"backend": "originq"}, ["bad-1", "bad-2"]),
        ({"name_contains": "vqe", "submitted_after": "2025-01-01T00:00:02Z"}, ["good-2", "good-3"]),
        ({"submitted_before": "2025-01-01T00:00:02Z"}, ["bad-1", "good-1"]),
        ({"task_ids": ["bad-1", "good-1"], "status": "success"}, ["good-1"]),
        ({"except_backend": ["originq"]}, ["good-1", "good-2", "good-3"]),
        ({"updated_before": "2025-01-02T00:00:01Z"}, EVERYTHING),
        ({"updated_after": "2025-01-02T00:00:01Z"}, []),
        ({"error_contains": "unauthorized"}, []),  # of a store without errors
        ({"task_ids": [], "status": "any", "backend": ""}, EVERYTHING),
    ],
)
async def test_a_part_comes_back_and_the_rest_stays_held(
    cache: Cache, mode: Mode, arguments: dict[str, object], expected: list[str]
) -> None:
    receipt = clear(mixed(cache))
    async with cache.client(mode) as client:
        text, undone = await cache.call(client, "undo_clear", receipt=receipt, **arguments)
        left = 5 - len(expected)
        assert sorted(cache.ids()) == expected
        if left:
            assert f"Still held under the receipt: {left}." in text
        assert (undone["restored"], undone["held"]) == (len(expected), left)
        assert text.startswith(f"Put back: {len(expected)}.")
        if left:
            _, rest = await cache.call(client, "undo_clear", receipt=receipt)
            assert (rest["restored"], rest["held"]) == (left, 0)
    assert len(cache.ids()) == 5


async def test_those_with_an_error_come_back(cache: Cache) -> None:
    mixed(cache)
    cache.change("ALTER TABLE tasks ADD COLUMN error_message TEXT")
    cache.change("UPDATE tasks SET error_message = 'HTTP 401 Unauthorized' WHERE task_id = 'bad-2'")
    receipt = clear(cache)
    async with cache.client() as client:
        await cache.call(client, "undo_clear", receipt=receipt, error_contains="unauthorized")
    assert cache.ids() == ["bad-2"]


async def test_leftovers_are_named_with_their_reasons(cache: Cache, mode: Mode) -> None:
    receipt = clear(mixed(cache))
    TaskStore(cache.directory).save(TaskInfo(task_id="bad-1", backend="elsewhere"))
    async with cache.client(mode) as client:
        text, undone = await cache.call(
            client, "undo_clear", receipt=receipt, task_ids=["bad-1", "good-1", "nobody"]
        )
    assert undone["leftovers"] == [
        {"task_id": "bad-1", "reason": "a task of its id is in the cache"},
        {"task_id": "nobody", "reason": "not held under this receipt"},
    ]
    assert (undone["restored"], undone["skipped"], undone["held"]) == (1, 1, 4)
    assert "Not put back, not held under this receipt: 1." in text
    assert "- nobody: not held under this receipt" in text
    assert "- bad-1: a task of its id is in the cache" in text


async def test_filters_that_match_nothing_say_so(cache: Cache) -> None:
    receipt = clear(mixed(cache))
    async with cache.client() as client:
        text, undone = await cache.call(client, "undo_clear", receipt=receipt, backend="ibm")
    assert text.startswith("Put back: 0. No task of the receipt matches; list_cleared")
    assert (undone["restored"], undone["held"], undone["leftovers"]) == (0, 5, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"submitted_after": "soon"}, "submitted_after must be a date or time"),
        ({"task_ids": [""]}, "task_ids must not be empty"),
        ({"task_ids": 5}, "task_ids must be a list of texts"),
        ({"task_idz": "bad-1"}, "Did you mean task_ids?"),
        ({"status": "done"}, "status must be one of any"),
    ],
)
async def test_wrong_arguments_put_nothing_back(
    cache: Cache, arguments: dict[str, object], said: str
) -> None:
    receipt = clear(mixed(cache))
    async with cache.client() as client:
        assert said in await cache.refusal(client, "undo_clear", receipt=receipt, **arguments)
    assert cache.ids() == []


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_named_leftovers_stay_within_the_budget(cache: Cache, text: str) -> None:
    receipt = clear(mixed(cache))
    ids = [f"{number} {text}" for number in range(100)]
    async with cache.client() as client:
        said, undone = await cache.call(client, "undo_clear", receipt=receipt, task_ids=ids)
    assert len(undone["leftovers"]) == MAX_LEFTOVERS
    assert "Not put back, not held under this receipt: 100." in said
    assert cost(said, undone) <= ANSWER


async def test_the_commit_says_how_to_see_what_went(cache: Cache, mode: Mode) -> None:
    async with cache.client(mode) as client:
        plan = await planned(mixed(cache), client)
        text, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert "list_cleared with it names them." in done["message"]
        assert done["message"] in text
        _, listed = await cache.call(client, "list_cleared", receipt=done["receipt"])
    assert sorted(task["task_id"] for task in listed["tasks"]) == EVERYTHING


# A plan that is dropped


async def test_a_dropped_plan_cannot_be_committed_and_nobody_is_asked(
    cache: Cache, mode: Mode, person: Person
) -> None:
    before = mixed(cache).rows()
    settings = cache.settings(confirm="human")
    async with cache.client(mode, settings, person) as client:
        plan = await planned(cache, client)
        text, dropped = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"], drop=True)
        assert dropped["state"] == "dropped"
        assert f'The plan "{plan["plan_id"]}" was dropped. Nothing was removed.' in text
        person.typed = plan["matched"]
        _, late = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
        assert late["state"] == "expired"
        _, again = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"], drop=True)
        assert again["state"] == "expired"
    assert person.asked == []
    assert cache.rows() == before


async def test_drop_needs_a_plan_and_takes_no_filters(cache: Cache) -> None:
    async with cache.client() as client:
        plan = await planned(mixed(cache), client)
        assert "drop needs the plan_id" in await cache.refusal(client, "clear_tasks", drop=True)
        refusal = await cache.refusal(
            client, "clear_tasks", plan_id=plan["plan_id"], drop=True, backend="ibm"
        )
        assert "leave out the filters" in refusal
        _, done = await cache.call(client, "clear_tasks", plan_id=plan["plan_id"], drop=False)
    assert done["cleared"] == 5


# The command line


def test_restore_puts_back_single_tasks(cache: Cache) -> None:
    receipt = clear(mixed(cache))
    result = run(cache, "restore", receipt, "--task", "bad-1", "--task", "good-3")
    assert (result.exit_code, result.stdout) == (
        0,
        "Put back: 2 tasks.\nStill held under the receipt: 3.\n",
    )
    assert sorted(cache.ids()) == ["bad-1", "good-3"]
    result = run(cache, "restore", receipt, "--task", "bad-1")
    assert result.exit_code == 1
    assert "- bad-1: not held under this receipt" in result.stdout


def test_cleared_lists_the_tasks_of_a_receipt(cache: Cache) -> None:
    receipt = clear(mixed(cache).fill(600, prefix="many"))
    lines = run(cache, "cleared", receipt).stdout.splitlines()
    assert len(lines) == 605
    assert 'good-2 "VQE of H2" success on dummy, submitted 2025-01-01T00:00:02Z' in lines
    told = [*map(json.loads, run(cache, "cleared", receipt, "--json").stdout.splitlines())]
    assert len(told) == 605
    expected = {"task_id", "name", "status", "backend", "submitted_at"}
    assert set().union(*told) == expected  # what is empty is left out
    unknown = run(cache, "cleared", "clr_0")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "There is nothing to put back for the receipt" in unknown.stderr
