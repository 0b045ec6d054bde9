"""A watch whose terminal is gone, as after a lost connection."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

DEADLINE_SECONDS = 120


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--until-idle",), 141)])
def test_a_watch_that_outlives_its_terminal_ends_without_a_traceback(
    cache: Cache, options: tuple[str, ...], status: int
) -> None:
    cache.write({"status": "running"})
    # Of a session of its own, so that no SIGHUP comes, as where it is ignored.
    controller, tty = pty.openpty()
    at = ["--cache-dir", str(cache.directory)]
    with subprocess.Popen(
        [sys.executable, "-m", "uniqc_mcp", "watch", *at, *options],
        stdin=tty, stdout=tty, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"}, text=True,
    ) as process:  # fmt: skip
        os.close(tty)
        assert select.select([controller], [], [], DEADLINE_SECONDS)[0]
        os.read(controller, 65_536)
        os.close(controller)
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (status, "")
