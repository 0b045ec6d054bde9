"""The start of a server, as clients start them: one, or eight at once as at log-in.

Each server is started anew, and asked for its tools, and then for a first answer.
"""

from __future__ import annotations

import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.mix import Mix
from benchmarks.recording import OURS, Measurement
from benchmarks.stdio_client import RawServer, call_line, request_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.setting import Setting

GROUP: Final = "start"
SMALLEST, FASTMCP, SQLITE = "smallest server", "fastmcp's smallest", "mcp-server-sqlite"
BARE: Final = "python -c pass"
ALONE, TOGETHER = "one server", "8 servers at once"
TO_HANDSHAKE: Final = "spawn to the answer of initialize"
TO_TOOLS: Final = "spawn to the list of tools"
CPU: Final = "processor time up to the list of tools"
RESIDENT: Final = "resident memory after the list of tools"
TO_CALL: Final = "spawn to the answer of a first call"
_UNITS: Final = {TO_HANDSHAKE: "ms", TO_TOOLS: "ms", CPU: "ms", RESIDENT: "MiB", TO_CALL: "ms"}

SMALLEST_SERVER: Final = Path(__file__).parents[1] / "smallest_server.py"
SMALLEST_FASTMCP: Final = Path(__file__).parents[1] / "smallest_fastmcp.py"
_AT_ONCE: Final = 8
_SECONDS_EACH: Final = 15
_SEED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """A server, and a call that it answers."""

    command: Sequence[str | Path]
    call: bytes


@dataclass(frozen=True, slots=True)
class _Start:
    """The figures of one start, in the order and the units of ``_UNITS``."""

    to_handshake: float
    to_tools: float
    cpu: float
    resident: float
    to_call: float


def measure(setting: Setting) -> list[Measurement]:
    """Measure this server and others, one at a time and eight at once."""
    programs = _programs(setting)
    found = [_bare_interpreter(setting)]
    for how, number in ((ALONE, 1), (TOGETHER, _AT_ONCE)):
        setting.tell(f"start: {how}")
        for who, starts in _in_turns(programs, number, setting.repeats).items():
            columns = zip(*map(astuple, starts), strict=True)
            found += [
                Measurement(
                    group=GROUP, what=f"{what}, {how}", who=who, size=0, unit=unit, values=values
                )
                for (what, unit), values in zip(_UNITS.items(), columns, strict=True)
            ]
    return found


def resident_mib(pid: int, name: str = "VmRSS") -> float:
    """Return the resident memory of a process, or another field of its status, such as the peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def _programs(setting: Setting) -> dict[str, _Program]:
    cache_dir = setting.stores.of(Mix(size=setting.sizes[0]))
    answer = call_line("answer", {})
    return {
        OURS: _Program(
            command=[setting.server, "--cache-dir", cache_dir], call=call_line("list_tasks", {})
        ),
        SMALLEST: _Program(command=[setting.python, SMALLEST_SERVER], call=answer),
        FASTMCP: _Program(
            command=[setting.environments.fastmcp_python(), SMALLEST_FASTMCP], call=answer
        ),
        SQLITE: _Program(
            command=[
                setting.environments.sqlite_server(),
                "--db-path",
                setting.environments.root / "empty.sqlite",
            ],
            call=call_line("list_tables", {}),
        ),
    }


def _in_turns(programs: dict[str, _Program], number: int, repeats: int) -> dict[str, list[_Start]]:
    """Return the starts of each program, so many at once. The programs take turns."""
    starts: dict[str, list[_Start]] = {who: [] for who in programs}
    give_up_at = time.monotonic() + _SECONDS_EACH * len(programs)
    order = random.Random(_SEED)
    with ThreadPoolExecutor(number) as threads:
        for turn in range(repeats + 1):
            for who in order.sample(list(programs), len(programs)):
                found = list(threads.map(_start, [programs[who]] * number))
                if turn:  # The first one reads files that the others find in memory.
                    starts[who] += found
            if turn and time.monotonic() > give_up_at:
                break
    return starts


def _start(program: _Program) -> _Start:
    began = time.perf_counter()
    with RawServer(program.command) as server:
        server.initialize()
        handshake = time.perf_counter()
        server.exchange(request_line(2, "tools/list", {}))
        tools = time.perf_counter()
        cpu, resident = cpu_ms(server.pid), resident_mib(server.pid)
        measured = time.perf_counter()
        server.result(program.call)
        answered = time.perf_counter() - (measured - tools)
        to_handshake, to_tools, to_call = (
            1000 * (moment - began) for moment in (handshake, tools, answered)
        )
    return _Start(to_handshake, to_tools, cpu, resident, to_call)


def cpu_ms(pid: int) -> float:
    """Return the processor time of a process, whose threads all still run, to the microsecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


def _bare_interpreter(setting: Setting) -> Measurement:
    """Measure an interpreter that does nothing, which no server in Python can go below."""
    values: list[float] = []
    for _ in range(setting.repeats):
        began = time.perf_counter()
        subprocess.run([setting.python, "-c", "pass"], check=True)
        values.append(1000 * (time.perf_counter() - began))
    what = f"{TO_HANDSHAKE}, {ALONE}"
    return Measurement(group=GROUP, what=what, who=BARE, size=0, unit="ms", values=tuple(values))
