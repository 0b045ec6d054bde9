"""Passes of ``uniqc-mcp share``, beside redacting and serialising the same rows alone.

Processor time of one process, with a server that answers at once and reads nothing. The time of a
network and of a database is not in it.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import httpx2

from benchmarks.recording import OURS, Measurement
from uniqc_mcp.lab.exchange import COMPARE_PATH, Compare, Compared, Pushed
from uniqc_mcp.lab.share.client import LabClient
from uniqc_mcp.lab.share.file_digests import digest_file
from uniqc_mcp.lab.share.fingerprints import Fingerprints
from uniqc_mcp.lab.share.outgoing import task_message
from uniqc_mcp.lab.share.passes import Pass
from uniqc_mcp.lab.share.ranges import read_stretch
from uniqc_mcp.lab.share.redacting import Redactor
from uniqc_mcp.lab.share.sharer import Sharer
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.setting import Setting
    from uniqc_mcp.lab.share.ranges import Fingerprinted

GROUP = "sharing"
REDACTED = "redacting and serialising the same rows"
FULL, NOTHING_NEW = "a pass to a server that has nothing", "a pass that finds nothing new"
FIRST_TIME = "a first pass"
PEAK = "peak memory of a pass that finds nothing new"
_REPEATS = 5
_LARGEST = 100_000
"""A first pass over a million tasks takes several minutes, and tells nothing more."""


def measure(setting: Setting) -> list[Measurement]:
    """Measure passes over the smallest store, and the memory of one at every size."""
    found: list[Measurement] = []
    caches = {size: path for size, path in setting.caches().items() if size <= _LARGEST}
    smallest = min(caches)
    repeats = min(_REPEATS, setting.repeats)
    setting.tell(f"sharing {smallest} tasks")
    rows = _Rows(caches[smallest])
    timed: tuple[tuple[str, str, Callable[[], object]], ...] = (
        (FULL, OURS, lambda: share(caches[smallest], Lacking())),
        (FULL, REDACTED, rows.redact),
        (NOTHING_NEW, OURS, lambda: share(caches[smallest], Equal())),
        (NOTHING_NEW, FIRST_TIME, lambda: share(caches[smallest], Lacking())),
    )
    values: dict[tuple[str, str], list[float]] = {(what, who): [] for what, who, _ in timed}
    for _ in range(repeats):
        for what, who, call in timed:
            values[what, who].append(_processor_ms(call))
    found += [
        Measurement(
            group=GROUP, what=what, who=who, size=smallest, unit="ms CPU", values=tuple(each)
        )
        for (what, who), each in values.items()
    ]
    for size, cache in caches.items():
        setting.tell(f"memory of sharing {size} tasks")
        peak = (_peak_kib(cache),)
        found.append(
            Measurement(group=GROUP, what=PEAK, who=OURS, size=size, unit="KiB", values=peak)
        )
    return found


class Equal:
    """A server that has everything already."""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer to a request."""
        if request.url.path.endswith(COMPARE_PATH):
            return _response(self.compared(request))
        return _response(Pushed(epoch="1", revision=1))

    def compared(self, request: httpx2.Request) -> Compared:
        """Return that both are the same."""
        return Compared(epoch="1", revision=1, same=True)


class Lacking(Equal):
    """A server that has nothing at first, and everything once it was sent."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._asked = False

    def compared(self, request: httpx2.Request) -> Compared:
        """Return that all ranges differ; later, that both are the same."""
        ranges = Compare.model_validate_json(request.read()).ranges
        same = self._asked and not ranges
        self._asked = self._asked or bool(ranges)
        differing = tuple((each, ()) for each in ranges)
        return Compared(epoch="1", revision=1, same=same, differing=differing)


def share(cache: Path, server: Equal) -> None:
    """Make one pass."""
    transport = httpx2.MockTransport(server.answer)
    client = LabClient("https://lab.example/", "t" * 43, pause=_never, transport=transport)
    store, fingerprints = TaskStore(cache, read_only=True), Fingerprints(b"s" * 32)
    sharer = Sharer(
        store=store,
        client=client,
        store_id="0" * 32,
        machine="benchmark",
        audience="me",
        fingerprints=fingerprints,
        state_path=cache,
    )
    Pass(sharer, digest_file(store, fingerprints)).run()
    client.close()


class _Rows:
    """The rows of a store in memory."""

    def __init__(self, cache: Path) -> None:
        store, fingerprints = TaskStore(cache, read_only=True), Fingerprints(b"s" * 32)
        self._tasks: list[Fingerprinted] = []
        resume: bytes | None = b""
        while resume is not None:
            stretch = read_stretch(store, fingerprints, resume, held={})
            self._tasks += stretch.tasks
            resume = stretch.resume

    def redact(self) -> None:
        redactor = Redactor()
        for task in self._tasks:
            if task.stored is not None:
                task_message(task, task.stored, redactor).model_dump_json()


def _response(message: Compared | Pushed) -> httpx2.Response:
    return httpx2.Response(200, content=message.model_dump_json())


def _never(_: float) -> bool:
    return False


def _processor_ms(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


def _peak_kib(cache: Path) -> float:
    tracemalloc.start()
    try:
        share(cache, Equal())
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()
