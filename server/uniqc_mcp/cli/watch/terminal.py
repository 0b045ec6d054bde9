"""The alternate screen of a terminal, which is left again however the watch ends, and its keys."""

from __future__ import annotations

import codecs
import errno
import os
import re
import select
import signal
import sys
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, Self

from rich.control import Control
from rich.segment import ControlType, Segment, Segments
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.console import Console


_REST_OF_LINE = Control((ControlType.ERASE_IN_LINE, 0)).segment

_KEY: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|.", re.DOTALL)
_NAMES: Final = {
    "\r": "enter",
    "\n": "enter",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
}


class KeyDecoder:
    """A decoder of what a terminal sends, in which a character may be split between two reads."""

    def __init__(self) -> None:
        """Begin between two characters."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def keys(self, sent: bytes) -> list[str]:
        """Return the names of special keys, and printable characters as they are."""
        found: list[str] = _KEY.findall(self._decoder.decode(sent))
        return [_NAMES.get(key, key) for key in found if key in _NAMES or key.isprintable()]


class TerminalScreen(AbstractContextManager["TerminalScreen"]):
    """Frames on the terminal's alternate screen, which leaves the scrollback as it was.

    Keys are not echoed. Ctrl-Z leaves the screen until the shell continues the process.

    Only lines that differ from the previous frame are written. ``rich.live.Live`` writes all of
    them and took five times as long.
    """

    def __init__(self, console: Console) -> None:
        """Prepare to draw on a console; the screen is entered with the ``with`` block."""
        self._console = console
        self._cleanup = ExitStack()
        self._drawn: list[Text] = []
        self._drawn_size = (0, 0)
        self._must_stop = False
        keys = sys.stdin if os.name == "posix" else None
        self._decoder = KeyDecoder()
        self._keys = keys.fileno() if keys is not None and keys.isatty() else None

    def __enter__(self) -> Self:
        """Enter the alternate screen, or leave the terminal as it was and raise."""
        try:
            self._cleanup.enter_context(self._stop_requests())
            self._enter_screen()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the alternate screen, and restore the cursor and the echo of keys."""
        self._cleanup.close()

    @property
    def size(self) -> tuple[int, int]:
        """The current width and height. Rich would prefer COLUMNS and LINES, which don't change."""
        try:
            width, height = os.get_terminal_size(self._console.file.fileno())
        except OSError:
            width = height = 0
        return width or 80, height or 24

    def show(self, lines: Sequence[Text]) -> None:
        """Draw a frame, writing only the lines that differ from the previous one."""
        output: list[Segment] = []
        if self.size != self._drawn_size:
            self._drawn_size, self._drawn = self.size, []
            output.append(Control.clear().segment)
        for number in range(max(len(lines), len(self._drawn))):
            line = lines[number] if number < len(lines) else Text()
            if number >= len(self._drawn) or line != self._drawn[number]:
                output += [Control.move_to(0, number).segment, *line.render(self._console)]
                output.append(_REST_OF_LINE)
        self._drawn = list(lines)
        if output:
            self._console.print(Segments(output), end="", soft_wrap=True)

    def pause(self, seconds: float) -> list[str]:
        """Wait for this time, or until a key is pressed or a signal arrives; return the keys."""
        keys: list[str] = []
        if self._keys is None:
            time.sleep(seconds)
        elif select.select([self._keys], [], [], seconds)[0]:
            sent = os.read(self._keys, 1024)
            keys = self._decoder.keys(sent)
            if not sent:  # the terminal is gone
                self._keys = None
        if self._must_stop:
            self._stop()
        return keys

    def _enter_screen(self) -> None:
        if self._keys is not None:
            self._cleanup.enter_context(_without_echo(self._keys))
        self._drawn_size = (0, 0)
        self._cleanup.callback(self._console.set_alt_screen, False)  # noqa: FBT003 - positional
        self._console.set_alt_screen(True)
        self._cleanup.callback(self._console.show_cursor)
        self._console.show_cursor(False)  # noqa: FBT003 - its only argument

    @contextmanager
    def _stop_requests(self) -> Generator[None]:
        if not hasattr(signal, "SIGTSTP"):
            yield
            return

        def request_stop(*_: object) -> None:
            self._must_stop = True

        before = signal.signal(signal.SIGTSTP, request_stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, before)

    def _stop(self) -> None:
        """Leave the screen, stop the process as Ctrl-Z would, and enter it when continued."""
        self._must_stop = False
        self._cleanup.close()
        os.kill(os.getpid(), signal.SIGTSTP)
        self.__enter__()


@contextmanager
def broken_pipe_if_gone() -> Generator[None]:
    """Raise BrokenPipeError once the terminal is gone, as after a lost connection.

    A process that ignores SIGHUP outlives its terminal, and its writes fail with EIO.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EIO:
            raise BrokenPipeError(error.errno, error.strerror) from error
        raise


@contextmanager
def _without_echo(terminal: int) -> Generator[None]:
    """Turn off echo and line buffering; Ctrl-C and other signal keys still work."""
    import termios  # noqa: PLC0415 - Windows does not have it

    before = termios.tcgetattr(terminal)
    attributes = termios.tcgetattr(terminal)
    attributes[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSADRAIN, attributes)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
