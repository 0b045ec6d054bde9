"""Completions of whose tasks and from which machine: those that a person may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference
from tests.contract.records import StoredTask

from uniqc_mcp.lab.answers.server import LAB_RESOURCES

if TYPE_CHECKING:
    from tests.lab.conftest import Lab
    from tests.lab.http.serving import Person

(TASKS,) = (spec.uri for spec in LAB_RESOURCES if spec.method == "tasks")
TEMPLATE = ResourceTemplateReference(type="ref/resource", uri=TASKS)


async def completed(person: Person, name: str, value: str = "", **chosen: str) -> list[str]:
    argument = {"name": name, "value": value}
    answer = await person.client.complete(TEMPLATE, argument, chosen or None)
    assert answer.completion.total == len(answer.completion.values)
    return answer.completion.values


async def test_people_and_machines_are_completed_as_far_as_they_are_visible(lab: Lab) -> None:
    lab.share("alice", StoredTask(task_id="a"), machine="laptop")
    lab.share("alina", StoredTask(task_id="b"), machine="cluster", audience="lab")
    lab.share("bob", StoredTask(task_id="c"), machine="secret-laptop")
    async with lab.serving() as at, at.person(lab.token("alice")) as person:
        assert await completed(person, "owner") == ["alice", "alina"]
        assert await completed(person, "owner", "ali") == ["alice", "alina"]
        assert await completed(person, "owner", "INA") == ["alina"]
        assert await completed(person, "owner", "bob") == []
        assert await completed(person, "store") == ["cluster", "laptop"]
        assert await completed(person, "store", "l") == ["laptop", "cluster"]
        assert await completed(person, "store", owner="alina") == ["cluster"]
        assert await completed(person, "store", owner="bob") == []
        prompt = PromptReference(type="ref/prompt", name="why_did_it_fail")
        with pytest.raises(MCPError, match="owner"):
            await person.client.complete(prompt, {"name": "owner", "value": ""})
