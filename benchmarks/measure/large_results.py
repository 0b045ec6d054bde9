"""The time and peak memory of get_task for a 20-qubit result of many outcomes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure.starts import resident_mib
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from benchmarks.stdio_client import RawServer, call_line
from uniqc_store import DB_FILENAME, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.setting import Setting

GROUP = "large results"
PARSED = "json.loads of the whole"
OUTCOMES = (10_000, 100_000)
LARGE = "100,000 outcomes of 20 qubits"
_PEAK_OF_LOADS = """\
import json, sqlite3, sys

def kib(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1])

connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT task_id FROM tasks").fetchone()
json.loads("{}")
before = kib("VmRSS:")
open("/proc/self/clear_refs", "w").write("5")
(text,) = connection.execute("SELECT result_json FROM tasks").fetchone()
counts = json.loads(text)
print(kib("VmHWM:") - before)
"""


def measure(setting: Setting) -> list[Measurement]:
    """Measure get_task over stdio, and reading and parsing the same result in process."""
    found: list[Measurement] = []
    for outcomes in OUTCOMES:
        setting.tell(f"large results: {outcomes} outcomes")
        what = f"{outcomes:,} outcomes of 20 qubits"
        cache_dir = setting.stores.with_large_result(outcomes)
        found += _times(setting, what, cache_dir)
        found += _peaks(setting, what, cache_dir)
    return found


def _times(setting: Setting, what: str, cache_dir: Path) -> list[Measurement]:
    with RawServer([setting.server, "--cache-dir", cache_dir]) as server:
        server.initialize()
        line = only_task(cache_dir)
        contenders = [
            Contender(what=what, who=OURS, size=0, call=partial(server.exchange, line)),
            Contender(what=what, who=PARSED, size=0, call=partial(_parse, cache_dir)),
        ]
        return interleaved(
            GROUP, contenders, repeats=setting.repeats, seconds_each=setting.seconds_each
        )


def _peaks(setting: Setting, what: str, cache_dir: Path) -> Iterator[Measurement]:
    """Yield the growth of memory up to its peak, during the first answer about the result."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(3):
        with RawServer([setting.server, "--cache-dir", cache_dir]) as server:
            server.initialize()
            # The imports and caches of any call are not part of the measured growth.
            for _ in range(20):
                server.exchange(call_line("list_tasks", {"status": "any"}))
                server.exchange(call_line("get_task", {"task_id": "no such task"}))
            before = resident_mib(server.pid)
            # Resets the peak that the kernel has recorded.
            Path(f"/proc/{server.pid}/clear_refs").write_text("5")
            server.exchange(only_task(cache_dir))
            ours.append(resident_mib(server.pid, "VmHWM") - before)
        program: list[str | Path] = [setting.python, "-c", _PEAK_OF_LOADS]
        done = subprocess.run([*program, cache_dir / DB_FILENAME], capture_output=True, check=True)
        theirs.append(int(done.stdout) / 1024)
    for who, values in ((OURS, ours), (PARSED, theirs)):
        yield Measurement(
            group=GROUP, what=f"{what}: peak", who=who, size=0, unit="MiB", values=tuple(values)
        )


def only_task(cache_dir: Path, **arguments: int) -> bytes:
    """Return the call for the only task of a store."""
    (task,) = TaskStore(cache_dir, read_only=True).search(TaskFilter(), limit=2).records
    return call_line("get_task", {"task_id": task.task_id, **arguments})


def _parse(cache_dir: Path) -> object:
    address = f"file:{cache_dir / DB_FILENAME}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        (text,) = connection.execute("SELECT result_json FROM tasks").fetchone()
    return json.loads(text)
