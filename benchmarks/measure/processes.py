"""The cost of a server between its calls: idle CPU, memory, imports."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure.ids import example_ids
from benchmarks.measure.starts import SMALLEST, SMALLEST_SERVER, resident_mib
from benchmarks.mix import Mix
from benchmarks.recording import OURS, Measurement
from benchmarks.stdio_client import RawServer, call_line, request_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.setting import Setting

IDLE, MEMORY, IMPORTS = "idle", "memory", "imports"
STARTED, SERVED = "after the first answer", "after a hundred calls"
GROWTH = "growth"
NOT_OURS = "network and crypto modules beyond the SDK's"

NETWORK_AND_CRYPTO = frozenset(
    {
        "aiohttp",
        "cryptography",
        "h11",
        "h2",
        "hpack",
        "http.client",
        "http.server",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "jwt",
        "nacl",
        "OpenSSL",
        "requests",
        "sse_starlette",
        "ssl",
        "starlette",
        "tornado",
        "urllib3",
        "uvicorn",
        "websockets",
    }
)
_WARMING_CALLS = 100
_READINGS = 20
"""The number of times that memory is read while calls are made."""


def measure(setting: Setting) -> list[Measurement]:
    """Measure this server and the smallest one, on the smallest store."""
    cache_dir = setting.stores.of(Mix(size=setting.sizes[0]))
    commands: dict[str, list[str | Path]] = {
        OURS: [setting.server, "--cache-dir", cache_dir],
        SMALLEST: [setting.python, SMALLEST_SERVER],
    }
    task_id = example_ids(cache_dir)["uniqc's id"]
    calls = {
        OURS: [
            call_line("list_tasks", {}),
            call_line("count_tasks", {"group_by": "status_backend"}),
            call_line("get_task", {"task_id": task_id}),
        ],
        SMALLEST: [call_line("answer", {})],
    }
    found = [*_imports(setting, commands, calls)]
    for who, command in commands.items():
        with RawServer(command) as server:
            found += _idle_and_memory(setting, who, server, calls[who])
    return found


def _idle_and_memory(
    setting: Setting, who: str, server: RawServer, lines: Sequence[bytes]
) -> Iterator[Measurement]:
    def one(group: str, what: str, unit: str, *values: float) -> Measurement:
        return Measurement(group=group, what=what, who=who, size=0, unit=unit, values=values)

    server.initialize()
    yield one(MEMORY, STARTED, "MiB", resident_mib(server.pid))
    _ask(server, lines, _WARMING_CALLS)
    yield one(MEMORY, SERVED, "MiB", resident_mib(server.pid))
    setting.tell(f"idle: {who}, {setting.idle_seconds:g} s")
    before = cpu_ms(server.pid)
    time.sleep(setting.idle_seconds)
    yield one(IDLE, f"CPU in {setting.idle_seconds:g} s", "ms", cpu_ms(server.pid) - before)
    setting.tell(f"memory: {who}, {setting.calls} calls")
    readings: list[float] = []
    for _ in range(_READINGS):
        _ask(server, lines, setting.calls // _READINGS)
        readings.append(resident_mib(server.pid))
    yield one(MEMORY, f"over {setting.calls} calls", "MiB", *readings)
    yield one(MEMORY, GROWTH, "KiB in 1000 calls", slope_kib(readings, setting.calls))


def slope_kib(readings: Sequence[float], calls: int) -> float:
    """Return the slope of memory in KiB for a thousand calls, by linear regression.

    The first tenth of the readings is ignored, as caches may still fill.
    """
    later = list(enumerate(readings))[len(readings) // 10 :]
    line = statistics.linear_regression([at for at, _ in later], [mib for _, mib in later])
    return line.slope * 1024 / (calls / len(readings) / 1000)


def _ask(server: RawServer, lines: Sequence[bytes], calls: int) -> None:
    for number in range(calls):
        server.exchange(lines[number % len(lines)])


def _imports(
    setting: Setting, commands: dict[str, list[str | Path]], calls: dict[str, list[bytes]]
) -> Iterator[Measurement]:
    """Yield the number of modules that each has imported when it has answered calls and ended."""
    imported = {
        who: _imported(setting.python, command, calls[who]) for who, command in commands.items()
    }
    beyond = imported[OURS] - imported[SMALLEST]
    for what, names in (
        (NOT_OURS, sorted(beyond & NETWORK_AND_CRYPTO)),
        ("all modules beyond the SDK's", sorted(beyond)),
    ):
        yield Measurement(
            group=IMPORTS, what=what, who=OURS, size=0, unit="modules", values=(len(names),)
        )


def _imported(python: Path, command: Sequence[str | Path], calls: Sequence[bytes]) -> set[str]:
    session = request_line(0, "initialize", _CLIENT) + b"".join(calls)
    script = command if command[0] != python else command[1:]
    program = [python, "-X", "importtime", *script]
    done = subprocess.run(program, input=session, capture_output=True, check=True, timeout=60)
    lines = done.stderr.decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


_CLIENT = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "0"},
}


def cpu_ms(pid: int) -> float:
    """Return the CPU time of a process in milliseconds, user and system together."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) * 1000 / os.sysconf("SC_CLK_TCK")
