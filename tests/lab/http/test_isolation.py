"""Two people of one laboratory: to each, the other's tasks do not exist.

Alice asks for everything, by every door, while Bob has shared nothing and again once he has. Each
answer is the same, byte for byte: those to requests with Bob's own ids too.
"""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference
from tests.contract.records import StoredJob, StoredTask

from uniqc_mcp.lab.answers.server import LAB_PROMPTS, LAB_RESOURCES
from uniqc_mcp.lab.answers.tools import LAB_TOOLS
from uniqc_mcp.lab.store import scope
from uniqc_mcp.lab.store.conditions import Conditions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from pydantic import BaseModel
    from tests.lab.conftest import Lab
    from tests.lab.http.serving import Person
    from tests.server.conftest import Mode

NOW = datetime(2026, 8, 2, tzinfo=UTC)
MARK = "zaubertrank"
"""A word in each text that Bob shares, and in nothing else."""

BOB = f"uqt_{MARK}0000000000000000000000"
BOBS_JOB = f"job-{MARK}-1"
BOBS = (
    StoredTask(
        task_id=BOB,
        backend=f"{MARK}:chip",
        status="failed",
        metadata=json.dumps({"task_name": f"{MARK} vqe", "note": MARK}),
        error=f"{MARK} is broken",
        jobs=(StoredJob(platform_task_id=BOBS_JOB, backend=f"{MARK}:chip", error=MARK),),
    ),
    StoredTask(task_id=f"uqt_{MARK}1111", backend=f"{MARK}:chip", status="running"),
    StoredTask(task_id=f"uqt_{MARK}2222", status="success", result='{"00": 7, "11": 9}'),
    StoredTask(task_id=f"uqt_{MARK}3333", status="success", archived_at="2026-08-01T10:00:00Z"),
)
ALICES = (
    StoredTask(task_id="uqt_alice000000000000000000000000001", status="running"),
    StoredTask(
        task_id="uqt_alice000000000000000000000000002",
        status="success",
        result='{"00": 10, "11": 990}',
        metadata='{"task_name": "bell"}',
    ),
    StoredTask(
        task_id="uqt_alice000000000000000000000000003",
        status="success",
        result='{"00": 30, "11": 970}',
        metadata='{"task_name": "bell"}',
    ),
    StoredTask(task_id="uqt_alice000000000000000000000000004", status="failed", error="no luck"),
)
REFERENCES = (BOB, BOB[:12], BOBS_JOB, f"{MARK} vqe", f"archived:uqt_{MARK}3333", ALICES[1].task_id)

_RANDOM = re.compile(r'(?:"cursor": ?|cursor=|cursor: )"[^"]*"|"waited_seconds": \d+')
"""Places in a log of changes, which each server begins by itself."""


def calls() -> list[tuple[str, dict[str, Any]]]:
    """Return calls of every tool, with Bob's ids and labels too."""
    found: list[tuple[str, dict[str, Any]]] = [
        ("list_tasks", {}),
        ("list_tasks", {"status": "any", "archived": "include", "limit": 100}),
        ("list_tasks", {"status": "any", "order": "updated"}),
        ("list_tasks", {"status": "any", "task_ids": [BOB, ALICES[0].task_id]}),
        ("list_tasks", {"status": "any", "error_contains": MARK}),
        ("count_tasks", {"group_by": "status_backend", "digest": True}),
        ("count_tasks", {"archived": "only"}),
        ("summarize_tasks", {"group_by": ["backend", "status"]}),
        ("summarize_tasks", {"group_by": ["error"]}),
        ("compare_tasks", {}),
        ("compare_tasks", {"name": "bell"}),
        ("compare_tasks", {"task_ids": [BOB, ALICES[1].task_id]}),
        ("wait_for_tasks", {"timeout_seconds": 1}),
        ("wait_for_tasks", {"task_ids": [BOB], "timeout_seconds": 1}),
    ]
    selections = {"owner": "bob", "store": f"{MARK}-pc", "backend": MARK, "name_contains": MARK}
    found += [
        (tool, {name: value})
        for tool in ("list_tasks", "count_tasks", "summarize_tasks", "wait_for_tasks")
        for name, value in selections.items()
    ]
    found += [("get_task", {"task_id": one, "include": ["result"]}) for one in REFERENCES]
    chosen = random.Random(7)
    for _ in range(15):
        some = {
            "status": chosen.choice(["any", "active", "finished", "failed"]),
            "backend": chosen.choice(["", MARK, "originq", f"{MARK}:chip"]),
            "archived": chosen.choice(["exclude", "include", "only"]),
            "name_contains": chosen.choice(["", "", MARK[:3], "bell"]),
            "except_backend": chosen.choice([[], [MARK], ["originq"]]),
        }
        found.append((chosen.choice(["list_tasks", "count_tasks"]), some))
    return found


def addresses() -> list[str]:
    """Return addresses of every resource, with Bob's ids and labels too."""
    found: list[str] = []
    for spec in LAB_RESOURCES:
        address = re.sub(r"\{\?.*\}", "", spec.uri)
        if "{task_id}" in address:
            found += [address.replace("{task_id}", one) for one in (BOB, ALICES[1].task_id)]
        else:
            found.append(address)
    return [*found, f"uniqc://tasks?status=any&backend={MARK}", "uniqc://tasks?owner=bob"]


async def of_tools(person: Person) -> AsyncGenerator[tuple[str, str]]:
    """Yield every call and its answer."""
    for tool, arguments in calls():
        result = await person.call(tool, **arguments)
        yield f"{tool} {arguments}", result.model_dump_json()


async def everything(person: Person) -> AsyncGenerator[tuple[str, str]]:
    """Yield every request and its answer."""
    async for answer in of_tools(person):
        yield answer
    for uri in addresses():
        yield uri, await _answer(person.client.read_resource(uri))
    for spec in LAB_PROMPTS:
        for one in REFERENCES[:3]:
            arguments = dict.fromkeys(spec.arguments, one)
            yield (
                f"{spec.name} {one}",
                await _answer(person.client.get_prompt(spec.name, arguments)),
            )
    for ref, name in _completable():
        for text in ("", "uqt_z", MARK):
            argument = {"name": name, "value": text}
            yield f"{ref} {argument}", await _answer(person.client.complete(ref, argument))


def _completable() -> list[tuple[PromptReference | ResourceTemplateReference, str]]:
    prompts: list[tuple[PromptReference | ResourceTemplateReference, str]] = [
        (PromptReference(type="ref/prompt", name=spec.name), name)
        for spec in LAB_PROMPTS
        for name in spec.arguments
    ]
    (tasks,) = [spec.uri for spec in LAB_RESOURCES if spec.method == "tasks"]
    template = ResourceTemplateReference(type="ref/resource", uri=tasks)
    return [*prompts, *((template, name) for name in ("backend", "task_ids", "owner", "store"))]


async def _answer(request: Awaitable[BaseModel]) -> str:
    try:
        return (await request).model_dump_json()
    except MCPError as error:
        return f"{error.error.code}: {error.error.message}"


Ask: TypeAlias = "Callable[[Person], AsyncGenerator[tuple[str, str]]]"


async def all_answers(ask: Ask, person: Person) -> Mapping[str, str]:
    return {
        request: _RANDOM.sub("RANDOM", answer.replace('\\"', '"'))
        async for request, answer in ask(person)
    }


async def test_what_another_shares_changes_no_answer(lab: Lab, mode: Mode) -> None:
    asked = await check_answers(lab, mode, everything)
    told = {request.partition(" ")[0] for request in asked}
    assert told >= {tool.name for tool in LAB_TOOLS} | {prompt.name for prompt in LAB_PROMPTS}


async def test_policies_hold_where_a_statement_forgets_whose_tasks_it_is_about(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgotten(_: scope.Scope, __: str) -> Conditions:
        return Conditions()

    monkeypatch.setattr(scope.Scope, "conditions", forgotten)
    await check_answers(lab, "auto", of_tools)


async def check_answers(lab: Lab, mode: Mode, ask: Ask) -> Mapping[str, str]:
    """Check that Alice's answers are the same once Bob shares, and return them."""
    lab.share("alice", *ALICES)
    alice, bob = lab.token("alice"), lab.token("bob")
    async with lab.serving(clock=lambda: NOW) as at, at.person(alice, mode) as person:
        before = await all_answers(ask, person)
        lab.share("bob", *BOBS, machine=f"{MARK}-pc")
        after = await all_answers(ask, person)
        assert after == before
        async with at.person(bob, mode) as other:  # else there would be nothing to see
            _, listed = await other.ask("list_tasks", status="any", archived="include")
            assert {task["task_id"] for task in listed["tasks"]} == {t.task_id for t in BOBS}
    return before


async def test_an_id_of_another_answers_as_an_unknown_one(lab: Lab, mode: Mode) -> None:
    unknown = BOB.replace("0", "q")
    lab.share("alice", *ALICES)
    lab.share("bob", *BOBS)
    async with (
        lab.serving(clock=lambda: NOW) as at,
        at.person(lab.token("alice"), mode) as person,
    ):

        async def answers(task_id: str) -> list[str]:
            refused = await person.refusal("get_task", task_id=task_id)
            read = await _answer(person.client.read_resource(f"uniqc://task/{task_id}"))
            return [text.replace(task_id, "ID") for text in (refused, read)]

        assert "No task has the id" in (await answers(BOB))[0]
        assert await answers(BOB) == await answers(unknown)


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Run with the modern and with the legacy protocol."""
    era: Mode = request.param
    return era
