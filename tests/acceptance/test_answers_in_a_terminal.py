"""The installed command's answers, in a pipe and on a terminal of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import sqlite3
import struct
import subprocess
import termios
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from uniqc_mcp.cli.sample import make_sample
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEADLINE_SECONDS = 120
BELL = "bell calibration 1"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    make_sample(tmp_path)
    return tmp_path


def in_a_pipe(command: str, *arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments, "--cache-dir", str(cache)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def on_a_terminal(
    command: str, *arguments: str, cache: Path, width: int = 100, more: Mapping[str, str] = {}
) -> list[str]:
    """Return the lines that a command writes to a terminal of this width."""
    controller, tty = pty.openpty()
    fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **more}
    with subprocess.Popen(
        [command, *arguments, "--cache-dir", str(cache)],
        stdin=tty, stdout=tty, stderr=tty, env=environment,
    ) as process:  # fmt: skip
        os.close(tty)
        output = bytearray()
        while select.select([controller], [], [], DEADLINE_SECONDS)[0]:
            try:
                output += os.read(controller, 65_536)
            except OSError:  # Linux says so when the other side is closed
                break
        assert process.wait(DEADLINE_SECONDS) == 0
    os.close(controller)
    return output.decode().replace("\r\n", "\n").splitlines()


def test_a_list_is_a_table_on_a_terminal_and_fields_in_a_pipe(command: str, sample: Path) -> None:
    shown = on_a_terminal(command, "list", cache=sample)
    assert shown[0].startswith("4 active tasks. Read ")
    heading = next(place for place, line in enumerate(shown) if line.startswith("\x1b[1mtask "))
    assert "\x1b[36mrunning\x1b[0m" in shown[heading + 2]
    piped = in_a_pipe(command, "list", cache=sample)
    rows = [line.split("\t") for line in piped.stdout.splitlines()]
    assert (piped.returncode, [row[6] for row in rows]) == (
        0,
        ["vqe step 18", "qaoa depth 3", "vqe step 17", "crosstalk scan"],
    )
    assert "\x1b" not in piped.stdout
    structured = json.loads(in_a_pipe(command, "list", "--json", cache=sample).stdout)
    assert [task["task_id"] for task in structured["tasks"]] == [row[0] for row in rows]


def test_no_color_and_a_narrow_terminal_are_respected(command: str, sample: Path) -> None:
    arguments = ("list", "--status", "any")
    shown = on_a_terminal(command, *arguments, cache=sample, width=40, more={"NO_COLOR": "1"})
    assert not any("\x1b" in line for line in shown)
    assert max(map(cell_len, shown)) <= 40
    assert any(line.startswith("vqe step 17") for line in shown)


def test_a_plot_is_as_wide_as_its_terminal(command: str, sample: Path) -> None:
    shown = on_a_terminal(command, "plot", BELL, "--by", "bits", cache=sample, width=72)
    bars = [line for line in shown if line.startswith(("00", "01", "10", "11"))]
    assert [line[:2] for line in bars] == ["00", "01", "10", "11"]
    assert all("\x1b[36m" in line for line in bars)
    plain = in_a_pipe(command, "plot", BELL, cache=sample).stdout
    assert "\x1b" not in plain
    assert "bit order right (c[0] is last)" in plain


def test_notes_name_options_in_a_pipe_and_on_a_terminal(command: str, cache_dir: Path) -> None:
    with closing(sqlite3.connect(cache_dir / "tasks.sqlite")) as connection:
        connection.execute("DELETE FROM tasks WHERE status = 'failed'")
        connection.commit()
    arguments = ("list", "--status", "failed")
    assert (
        "--archived include lists them." in in_a_pipe(command, *arguments, cache=cache_dir).stderr
    )
    shown = on_a_terminal(command, *arguments, cache=cache_dir, width=300)
    assert any("--archived include lists them." in line for line in shown)


def test_get_and_stats_answer_in_a_pipe(command: str, sample: Path) -> None:
    got = in_a_pipe(command, "get", "ramsey, last night", cache=sample)
    assert (got.returncode, got.stderr) == (0, "")
    assert "HTTP 401 Unauthorized: invalid token '[redacted]'" in got.stdout
    stats = in_a_pipe(command, "stats", "--group-by", "status", cache=sample)
    assert {line.split("\t")[0]: line.split("\t")[1] for line in stats.stdout.splitlines()} == {
        "success": "9",
        "running": "3",
        "failed": "3",
        "pending": "1",
    }


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("get", "no such task"), 1),
        (("plot", "vqe step 17"), 1),
        (("list", "--status", "lost"), 2),
        (("list", "--updated-after", "soon"), 2),
    ],
)
def test_exit_statuses_tell_errors_from_wrong_options(
    command: str, sample: Path, arguments: tuple[str, ...], status: int
) -> None:
    done = in_a_pipe(command, *arguments, cache=sample)
    assert (done.returncode, done.stdout) == (status, "")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_ends_a_list_quietly(command: str, tmp_path: Path) -> None:
    store = TaskStore(tmp_path)
    for number in range(1_500):  # more than a pipe holds
        store.save(TaskInfo(f"uqt_{number:032x}", "dummy", metadata={"task_name": "n" * 100}))
    with subprocess.Popen(
        [command, "list", "--limit", "5000", "--cache-dir", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(DEADLINE_SECONDS) == 128 + signal.SIGPIPE
