"""Settings that all tests share: Hypothesis, signals, time zone, and which tests are left out."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from tests.lab.fixtures import database, lab_database, postgres

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["database", "lab_database", "postgres"]

IN_BROWSER = "UNIQC_TESTS_IN_BROWSER"
"""The variable with which ``python -m tests.browser`` asks for its tests."""

collect_ignore = [] if os.environ.get(IN_BROWSER) else ["browser"]

# The profile "ci" repeats its examples, and the deadline of "default" fails on a busy machine.
# Where CI is set, "ci" is active while this file is read. So the parent is named.
settings.register_profile("new", settings.get_profile("default"), deadline=None, print_blob=True)


@pytest.fixture(scope="session", autouse=True)
def default_signals() -> Generator[None]:
    """Let programs start with default signals, which the tests may have been told to ignore.

    ``nohup`` and ``&`` do so, and a new program ignores what its parent ignores.
    """
    ignored = [
        number
        for number in signal.valid_signals()
        if signal.getsignal(number) is signal.SIG_IGN and number not in _IGNORED_BY_PYTHON
    ]
    for number in ignored:
        is_interrupt = number is signal.SIGINT
        signal.signal(number, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session", autouse=True)
def in_utc() -> Generator[None]:
    """Set the local time zone, which a few tests replace by another, whatever the machine has."""
    if sys.platform == "win32":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


_IGNORED_BY_PYTHON = {
    getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ") if hasattr(signal, name)
}
"""Signals that every Python process ignores, and gives programs the default of."""
