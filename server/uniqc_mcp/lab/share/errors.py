"""Reasons why tasks are not shared.

::

    ShareError
    ├── ShareRefusedError       it does not help to try again: a person has to act
    ├── ServerUnavailableError  the server can't be reached, or asks to wait
    ├── BatchRefusedError       the server takes this message not, but perhaps a part of it
    ├── BatchTooLargeError      likewise, because of its size
    └── OutOfStepError          the server's store has changed since the message was made
"""

from __future__ import annotations


class ShareError(Exception):
    """A reason why tasks are not shared, as a sentence that says what to do."""


class ShareRefusedError(ShareError):
    """A refusal that trying again does not change, such as of an unknown token."""


class ServerUnavailableError(ShareError):
    """A server that can't be reached, or that asks to wait.

    Attributes:
        retry_after: Seconds that the server asks to wait; None if it does not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Note the reason and the seconds to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class BatchRefusedError(ShareError):
    """A message that the server does not take."""


class BatchTooLargeError(ShareError):
    """A message that is too large for the server, or for a proxy before it."""


class OutOfStepError(ShareError):
    """A message made of an older state of the server's store, which is to be compared again."""
