"""The one error of installing."""

from __future__ import annotations


class InstallError(Exception):
    """A reason why a client can't be configured, as a sentence that says what to do."""
