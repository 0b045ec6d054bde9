"""The examples do what they are for; that those which play both sides do, they check themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

SAYS = {
    "ask.py": r"[1-9]\d* tasks are active\n.*\nthe newest one, as a resource: \d+ characters",
    "ask_before_clearing.py": r"The plan is to clear [1-9]\d* tasks\..*\nand undone: \{",
    "nightly_cleanup.py": r"to clear: .*\ncleared [1-9]\d* tasks\nto undo: uniqc-mcp restore clr_",
    "use_the_store.py": r"3 of 4 active tasks:\n.*\nrefused: .*\ncleared 1 finished task",
}
"""What each says at its end; one that is answered with an error may end well too."""

CHECK_THEMSELVES = {"editor_watch.py", "wait_for_result.py"}


@pytest.mark.parametrize("name", SAYS)
def test_an_example_says_what_it_did(name: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(SAYS[name], done.stdout, flags=re.DOTALL)


def test_each_example_is_here_or_checks_itself() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == SAYS.keys() | CHECK_THEMSELVES
