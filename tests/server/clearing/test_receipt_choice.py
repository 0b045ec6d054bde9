"""The receipt that a user means: by its first characters, or the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from uniqc_mcp.cli.commands import cli
from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from tests.clearing_cache import Cache


def run(cache: Cache, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--cache-dir", str(cache.directory)])


def clear_one(cache: Cache, task_id: str) -> str:
    store = TaskStore(cache.directory)
    return store.clear(store.plan_clear(TaskFilter(task_ids=(task_id,)))).receipt_id


@pytest.fixture
def receipts(cache: Cache) -> list[str]:
    """Return the receipts of two clears of one task each."""
    cache.fill(3)
    return [clear_one(cache, "task-1"), clear_one(cache, "task-2")]


def shared(one: str, other: str) -> str:
    """Return what two texts begin with."""
    length = next(
        place for place, pair in enumerate(zip(one, other, strict=True)) if len({*pair}) > 1
    )
    return one[:length]


def test_the_first_characters_of_a_receipt_suffice(cache: Cache, receipts: list[str]) -> None:
    prefix = receipts[0][: len(shared(*receipts)) + 1]
    assert run(cache, "cleared", prefix).stdout.startswith("task-1 ")
    result = run(cache, "restore", prefix)
    assert (result.exit_code, result.stdout) == (0, "Put back: 1 task.\n")
    assert sorted(cache.ids()) == ["task-1", "task-3"]


def test_the_last_receipt_is_that_of_the_latest_clear(cache: Cache, receipts: list[str]) -> None:
    assert run(cache, "restore", "--last").stdout == "Put back: 1 task.\n"
    assert sorted(cache.ids()) == ["task-2", "task-3"]
    assert run(cache, "restore", "--last").stdout == "Put back: 1 task.\n"
    assert sorted(cache.ids()) == ["task-1", "task-2", "task-3"]
    result = run(cache, "restore", "--last")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Nothing was cleared that could be put back." in result.stderr
    assert receipts[0] not in run(cache, "cleared").stdout


@pytest.mark.parametrize("command", ["cleared", "restore"])
def test_a_text_that_several_receipts_begin_with_is_refused(
    cache: Cache, receipts: list[str], command: str
) -> None:
    result = run(cache, command, shared(*receipts))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "2 receipts begin with" in result.stderr
    assert all(f"\n  {receipt}" in result.stderr for receipt in receipts)
    assert cache.ids() == ["task-3"]


@pytest.mark.parametrize("given", ["", "clr_nothing", "ask-1"])
def test_a_text_that_no_receipt_begins_with_is_unknown(
    cache: Cache, receipts: list[str], given: str
) -> None:
    result = run(cache, "restore", given)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is nothing to put back for the receipt" in result.stderr
    assert result.stderr.endswith("`uniqc-mcp cleared` lists the receipts that are left.\n")
    assert all(receipt in run(cache, "cleared").stdout for receipt in receipts)
