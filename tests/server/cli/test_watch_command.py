"""``uniqc-mcp watch`` as a process: in a pipe, and on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.server.conftest import Cache

DEADLINE_SECONDS = 60
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"
HIDDEN, SEEN = "\x1b[?25l", "\x1b[?25h"
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""The leader of a session makes the terminal its own, so that Ctrl-C on it is a signal to it."""

FINISH = "UPDATE tasks SET status = 'success'"


def command(cache: Cache, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "uniqc_mcp",
        "watch",
        "--cache-dir",
        str(cache.directory),
        *options,
    ]


@contextmanager
def piped(cache: Cache, *options: str) -> Generator[subprocess.Popen[str]]:
    """A watch that writes into pipes."""
    with subprocess.Popen(
        command(cache, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


class Terminal:
    """A terminal with a watch on it."""

    def __init__(self, cache: Cache, *options: str, **environment: str) -> None:
        self.ours, self.its = pty.openpty()
        self.resize(100, 24)
        self.before = termios.tcgetattr(self.its)
        self.text = ""
        self._read = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *command(cache, *options)],
            stdin=self.its,
            stdout=self.its,
            stderr=self.its,
            env=os.environ
            | {"TERM": "xterm-256color", "COLUMNS": "30", "LINES": "9"}
            | environment,
            start_new_session=True,
        )

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def until(self, text: str) -> str:
        """What is written from where the last call found its text, until this one is there."""
        deadline = monotonic() + DEADLINE_SECONDS
        while (found := self.text.find(text, self._read)) < 0:
            assert monotonic() < deadline, self.text[self._read :]
            if select.select([self.ours], [], [], 0.1)[0]:
                self.text += os.read(self.ours, 65_536).decode(errors="replace")
        began, self._read = self._read, found + len(text)
        return self.text[began : self._read]

    def end(self) -> int:
        """Its exit status, with all that it wrote in ``text``."""
        status = self.process.wait(DEADLINE_SECONDS)
        while select.select([self.ours], [], [], 0)[0]:
            self.text += os.read(self.ours, 65_536).decode(errors="replace")
        return status

    @property
    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.its) == self.before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.its)


@contextmanager
def terminal(cache: Cache, *options: str, **environment: str) -> Generator[Terminal]:
    opened = Terminal(cache, *options, **environment)
    try:
        yield opened
    finally:
        opened.close()


# In a pipe


def test_in_a_pipe_it_tells_in_lines_and_ends_once_no_task_is_active(cache: Cache) -> None:
    cache.write({"status": "running"})
    with piped(cache, "--until-idle") as process:
        assert re.fullmatch(r"\S+Z started  1 task is active\. .+\n", line_of(process))
        assert " active   task-000001 running on originq:WK_C180, " in line_of(process)
        assert " note     " in line_of(process)
        cache.change(FINISH)
        assert " changed  task-000001 running -> success on originq:WK_C180" in line_of(process)
        rest, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_for_scripts_each_line_is_json(cache: Cache) -> None:
    cache.write({"status": "running"})
    with piped(cache, "--json", "--until-idle") as process:
        started: dict[str, Any] = json.loads(line_of(process))
        assert (started["event"], len(started["tasks"])) == ("started", 1)
        cache.change(FINISH)
        changed = json.loads(line_of(process))
        assert (changed["event"], changed["task"]["status"]) == ("changed", "success")
        assert process.wait(DEADLINE_SECONDS) == 0


def test_when_the_time_is_up_it_says_so_and_ends_with_124(cache: Cache) -> None:
    cache.write({"status": "running"})
    with piped(cache, "--until-idle", "--timeout", "1") as process:
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (124, "The 1 s are over; 1 task is active.\n")


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--until-idle"], 141)])
def test_it_ends_quietly_when_nobody_reads_any_more_even_if_nothing_happens(
    cache: Cache, options: list[str], status: int
) -> None:
    cache.write({"status": "running"})
    with piped(cache, *options) as process:
        line_of(process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(DEADLINE_SECONDS) == status
        assert process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("options", "status"), [([], 0), (["--until-idle"], 130)])
def test_a_signal_ends_it_and_only_then_is_an_error_when_something_was_waited_for(
    cache: Cache, number: signal.Signals, options: list[str], status: int
) -> None:
    cache.write({"status": "running"})
    with piped(cache, *options) as process:
        line_of(process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (status, "")


def test_a_name_in_letters_that_the_locale_lacks_does_not_end_it(cache: Cache) -> None:
    cache.write({"status": "running", "metadata_json": json.dumps({"task_name": "相位估计"})})
    finished = subprocess.run(
        command(cache, "--timeout", "1"),
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert finished.returncode == 124
    assert "task-000001" in finished.stdout


# On a terminal


@pytest.mark.parametrize("end", ["\x03", "q"])
def test_on_a_terminal_it_takes_the_screen_and_gives_all_of_it_back(cache: Cache, end: str) -> None:
    cache.write({"status": "running"})
    with terminal(cache) as opened:
        opened.until("1 active")
        opened.press("hello")
        cache.change(FINISH)
        opened.until("1 ended")
        opened.until("success")
        opened.press(end)
        assert opened.end() == 0
        assert opened.is_as_before
        screen, rest = opened.text.split(LEFT)
        assert screen.index(ENTERED) < screen.index("1 active")
        assert HIDDEN in screen
        assert SEEN in opened.text.rpartition(HIDDEN)[2]
        assert "hello" not in opened.text
        assert "1 ended" in rest  # the last state stays
        assert "q ends" not in rest


def test_a_signal_gives_the_terminal_back_too(cache: Cache) -> None:
    cache.write({"status": "running"})
    with terminal(cache, "--until-idle") as opened:
        opened.until("1 active")
        opened.process.terminate()
        assert opened.end() == 130
        assert opened.is_as_before
        assert LEFT in opened.text


def test_it_adapts_when_the_terminal_is_resized(cache: Cache) -> None:
    cache.write(*[{"status": "running"}] * 30)
    with terminal(cache) as opened:
        opened.until("and 13 more")
        opened.resize(44, 10)
        said = opened.until("and 25 more")
        assert "\x1b[2J" in said
        opened.press("q")
        assert opened.end() == 0


def test_stopped_by_ctrl_z_it_leaves_the_terminal_and_comes_back(cache: Cache) -> None:
    cache.write({"status": "running"})
    with terminal(cache) as opened:
        opened.until("1 active")
        # The system stops no leader of a session: nobody would be there to go on with it.
        os.kill(opened.process.pid, signal.SIGTSTP)
        opened.until(LEFT)
        opened.until(ENTERED)
        opened.until("1 active")
        opened.press("q")
        assert opened.end() == 0
        assert opened.is_as_before


def test_without_colours_the_table_is_there_and_has_none(cache: Cache) -> None:
    cache.write({"status": "running"})
    with terminal(cache, NO_COLOR="1") as opened:
        opened.until("running")
        opened.press("q")
        assert opened.end() == 0
        assert not re.search(r"\x1b\[[\d;]*3\dm", opened.text)
    with terminal(cache) as opened:
        opened.until("running")
        opened.press("q")
        assert opened.end() == 0
        assert "\x1b[36m" in opened.text


def test_a_dumb_terminal_gets_lines(cache: Cache) -> None:
    cache.write({"status": "running"})
    with terminal(cache, TERM="dumb") as opened:
        opened.until(" started  1 task is active.")
        opened.until(" note ")
        opened.press("\x03")
        assert opened.end() == 0
        assert "\x1b" not in opened.text
