"""The passes of a machine, the hints between them, and what becomes of failures."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from uniqc_mcp.errors import explain_store_error
from uniqc_mcp.lab.share.client import pause_before
from uniqc_mcp.lab.share.errors import (
    OutOfStepError,
    ServerUnavailableError,
    ShareError,
    ShareRefusedError,
)
from uniqc_mcp.lab.share.file_digests import FileDigests
from uniqc_mcp.lab.share.hints import Hints
from uniqc_mcp.lab.share.passes import Pass, send_named
from uniqc_mcp.lab.share.sharer import Answered
from uniqc_mcp.lab.share.state import changed
from uniqc_mcp.responses.times import exact_wire_time, utc_now
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from datetime import datetime
    from threading import Event

    from uniqc_mcp.lab.share.sharer import Outcome, Sharer
    from uniqc_mcp.lab.share.state import ShareState, StateFile

_LONGEST_PAUSE: Final = 300.0
"""Most seconds between two tries while the server can't be reached, unless it asks for more."""

_PASS_RATIO: Final = 12
"""Time from one pass to the next that a hint asks for, as a multiple of the time that one takes."""

_SECONDS_BETWEEN_SAVES: Final = 5.0


class Sharing:
    """Shares one cache directory until it is told to end.

    Args:
        sharer: The store and the server.
        file: The file of its state.
        state: The state so far.
        every: Seconds from one pass to the next.
        stop: Set when the program is to end.
        tell: Called with a sentence at each change between working and not.
    """

    def __init__(
        self,
        sharer: Sharer,
        file: StateFile,
        state: ShareState,
        *,
        every: float,
        stop: Event,
        tell: Callable[[str], None],
    ) -> None:
        """Prepare; nothing is read or sent yet."""
        self._sharer = sharer
        self._file = file
        self._state = state
        self._every = every
        self._stop = stop
        self._tell = tell
        self._told: object = None
        self._digests = FileDigests(sharer.store, sharer.fingerprints)
        self._answered: Answered | None = None
        self._saved_at = -_SECONDS_BETWEEN_SAVES

    def once(self) -> Outcome:
        """Make one pass.

        Raises:
            ShareError: It failed.
        """
        with self._failures_noted():
            return self._pass()

    def run(self) -> None:
        """Share until the program is to end.

        Raises:
            ShareRefusedError: The server refuses, and a person has to act.
        """
        hints, failures = Hints(self._sharer.store), 0
        while not self._stop.is_set():
            try:
                hints.begin()
                began = time.monotonic()
                self.once()
                failures = 0
                self._follow(hints, began)
            except ShareRefusedError:
                raise
            except ShareError as error:
                self._rest(error, failures)
                failures += 1
        self._save()

    def _pass(self) -> Outcome:
        answered, self._answered = self._answered, None
        read_at = utc_now()
        outcome = Pass(self._sharer, self._digests.current(), answered).run()
        self._answered = outcome.answered
        self._note_outcome(outcome, read_at)
        return outcome

    def _follow(self, hints: Hints, pass_began: float) -> None:
        """Send what hints name, until the next pass is due."""
        now = time.monotonic()
        due, earliest = pass_began + self._every, now + _PASS_RATIO * (now - pass_began)
        while time.monotonic() < due and not self._stop.wait(hints.pause()):
            with self._failures_noted():
                read_at = utc_now()
                hint = hints.next()
                known = not hint.task_ids or self._send(hint.task_ids, read_at)
            if hint.all or not known:
                due = min(due, earliest)

    def _send(self, task_ids: Sequence[str], read_at: datetime) -> bool:
        """Send some tasks; return False if a pass has to find out about others."""
        before, self._answered = self._answered, None
        try:
            sent, is_sound = send_named(self._sharer, task_ids, before and before.revision)
        except OutOfStepError:
            return False
        if not (sent.tasks or sent.gone or sent.refused):
            self._answered = before
            return is_sound
        answered = Answered(sent.epoch, sent.revision)
        # What was sent counts as a revision. A server with no more than before has lost some.
        lost = before and (answered.epoch != before.epoch or answered.revision <= before.revision)
        if lost or sent.refused:
            return False
        self._answered = answered
        self._state = changed(self._state, read_at=exact_wire_time(read_at), **answered._asdict())
        if time.monotonic() - self._saved_at > _SECONDS_BETWEEN_SAVES:
            self._save()
        return is_sound

    def _rest(self, error: ShareError, failures: int) -> None:
        """Wait after a failure, longer after each."""
        if not self._stop.is_set():
            asked = error.retry_after if isinstance(error, ServerUnavailableError) else None
            self._stop.wait(pause_before(failures, asked, longest=_LONGEST_PAUSE))

    @contextmanager
    def _failures_noted(self) -> Generator[None]:
        """Note a failure in the state, and raise it as a ShareError."""
        try:
            yield
        except ShareError as error:
            self._note_error(type(error), str(error))
            raise
        except StoreError as error:
            words = explain_store_error(error)
            self._note_error(type(error), words)
            raise ShareError(words) from error

    def _note_outcome(self, outcome: Outcome, read_at: datetime) -> None:
        moment = exact_wire_time(read_at)
        self._state = changed(
            self._state,
            tried_at=moment,
            passed_at=moment,
            read_at=moment,
            tasks=outcome.tasks,
            refused=len(outcome.refused),
            left_out=outcome.left_out,
            error="",
            **outcome.answered._asdict(),
        )
        self._save()
        self._tell_once((outcome.left_out, len(outcome.refused)), outcome.in_words())

    def _note_error(self, kind: type[Exception], words: str) -> None:
        if self._stop.is_set():
            return
        self._state = changed(self._state, tried_at=exact_wire_time(utc_now()), error=words)
        self._save()
        self._tell_once(kind, words)

    def _tell_once(self, kind: object, words: str) -> None:
        """Tell a sentence, unless the last one was of the same kind."""
        if kind != self._told:
            self._told = kind
            self._tell(words)

    def _save(self) -> None:
        self._file.save(self._state)
        self._saved_at = time.monotonic()
