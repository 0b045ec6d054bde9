"""The most frequent question, answered by uniqc's own command in a new process each time."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure.calls import GROUP, STILL_RUNNING
from benchmarks.recording import Contender, Measurement, interleaved

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.setting import Setting

COMMAND = "uniqc task list --format json"
_REPEATS = 5
_SECONDS_EACH = 20


def measure(setting: Setting) -> list[Measurement]:
    """Measure the command at every size, or nothing if the run is without uniqc's dependencies."""
    if not setting.whole_uniqc:
        return []
    setting.tell(COMMAND)
    contenders = [
        Contender(
            what=STILL_RUNNING,
            who=COMMAND,
            size=size,
            call=partial(
                _ask,
                setting.environments.uniqc(),
                setting.environments.home(f"{size}", cache_dir),
            ),
        )
        for size, cache_dir in setting.caches().items()
    ]
    return interleaved(
        GROUP,
        contenders,
        repeats=min(_REPEATS, setting.repeats),
        seconds_each=_SECONDS_EACH,
    )


def _ask(uniqc: Path, home: Path) -> None:
    # The command has no filter for all active tasks, so it is asked for one of the two statuses.
    question = ["task", "list", "--format", "json", "--status", "running", "--limit", "20"]
    variables = {**os.environ, "HOME": str(home)}
    subprocess.run([uniqc, *question], env=variables, capture_output=True, check=True, timeout=600)
