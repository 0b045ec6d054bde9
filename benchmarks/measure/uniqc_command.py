"""The question that people ask most, by uniqc's own command: a process each time."""

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
    """At every size; nothing where uniqc with all of its dependencies is not wanted."""
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
    # It has no word for all that is active; one status of the two is the least that it takes.
    question = ["task", "list", "--format", "json", "--status", "running", "--limit", "20"]
    variables = {**os.environ, "HOME": str(home)}
    subprocess.run([uniqc, *question], env=variables, capture_output=True, check=True, timeout=600)
