"""Inputs of real hosts and terminals that once got a wrong or poor answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

SEED = 14695981039346656037
"""The offset basis of the 64-bit FNV hash."""


@pytest.mark.parametrize(
    "filters", [{"backend": "WK_C180"}, {"backend": "OriginQ:chip"}, {"name_contains": "nobody"}]
)
async def test_a_wait_for_what_no_task_has_is_not_finished(
    cache: Cache, filters: dict[str, str]
) -> None:
    cache.write({"status": "running", "backend": "originq:WK_C180"})
    text, answer = await cache.ask("wait_for_tasks", **filters)
    assert answer["state"] == "none_match"
    assert "Tasks in the cache that do not match: 1." in answer["store"]["notes"]
    assert "Tasks in the cache that do not match: 1." in text
    if backend := filters.get("backend"):
        note = f'None is on backend "{backend}". '
        assert note in text
        assert note in " ".join(answer["store"]["notes"])


async def test_a_wait_for_tasks_that_have_all_finished_is_finished(cache: Cache) -> None:
    cache.write({"status": "success", "backend": "originq:WK_C180"})
    _, answer = await cache.ask("wait_for_tasks", backend="originq")
    assert answer["state"] == "finished"


@pytest.mark.parametrize("tool", ["list_tasks", "wait_for_tasks", "count_tasks"])
async def test_one_id_may_stand_for_a_list_of_it(cache: Cache, tool: str) -> None:
    cache.write({"status": "success"}, {"status": "success"})
    arguments = {} if tool == "wait_for_tasks" else {"status": "any"}
    _, listed = await cache.ask(tool, task_ids=["task-000002"], **arguments)
    _, answer = await cache.ask(tool, task_ids="task-000002", **arguments)
    for told in (listed, answer):
        del told["store"]
        told.pop("cursor", None)
    assert answer == listed


@pytest.mark.parametrize("number", [SEED, -SEED, 2**53 + 1])
async def test_an_integer_that_javascript_rounds_is_decimal_text(cache: Cache, number: int) -> None:
    metadata = {"seed": number, "nested": [{"n": number}], "small": 2**53}
    cache.write({"metadata_json": json.dumps(metadata)})
    text, answer = await cache.ask("get_task", task_id="task-000001")
    expected = {"seed": str(number), "nested": [{"n": str(number)}], "small": 2**53}
    assert answer["task"]["metadata"] == expected
    assert str(number) in text


async def test_shots_and_counts_that_javascript_rounds_are_decimal_text(cache: Cache) -> None:
    shots = 2**62 + 1
    counts = {"00": 2**53 + 1, "11": 2**53}
    cache.write({"shots": shots, "status": "success", "result_json": json.dumps(counts)})
    text, answer = await cache.ask("get_task", task_id="task-000001")
    assert answer["task"]["shots"] == str(shots)
    shown = [outcome["count"] for outcome in answer["task"]["result"]["outcomes"]]
    assert shown == [str(2**53 + 1), 2**53]
    assert f"{shots} shots" in text
    text, answer = await cache.ask("list_tasks", status="any")
    assert answer["tasks"][0]["shots"] == str(shots)
    assert f"{shots} shots" in text


@pytest.mark.parametrize("bits", [201, 240, 1_000])
async def test_long_outcomes_are_shown_whole(cache: Cache, bits: int) -> None:
    counts = {"0" * bits: 600, "0" * (bits // 2) + "1" + "0" * (bits - bits // 2 - 1): 400}
    cache.write({"result_json": json.dumps(counts)})
    text, answer = await cache.ask("get_task", task_id="task-000001")
    shown = {outcome["bits"]: outcome["count"] for outcome in answer["task"]["result"]["outcomes"]}
    assert shown == counts
    assert all(key in text for key in counts)


async def test_outcomes_beyond_the_budget_keep_their_ends(cache: Cache) -> None:
    counts = {"0" * 100_000: 600, "0" * 99_999 + "1": 400}
    cache.write({"result_json": json.dumps(counts)})
    _, answer = await cache.ask("get_task", task_id="task-000001")
    result = answer["task"]["result"]
    assert len(json.dumps(answer)) < 20_000
    assert result["shown"] == len(result["outcomes"]) >= 1
    assert "characters" in result["outcomes"][0]["bits"]


@pytest.mark.parametrize(
    "query", ["status=running&status=failed", "limit=1&limit=1", "backend=&backend=ibm"]
)
async def test_a_repeated_name_in_an_address_is_refused(cache: Cache, query: str) -> None:
    cache.write({"status": "running"})
    error = await cache.read_error(f"uniqc://tasks?{query}")
    assert "is given 2 times; give it once" in error.message


@pytest.mark.parametrize("encoding", ["gbk", "cp1252", "latin-1"])
@pytest.mark.parametrize("command", ["demo", "doctor"])
def test_commands_escape_what_a_terminal_cannot_encode(
    cache: Cache, encoding: str, command: str
) -> None:
    name = "a\u00a0b \u91cf\u5b50 \u00e9"
    cache.write({"status": "\u91cf\u5b50", "metadata_json": json.dumps({"task_name": name})})
    done = subprocess.run(
        [sys.executable, "-m", "uniqc_mcp", command, "--cache-dir", str(cache.directory)],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0
    shown = done.stdout.decode(encoding)
    assert "\u91cf\u5b50" in shown or "\\u91cf\\u5b50" in shown


@pytest.mark.parametrize("shots", [0, -5, "many"])
async def test_shots_that_are_not_recorded_are_told_so(cache: Cache, shots: object) -> None:
    task = {"shots": shots, "status": "success"}
    cache.write(task, task)
    for tool, arguments in (
        ("list_tasks", {"status": "any"}),
        ("get_task", {"task_id": "task-000001"}),
    ):
        text, answer = await cache.ask(tool, **arguments)
        assert "task-000001 success on originq:WK_C180, shots not recorded, submitted" in text
        task = answer["task"] if tool == "get_task" else answer["tasks"][0]
        assert "shots" not in task


async def test_shots_that_one_task_lacks_are_told_so_beside_another(cache: Cache) -> None:
    cache.write({"shots": 0, "status": "success"}, {"shots": 100, "status": "success"})
    _, answer = await cache.ask("compare_tasks", task_ids=["task-000001", "task-000002"])
    assert ["shots", "-", 100] in answer["differences"]
