"""``uniqc-mcp watch`` as a process, in a pipe and on a terminal."""

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
    from collections.abc import Callable, Generator
    from types import FrameType

    from tests.server.conftest import Cache

DEADLINE_SECONDS = 120
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"
HIDDEN, SEEN = "\x1b[?25l", "\x1b[?25h"
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Program that takes the terminal as its controlling one, so that Ctrl-C sends it a signal."""

FINISH = "UPDATE tasks SET status = 'success'"


@contextmanager
def handled(
    number: signal.Signals, handler: Callable[[int, FrameType | None], Any] | int
) -> Generator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


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
    """Run a watch that writes into pipes."""
    with subprocess.Popen(
        command(cache, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


class Terminal:
    """A watch on a terminal of its own."""

    def __init__(self, cache: Cache, *options: str, **environment: str) -> None:
        self.controller, self.tty = pty.openpty()
        self.resize(100, 24)
        self.before = termios.tcgetattr(self.tty)
        self.text = ""
        self._read = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *command(cache, *options)],
            stdin=self.tty,
            stdout=self.tty,
            stderr=self.tty,
            env=os.environ
            | {"TERM": "xterm-256color", "COLUMNS": "30", "LINES": "9"}
            | environment,
            start_new_session=True,
        )

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.controller, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self.controller, keys.encode())

    def until(self, text: str) -> str:
        """Wait for *text*, and return the output from the previous match to this one."""
        deadline = monotonic() + DEADLINE_SECONDS
        while (found := self.text.find(text, self._read)) < 0:
            assert monotonic() < deadline, self.text[self._read :]
            if select.select([self.controller], [], [], 0.1)[0]:
                self.text += os.read(self.controller, 65_536).decode(errors="replace")
        began, self._read = self._read, found + len(text)
        return self.text[began : self._read]

    def end(self) -> int:
        """Wait for the exit, add the rest of the output to ``text`` and return the status."""
        status = self.process.wait(DEADLINE_SECONDS)
        while select.select([self.controller], [], [], 0)[0]:
            self.text += os.read(self.controller, 65_536).decode(errors="replace")
        return status

    @property
    def is_restored(self) -> bool:
        return termios.tcgetattr(self.tty) == self.before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.controller)
        os.close(self.tty)


@contextmanager
def terminal(cache: Cache, *options: str, **environment: str) -> Generator[Terminal]:
    opened = Terminal(cache, *options, **environment)
    try:
        yield opened
    finally:
        opened.close()


# In a pipe


def test_the_watch_in_a_pipe_writes_lines_until_no_task_is_active(cache: Cache) -> None:
    cache.write({"status": "running"})
    with piped(cache, "--until-idle") as process:
        assert re.fullmatch(r"\S+Z started  1 task is active\. .+\n", read_line(process))
        assert " active   task-000001 running on originq:WK_C180, " in read_line(process)
        assert " note     " in read_line(process)
        cache.change(FINISH)
        assert " changed  task-000001 running -> success on originq:WK_C180" in read_line(process)
        rest, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_with_json_each_line_is_an_event(cache: Cache) -> None:
    cache.write({"status": "running"})
    with piped(cache, "--json", "--until-idle") as process:
        started: dict[str, Any] = json.loads(read_line(process))
        assert (started["event"], len(started["tasks"])) == ("started", 1)
        cache.change(FINISH)
        changed = json.loads(read_line(process))
        assert (changed["event"], changed["task"]["status"]) == ("changed", "success")
        assert process.wait(DEADLINE_SECONDS) == 0


def test_a_timeout_is_reported_and_exits_with_124(cache: Cache) -> None:
    cache.write({"status": "running"})
    with piped(cache, "--until-idle", "--timeout", "1") as process:
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (124, "The 1 s are over; 1 task is active.\n")


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--until-idle"], 141)])
def test_the_watch_ends_silently_when_the_reader_closes_the_pipe(
    cache: Cache, options: list[str], status: int
) -> None:
    cache.write({"status": "running"})
    with piped(cache, *options) as process:
        read_line(process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(DEADLINE_SECONDS) == status
        assert process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("options", "status"), [([], 0), (["--until-idle"], 130)])
def test_a_signal_is_an_error_only_while_waiting_for_idle(
    cache: Cache, number: signal.Signals, options: list[str], status: int
) -> None:
    cache.write({"status": "running"})
    with piped(cache, *options) as process:
        read_line(process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (status, "")


def test_a_watch_that_starts_in_the_background_goes_on_ignoring_sigint(cache: Cache) -> None:
    cache.write({"status": "running"})
    # As a shell without job control starts it for `&`.
    with handled(signal.SIGINT, signal.SIG_IGN), piped(cache, "--until-idle") as process:
        read_line(process)
        process.send_signal(signal.SIGINT)
        cache.change(FINISH)
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert " changed  task-000001 running -> success" in output
    assert (process.returncode, errors) == (0, "")


def test_a_name_that_the_encoding_lacks_does_not_end_the_watch(cache: Cache) -> None:
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
def test_the_terminal_is_restored_when_the_watch_ends(cache: Cache, end: str) -> None:
    cache.write({"status": "running"})
    with terminal(cache) as opened:
        opened.until("1 active")
        opened.press("hello")
        cache.change(FINISH)
        opened.until("1 ended")
        opened.until("success")
        opened.press(end)
        assert opened.end() == 0
        assert opened.is_restored
        screen, rest = opened.text.split(LEFT)
        assert screen.index(ENTERED) < screen.index("1 active")
        assert HIDDEN in screen
        assert SEEN in opened.text.rpartition(HIDDEN)[2]
        assert "hello" not in opened.text
        assert "1 ended" in rest  # the last frame stays
        assert "q ends" not in rest


def test_the_terminal_is_restored_after_a_signal(cache: Cache) -> None:
    cache.write({"status": "running"})
    with terminal(cache, "--until-idle") as opened:
        opened.until("1 active")
        opened.process.terminate()
        assert opened.end() == 130
        assert opened.is_restored
        assert LEFT in opened.text


def test_the_table_adapts_to_a_resized_terminal(cache: Cache) -> None:
    cache.write(*[{"status": "running"}] * 30)
    with terminal(cache) as opened:
        opened.until("and 13 more")
        opened.resize(44, 10)
        output = opened.until("and 25 more")
        assert "\x1b[2J" in output
        opened.press("q")
        assert opened.end() == 0


def test_ctrl_z_leaves_the_screen_and_resuming_enters_it_again(cache: Cache) -> None:
    cache.write({"status": "running"})
    with terminal(cache) as opened:
        opened.until("1 active")
        # The process group is orphaned: the kernel discards SIGTSTP, and the watch resumes.
        os.kill(opened.process.pid, signal.SIGTSTP)
        opened.until(LEFT)
        opened.until(ENTERED)
        opened.until("1 active")
        opened.press("q")
        assert opened.end() == 0
        assert opened.is_restored


def test_no_color_draws_the_table_without_colours(cache: Cache) -> None:
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
