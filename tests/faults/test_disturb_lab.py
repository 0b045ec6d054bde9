"""A bounded share of ``disturb_lab.py``, which says what is checked after each disturbance.

A database that comes back is in ``tests/lab/database/test_comes_back.py``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FEW = ("--kills", "1", "--restores", "0", "--outages", "0", "--calls", "28", "--clients", "2")


def test_a_disturbed_laboratory_loses_nothing_and_tells_nothing_wrong() -> None:
    # A process of its own: it sets HOME for all of its threads. The seed kills one worker.
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.disturb_lab", *FEW, "--seed", "8"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 kills ({'worker': 1})" in ran.stdout
    assert "none failed" in ran.stdout
