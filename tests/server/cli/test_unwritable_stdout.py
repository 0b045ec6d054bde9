"""Commands whose stdout is closed or can't be written: a sentence and status 1."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

FULL = Path("/dev/full")
COMMANDS = (
    ["list", "--status", "any"],
    ["plot", "task-000001"],
    ["cleared"],
    ["watch", "--until-idle"],
)

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="/dev/full is of Linux")


def run(cache: Cache, command: list[str], redirection: str) -> subprocess.CompletedProcess[str]:
    cache.write({"result_json": '{"00": 7, "11": 5}'})
    words = [sys.executable, "-m", "uniqc_mcp", *command, "--cache-dir", str(cache.directory)]
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *words],
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_is_told_in_a_sentence(cache: Cache, command: list[str]) -> None:
    finished = run(cache, command, f">{FULL}")
    assert finished.returncode == 1
    told = "Error: stdout can't be written (No space left on device), so output is missing.\n"
    assert finished.stderr == told


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_closed_stdout_is_told_in_a_sentence(cache: Cache, command: list[str]) -> None:
    finished = run(cache, command, ">&-")
    assert finished.returncode == 1
    assert finished.stderr == "Error: stdout is closed, so nothing can be written to it.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe whose reader has left raises there")
def test_a_reader_of_stderr_who_leaves_changes_no_exit_status(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "uniqc_mcp", "list", "--updated-after", "soon"]
    try:
        done = subprocess.run(
            [*command, "--cache-dir", tmp_path], stderr=writing, stdout=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stdout) == (2, b"")
