"""The wording of answers: one thing is told in the singular, and no word stands twice."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.server.responses.test_channels import FILES, answers_on, leaves

from uniqc_mcp.clearing.consent import question
from uniqc_mcp.tasks.count_models import MAX_GROUPS
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Cache

NOUNS: Final = (
    *("task", "group", "job", "shot", "circuit", "outcome", "byte", "receipt", "second", "field"),
    *("register", "character", "row", "bit", "id"),
)
ONE_OF_MANY: Final = re.compile(rf"\b1 (?:[a-z]+ )?(?:{'|'.join(NOUNS)})s\b")
TWICE: Final = re.compile(r"\b([a-z]+) \1\b", re.IGNORECASE)
QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
JOB: Final = """
    INSERT INTO task_shards VALUES
        ('task-000001', 0, 'p', 'ibm', 1, 0, 'success', '{"0": 1}', NULL, :time, :time)
"""


def faults(text: str) -> list[str]:
    """Return the words of ours that are wrong; what is in quotes is a record's."""
    ours = "\n".join(
        QUOTED.sub("…", line) for line in text.splitlines() if not line.startswith("metadata: ")
    )
    return [match[0] for pattern in (ONE_OF_MANY, TWICE) for match in pattern.finditer(ours)]


@pytest.mark.parametrize(
    "wrong", ["1 tasks", "1 more groups", "1 of 1 outcomes", "larger differences differences"]
)
def test_the_faults_that_were_seen_are_found(wrong: str) -> None:
    assert faults(f"{wrong} are shown.")


@pytest.mark.parametrize("right", ["1 task", "11 tasks", "1 of 3 tasks", "had, had not"])
def test_correct_phrases_are_no_faults(right: str) -> None:
    assert not faults(f"{right} are shown.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_answers_on_real_files_are_worded_well(path: Path) -> None:
    for label, text, structured in answers_on(path):
        assert not faults(text), label
        for place, value in leaves(structured):
            if place.endswith("notes[]"):
                assert not faults(value), (label, value)


async def answers_about_one(cache: Cache) -> list[str]:
    batch: dict[str, Any] = {"task_name": "one", "circuits": ["QINIT 1\nCREG 1"]}
    cache.write(
        {
            "shots": 1,
            "backend": "ibm",
            "result_json": json.dumps([{"0": 1}]),
            "metadata_json": json.dumps(batch),
        },
        version=5,
    )
    cache.change(JOB.replace(":time", "'2026-11-03T12:00:00+00:00'"))
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_tasks", {"status": "any"}),
        ("list_tasks", {"status": "active"}),
        ("list_tasks", {"status": "any", "name_contains": "no such name"}),
        ("count_tasks", {}),
        ("get_task", {"task_id": "task-000001"}),
        ("wait_for_tasks", {"task_ids": ["task-000001"]}),
    ]
    return [(await cache.ask(tool, **arguments))[0] for tool, arguments in calls]


async def test_answers_about_one_thing_are_in_the_singular(cache: Cache) -> None:
    for text in await answers_about_one(cache):
        assert not faults(text), text


@pytest.mark.parametrize("more", [1, 2])
async def test_hidden_groups_are_counted_in_words_that_fit(cache: Cache, more: int) -> None:
    cache.write(*({"backend": f"chip-{number}"} for number in range(MAX_GROUPS + more)))
    text, _ = await cache.ask("count_tasks", group_by="backend")
    assert not faults(text)
    assert f"{more} smaller group" in text


def test_the_question_about_one_task_is_in_the_singular(cache: Cache) -> None:
    cache.write({"status": "success"})
    asked = question(cache.store.plan_clear(TaskFilter()))
    assert not faults(asked)
    assert asked.startswith("Clear 1 finished quantum task from")
    assert asked.endswith("Type 1 to clear it; anything else keeps it.")
