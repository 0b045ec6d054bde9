"""A bounded share of the kills of ``kill_share.py``, which says what is checked after each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_one_pass_after_a_kill_makes_the_server_equal_to_the_file() -> None:
    # A process of its own: it forks, which a process with threads must not.
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.kill_share", "--kills", "8"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "8 kills" in ran.stdout
