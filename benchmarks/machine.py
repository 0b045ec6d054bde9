"""The machine and the versions of a run, without anything that identifies the machine."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import SQLITE_SERVER, UNIQC

if TYPE_CHECKING:
    from benchmarks.setting import Setting

_VERSIONS = """\
import json, sqlite3
from importlib.metadata import version
names = ("uniqc-mcp", "mcp", "pydantic", "anyio")
print(json.dumps({name: version(name) for name in names} | {"SQLite": sqlite3.sqlite_version}))
"""


def describe(setting: Setting) -> dict[str, str]:
    """Return the properties of the machine and the versions, as text by name."""
    done = subprocess.run(
        [setting.python, "-c", _VERSIONS], capture_output=True, text=True, check=True
    )
    versions: dict[str, str] = json.loads(done.stdout)
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(Path("/proc/cpuinfo").read_text()),
        "cores": f"{os.cpu_count()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite of the benchmark": sqlite3.sqlite_version,
        **versions,
        "beside": ", ".join((UNIQC, SQLITE_SERVER[0])).replace("==", " "),
    }


def _processor(cpuinfo: str) -> str:
    names = [line for line in cpuinfo.splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor() or "unknown"
