"""The whole screen of a terminal, for as long as a watch has it, and given back in any case."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from rich.control import Control
from rich.segment import ControlType, Segment, Segments
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.console import Console


_REST_OF_LINE = Control((ControlType.ERASE_IN_LINE, 0)).segment


class TerminalScreen(AbstractContextManager["TerminalScreen"]):
    """Frames on the terminal's other screen, so that nothing scrolls and what was there stays.

    Keys are not echoed into the frames; ``q`` ends it as Ctrl-C does, and Ctrl-Z gives the screen
    back until the shell goes on with it.

    Only the lines that are others than before are written, which rich's own ``Live`` does not do:
    it took five times as long.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._held = ExitStack()
        self._drawn: list[Text] = []
        self._drawn_size = (0, 0)
        self._is_to_stop = False
        keys = sys.stdin if os.name == "posix" else None
        self._keys = keys.fileno() if keys is not None and keys.isatty() else None

    def __enter__(self) -> Self:
        try:
            self._held.enter_context(self._stopping_told())
            self._take()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as they are now; rich goes by what they were, where COLUMNS says so."""
        try:
            width, height = os.get_terminal_size(self._console.file.fileno())
        except OSError:
            width = height = 0
        return width or 80, height or 24

    def show(self, lines: Sequence[Text]) -> None:
        """Draw these, as far as they are not there already."""
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

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the size is another one.

        Raises:
            KeyboardInterrupt: ``q`` was pressed.
        """
        if self._keys is None:
            time.sleep(seconds)
        elif select.select([self._keys], [], [], seconds)[0]:
            keys = os.read(self._keys, 1024)
            if not keys:  # the terminal is gone
                self._keys = None
            if b"q" in keys.lower():
                raise KeyboardInterrupt
        if self._is_to_stop:
            self._stop()

    def _take(self) -> None:
        if self._keys is not None:
            self._held.enter_context(_keys_unseen(self._keys))
        self._drawn_size = (0, 0)
        self._held.callback(self._console.set_alt_screen, False)  # noqa: FBT003 - positional
        self._console.set_alt_screen(True)
        self._held.callback(self._console.show_cursor)
        self._console.show_cursor(False)  # noqa: FBT003 - its only argument

    @contextmanager
    def _stopping_told(self) -> Generator[None]:
        if not hasattr(signal, "SIGTSTP"):
            yield
            return

        def told(*_: object) -> None:
            self._is_to_stop = True

        before = signal.signal(signal.SIGTSTP, told)
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, before)

    def _stop(self) -> None:
        """Stop as Ctrl-Z does any other process, and go on when the shell says so."""
        self._is_to_stop = False
        self._held.close()
        os.kill(os.getpid(), signal.SIGTSTP)
        self.__enter__()


@contextmanager
def _keys_unseen(terminal: int) -> Generator[None]:
    """Without echo, and each key at once; Ctrl-C and its like work on."""
    import termios  # noqa: PLC0415 - POSIX alone has it

    before = termios.tcgetattr(terminal)
    unseen = termios.tcgetattr(terminal)
    unseen[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
