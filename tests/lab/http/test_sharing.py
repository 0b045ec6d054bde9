"""Members who share: whose each task is, whose are asked for, and which machines are silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from mcp.shared.exceptions import MCPError
from tests.contract.records import StoredTask

if TYPE_CHECKING:
    from tests.lab.conftest import Lab

RUNNING = StoredTask(task_id="uqt_of_alice")
BOBS = StoredTask(task_id="uqt_of_bob", status="failed", error="no luck")


async def test_each_task_says_whose_it_is_and_from_which_machine(lab: Lab) -> None:
    lab.share("alice", RUNNING)
    lab.share("bob", BOBS, machine="bench", audience="lab")
    async with lab.serving() as at, at.person(lab.token("alice")) as alice:
        text, listed = await alice.ask("list_tasks", status="any")
        found = {task["task_id"]: (task["owner"], task["machine"]) for task in listed["tasks"]}
        assert found == {"uqt_of_alice": ("alice", "laptop"), "uqt_of_bob": ("bob", "bench")}
        assert "of alice (laptop)" in text
        assert "of bob (bench)" in text
        text, one = await alice.ask("get_task", task_id="uqt_of_bob")
        assert (one["task"]["owner"], one["task"]["machine"]) == ("bob", "bench")
        assert "of bob (bench)" in text
        text, both = await alice.ask("compare_tasks", task_ids=["uqt_of_bob", "uqt_of_alice"])
        assert [task["owner"] for task in both["tasks"]] == ["bob", "alice"]
        assert "of bob (bench)" in text
        (template,) = [
            tool for tool in (await alice.client.list_tools()).tools if tool.name == "list_tasks"
        ]
        assert "owner" in str(template.output_schema)


async def test_of_an_id_that_two_people_have_it_is_told_whose_each_is(lab: Lab) -> None:
    lab.share("alice", RUNNING)
    lab.share("bob", RUNNING, machine="bench", audience="lab")
    async with lab.serving() as at, at.person(lab.token("alice")) as alice:
        refused = await alice.refusal("get_task", task_id=RUNNING.task_id)
        assert 'of "alice" ("laptop")' in refused
        assert 'of "bob" ("bench")' in refused
        _, found = await alice.ask("get_task", task_id=RUNNING.task_id, owner="bob")
        assert found["task"]["machine"] == "bench"


async def test_owner_and_store_choose_a_part_and_the_answer_says_so(lab: Lab) -> None:
    lab.share("alice", RUNNING)
    lab.share("alice", replace(RUNNING, task_id="uqt_of_desk"), machine="desk")
    lab.share("bob", BOBS, audience="lab")
    async with lab.serving() as at, at.person(lab.token("alice")) as alice:
        for arguments, matching, ids in (
            ({"owner": "bob"}, 'tasks of "bob"', {"uqt_of_bob"}),
            ({"store": "desk"}, 'tasks from "desk"', {"uqt_of_desk"}),
            (
                {"owner": "alice", "store": "laptop"},
                'tasks of "alice" from "laptop"',
                {"uqt_of_alice"},
            ),
        ):
            text, listed = await alice.ask("list_tasks", status="any", **arguments)
            assert listed["matching"] == matching
            assert matching.removeprefix("tasks ") in text
            assert {task["task_id"] for task in listed["tasks"]} == ids
            _, counted = await alice.ask("count_tasks", **arguments)
            assert (counted["matching"], counted["total"]) == (matching, 1)
            query = "&".join(f"{name}={value}" for name, value in arguments.items())
            read = await alice.read_json(f"uniqc://tasks?status=any&{query}")
            assert (read["matching"], read["total"]) == (matching, 1)
        _, waited = await alice.ask("wait_for_tasks", store="desk", timeout_seconds=1)
        assert waited["matching"] == 'active tasks from "desk"'
        assert [task["task_id"] for task in waited["active"]] == ["uqt_of_desk"]


async def test_an_unknown_owner_or_machine_is_told_with_those_there_are(lab: Lab) -> None:
    lab.share("alice", RUNNING)
    lab.share("bob", BOBS)
    async with lab.serving() as at, at.person(lab.token("alice")) as alice:
        for tool in ("list_tasks", "get_task", "wait_for_tasks"):
            more = {"task_id": "uqt_of_alice"} if tool == "get_task" else {}
            refused = await alice.refusal(tool, owner="bob", **more)
            assert refused.startswith('owner "bob" is nobody whose tasks you may see.')
            assert refused.endswith('There are: "alice".')
        refused = await alice.refusal("list_tasks", store="bench")
        assert refused.endswith('There are: "laptop".')
        with pytest.raises(MCPError, match="nobody whose tasks you may see"):
            await alice.read("uniqc://tasks?owner=bob")


async def test_what_is_shared_with_all_can_be_taken_back(lab: Lab) -> None:
    lab.share("bob", BOBS, audience="lab")
    async with lab.serving() as at, at.person(lab.token("alice")) as alice:
        assert (await alice.ask("count_tasks"))[1]["total"] == 1
        lab.share("bob", BOBS, audience="me")
        assert (await alice.ask("count_tasks"))[1]["total"] == 0
        assert "No task has the id" in await alice.refusal("get_task", task_id="uqt_of_bob")


async def test_one_machine_is_shared_and_another_is_not(lab: Lab) -> None:
    lab.share("bob", BOBS, machine="bench", audience="lab")
    lab.share("bob", replace(BOBS, task_id="uqt_private"), machine="laptop")
    async with lab.serving() as at, at.person(lab.token("alice")) as alice:
        _, listed = await alice.ask("list_tasks", status="any")
        assert [task["task_id"] for task in listed["tasks"]] == ["uqt_of_bob"]
        assert (
            "laptop"
            not in str(await alice.refusal("list_tasks", store="laptop")).partition("There are:")[2]
        )


async def test_a_silent_machine_is_named_in_each_answer_with_its_age(lab: Lab) -> None:
    lab.share("alice", RUNNING)
    lab.share("bob", BOBS, machine="bench", audience="lab")
    now = datetime.now(UTC)
    later = now + timedelta(days=3)
    async with lab.serving(clock=lambda: now) as at, at.person(lab.token("alice")) as alice:
        for tool in ("list_tasks", "count_tasks", "summarize_tasks"):
            assert "Not heard of" not in (await alice.ask(tool))[0]
    silent = "Not heard of: "
    async with lab.serving(clock=lambda: later) as at, at.person(lab.token("alice")) as alice:
        for tool, arguments in (
            ("list_tasks", {}),
            ("count_tasks", {}),
            ("summarize_tasks", {}),
            ("compare_tasks", {"task_ids": ["uqt_of_alice", "uqt_of_bob"]}),
            ("wait_for_tasks", {"timeout_seconds": 1}),
        ):
            text, answer = await alice.ask(tool, **arguments)
            (note,) = [one for one in answer["store"]["notes"] if one.startswith(silent)]
            assert note in text
        _, listed = await alice.ask("list_tasks", status="any")
        (note,) = [one for one in listed["store"]["notes"] if one.startswith(silent)]
        assert "bob's bench (3 d)" in note
        assert "alice's laptop (3 d)" in note
        _, of_bob = await alice.ask("list_tasks", owner="bob")
        assert "alice's laptop" not in str(of_bob["store"])
        text, one = await alice.ask("get_task", task_id="uqt_of_bob")
        assert "bob's bench (3 d)" in str(one["store"]["notes"])
        assert "alice's laptop" not in text
        store = await alice.read_json("uniqc://store")
        assert silent in str(store["store"]["notes"])
        prompt = await alice.client.get_prompt("whats_running", {})
        assert silent in prompt.model_dump_json()
