"""The commands ``cleared`` and ``restore``, and the policy in ``doctor``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from uniqc_mcp.clearing.listing import ClearedTools
from uniqc_mcp.cli.commands import cli
from uniqc_store import CLEARED_FILENAME, ClearResult, TaskFilter, TaskStore

if TYPE_CHECKING:
    from tests.clearing_cache import Cache


def run(cache: Cache, *arguments: str) -> Result:
    environment = {"UNIQC_MCP_CACHE_DIR": str(cache.directory)}
    return CliRunner().invoke(cli, arguments, env=environment, prog_name="uniqc-mcp")


def clear(cache: Cache, status: str = "finished") -> ClearResult:
    store = TaskStore(cache.directory)
    return store.clear(store.plan_clear(TaskFilter(status=status)))


def test_cleared_lists_the_receipts_newest_first(cache: Cache) -> None:
    cache.fill(3).fill(2, prefix="x", status="failed")
    first, second = clear(cache, "success"), clear(cache, "failed")
    result = run(cache, "cleared")
    assert (result.exit_code, result.stderr) == (0, "")
    newest, oldest = result.stdout.splitlines()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    for receipt, count, line in ((second, 2, newest), (first, 3, oldest)):
        told = rf"{receipt.receipt_id}, cleared {time}: {count} tasks held, undoable until {time}"
        assert re.fullmatch(told, line)


def test_cleared_can_print_json(cache: Cache) -> None:
    done = clear(cache.fill(3))
    result = run(cache, "cleared", "--json")
    (receipt,) = json.loads(result.stdout)
    assert (receipt["receipt"], receipt["held"]) == (done.receipt_id, 3)
    listed = ClearedTools(TaskStore(cache.directory, read_only=True)).list_cleared().structured()
    assert listed["receipts"] == [receipt]
    tasks = run(cache, "cleared", done.receipt_id, "--json").stdout.splitlines()
    listed = (
        ClearedTools(TaskStore(cache.directory, read_only=True))
        .list_cleared(receipt=done.receipt_id)
        .structured()
    )
    assert listed["tasks"] == [json.loads(task) for task in tasks]


@pytest.mark.parametrize(
    ("options", "said"),
    [([], "Nothing was cleared that could be put back.\n"), (["--json"], "[]\n")],
)
def test_cleared_without_receipts_says_so_and_creates_no_file(
    cache: Cache, options: list[str], said: str
) -> None:
    result = run(cache, "cleared", *options)
    assert (result.exit_code, result.stdout) == (0, said)
    assert cache.files() == {}


@pytest.mark.parametrize("name", ["1-0.0.5.sqlite", "5-0.1.0.sqlite"])
def test_restore_puts_everything_back(cache: Cache, name: str) -> None:
    before = cache.copy(name).rows()
    done = clear(cache)
    assert cache.rows() != before
    result = run(cache, "restore", done.receipt_id)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"Put back: {done.cleared} tasks.\n"
    assert cache.rows() == before
    assert run(cache, "cleared").stdout.startswith("Nothing")


def test_restore_reports_the_tasks_that_are_still_held(cache: Cache) -> None:
    done = clear(cache.fill(3))
    cache.fill(1, backend="elsewhere")
    result = run(cache, "restore", done.receipt_id)
    assert result.stdout.splitlines() == [
        "Put back: 2 tasks.",
        "Not put back, a task of its id is in the cache: 1.",
        "- task-1: a task of its id is in the cache",
        "Still held under the receipt: 1.",
    ]
    assert result.exit_code == 1
    assert ": 1 task held, 2 put back, " in run(cache, "cleared").stdout


def test_restore_of_an_unknown_receipt_exits_with_1_and_a_message(cache: Cache) -> None:
    cache.fill(1)
    result = run(cache, "restore", "clr_of_somebody_else")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Error: There is nothing to put back for the receipt" in result.stderr
    assert "Traceback" not in result.stderr
    assert cache.ids() == ["task-1"]


@pytest.mark.parametrize("arguments", [[], ["clr_1", "--last"]])
def test_restore_requires_a_receipt_or_the_last(cache: Cache, arguments: list[str]) -> None:
    result = run(cache, "restore", *arguments)
    assert result.exit_code == 2
    assert "Give a RECEIPT, which `uniqc-mcp cleared` lists, or --last." in result.stderr


@pytest.mark.parametrize("command", [["cleared"], ["restore", "clr_1"]])
def test_a_foreign_file_in_place_of_the_copies_is_an_error_and_not_an_empty_list(
    cache: Cache, command: list[str]
) -> None:
    cache.fill(1)
    (cache.directory / CLEARED_FILENAME).write_text("Dear diary")
    result = run(cache, *command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert CLEARED_FILENAME in result.stderr


def test_doctor_states_the_policy_in_force(cache: Cache) -> None:
    cache.fill(1)
    options = ("--allow-clear", "success,failed", "--max-rows", "9", "--confirm", "plan")
    words = "success, failed tasks, at most 9 at a time; the plan suffices"
    result = run(cache, "doctor", *options)
    assert result.exit_code == 0
    assert f"clearing  {words}\n" in result.stdout
    assert "the server may clear" in result.stdout
    assert json.loads(run(cache, "doctor", "--json", *options).stdout)["may_clear"] == words


def test_doctor_says_that_a_server_without_options_only_reads(cache: Cache) -> None:
    cache.fill(1)
    result = run(cache, "doctor")
    assert "the server only reads" in result.stdout
    assert "clearing  " not in result.stdout
    assert json.loads(run(cache, "doctor", "--json").stdout)["may_clear"] == ""


def test_restore_in_a_directory_without_a_cache_creates_none(cache: Cache) -> None:
    result = run(cache, "restore", "clr_0123456789abcdef")
    assert result.exit_code == 1
    assert "nothing to put back" in result.stderr
    assert not (cache.directory / "tasks.sqlite").exists()
