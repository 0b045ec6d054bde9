"""The examples print their results. Those that run client and server check themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

OUTPUTS = {
    "ask.py": r"[1-9]\d* tasks are active\n.*\nthe newest one, as a resource: \d+ characters",
    "ask_before_clearing.py": r"The plan is to clear [1-9]\d* tasks\..*\nand undone: \{",
    "nightly_cleanup.py": r"to clear: .*\ncleared [1-9]\d* tasks\nto undo: uniqc-mcp restore clr_",
    "use_the_store.py": r"3 of 4 active tasks:\n.*\nrefused: .*\ncleared 1 finished task",
}
"""Patterns of their output: an example that gets an error from a tool may still exit with 0."""

CHECK_THEMSELVES = {"editor_watch.py", "wait_for_result.py"}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_example_prints_its_result(name: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(OUTPUTS[name], done.stdout, flags=re.DOTALL)


def test_each_example_is_run_here_or_checks_itself() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == OUTPUTS.keys() | CHECK_THEMSELVES
