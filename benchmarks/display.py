"""The progress display: the current measurement, and a bar for each store being made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import TaskID

_LINE_EVERY_SECONDS = 5.0


class Display:
    """A live display on a terminal, and a line now and then elsewhere."""

    def __init__(self) -> None:
        """Prepare a display on stderr; it starts with the ``with`` block."""
        self._console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._subject = self._progress.add_task("starting", total=None)
        self._bars: dict[str, TaskID] = {}
        self._began = time.monotonic()
        self._last_line = 0.0

    def tell(self, words: str) -> None:
        """Show the current step."""
        self._progress.update(self._subject, description=words)
        self._line(words)

    def building(self, name: str, done: int, total: int) -> None:
        """Show how many tasks of a store are made."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(f"making {name}", total=total)
        self._progress.update(self._bars[name], completed=done)
        if done < total:
            self._line(f"making {name}: {done} of {total}")

    def _line(self, words: str) -> None:
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line > _LINE_EVERY_SECONDS:
            self._last_line = now
            self._console.print(f"{now - self._began:5.0f} s  {words}", highlight=False)

    def __enter__(self) -> Self:
        """Start the live display, if this is a terminal."""
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the live display."""
        if self._console.is_terminal:
            self._progress.stop()
