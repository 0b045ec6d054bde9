"""Let many machines share at the same moment, each a person's own, and account for every task.

    python -m tests.faults.many_machines [--machines 500] [--tasks 20] [--workers 2] [--stores 0]

Each machine has a cache directory of its own and makes one pass, all at once. It prints how long
the passes took, how long a member waited for ``list_tasks`` meanwhile, what the log says and how
much memory the server had at most. ``--stores`` lets one more member have so many stores, and
measures the same question again. A task that is missing, or a machine that gives up, is a fault.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from tests.contract.records import StoredTask
from tests.lab.conftest import Lab
from tests.lab.fixtures import LabDatabase
from tests.lab.messages import compare_of, push_of
from tests.lab.postgres import ROLE, OwnPostgres
from tests.lab.serving.test_processes import Process

from uniqc_mcp.lab.access.requester import READ, SHARE
from uniqc_mcp.lab.access.tokens import add_token
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.operations import connected, prepare
from uniqc_mcp.lab.share.errors import ShareError
from uniqc_mcp.lab.share.start import Wanted, prepared
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS_TO_GIVE_UP = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, number in (("machines", 500), ("tasks", 20), ("workers", 2), ("stores", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    postgres = OwnPostgres()
    try:
        with tempfile.TemporaryDirectory(prefix="uniqc-many-") as work:
            run(postgres, Path(work), options)
    finally:
        postgres.remove()


def run(postgres: OwnPostgres, work: Path, options: argparse.Namespace) -> None:
    os.environ |= {"HOME": str(work), "XDG_STATE_HOME": str(work / "state")}
    name = postgres.create()
    address, service = postgres.address(name), postgres.address(name, role=ROLE)
    owners = [f"member-{number:03d}" for number in range(options.machines)]
    with connected(address) as connection:
        prepare(connection, ROLE)
        tokens = [add_token(connection, owner, scopes=[READ, SHARE])[0] for owner in owners]
    caches = [filled(work / owner, owner, options.tasks) for owner in owners]
    with Database(service, max_connections=2) as database:
        lab = Lab(database, LabDatabase(service, address, name))
        process = Process(lab, work / "serve.log", "--workers", str(options.workers))
        try:
            process.until_up()
            measure(process, tokens, caches)
            check(database, owners, options.tasks)
            if options.stores:
                with_stores(process, database, tokens[0], options.stores)
        finally:
            process.popen.kill()
            process.popen.wait()


def filled(cache: Path, owner: str, number: int) -> Path:
    cache.mkdir()
    store = TaskStore(cache)
    for place in range(number):
        store.save(TaskInfo(task_id=f"{owner}-{place}", backend="dummy", status="success"))
    return cache


def measure(process: Process, tokens: Sequence[str], caches: Sequence[Path]) -> None:
    begin, asked, end = threading.Barrier(len(caches) + 1), list[float](), threading.Event()

    def share(number: int) -> float:
        wanted = Wanted(
            address=f"{process.address.url}/",
            token=tokens[number],
            cache_dir=caches[number],
            audience="lab",
            every=600,
        )
        stop = threading.Event()
        with prepared(wanted, stop=stop, tell=lambda _: None) as sharing:
            begin.wait()
            began = time.monotonic()
            while True:
                try:
                    assert sharing.once().complete
                except ShareError as error:  # `share` rests then, and goes on
                    if time.monotonic() - began > SECONDS_TO_GIVE_UP:
                        raise
                    failed[type(error).__name__] += 1
                    time.sleep(1)
                else:
                    return time.monotonic() - began

    failed, memory = Counter[str](), list[int]()
    watching = threading.Thread(target=watch_memory, args=(process, memory, end))
    asking = threading.Thread(target=anyio.run, args=(ask, process, tokens[0], asked, end))
    with ThreadPoolExecutor(len(caches)) as pool:
        passes = [pool.submit(share, number) for number in range(len(caches))]
        watching.start()
        asking.start()
        begin.wait()
        seconds = sorted(each.result() for each in passes)
    end.set()
    asking.join()
    watching.join()
    statuses = Counter(line["status"] for line in process.lines if line["message"] == "request")
    print(
        f"{len(caches)} machines: {middle(seconds):.1f} s a pass, at most {seconds[-1]:.1f} s; "
        f"answers {dict(statuses)}; passes that began again {dict(failed)}; "
        f"list_tasks meanwhile {1000 * middle(asked):.0f} ms, at most {1000 * max(asked):.0f} ms; "
        f"memory of the server {max(memory) / 2**20:.0f} MiB in all",
        flush=True,
    )


def check(database: Database, owners: Sequence[str], tasks: int) -> None:
    statement = b"SELECT owner, count(*) FROM task WHERE live GROUP BY owner"
    viewer = Viewer(owners=frozenset(owners))
    kept = dict(database.read(viewer, lambda now: now.execute(statement).fetchall()))
    assert kept == dict.fromkeys(owners, tasks)


def with_stores(process: Process, database: Database, token: str, number: int) -> None:
    """Let one member have many stores, and ask again."""
    ingest, task = Ingest(database, max_stores=number), StoredTask(task_id="uqt_many")
    for place in range(number):
        store_id = f"{place:032x}"
        ingest.compare("many", compare_of([task], store_id=store_id, audience="lab"))
        ingest.push("many", push_of([(0, task)], store_id=store_id))
    asked, end = list[float](), threading.Event()
    threading.Timer(20, end.set).start()
    anyio.run(ask, process, token, asked, end)
    print(f"beside a member of {number} stores: list_tasks {1000 * middle(asked):.0f} ms")


async def ask(process: Process, token: str, asked: list[float], end: threading.Event) -> None:
    async with process.address.person(token) as person:
        while not end.is_set():
            began = time.monotonic()
            await person.ask("list_tasks", status="any", limit=20)
            asked.append(time.monotonic() - began)
            await anyio.sleep(0.2)


def watch_memory(process: Process, found: list[int], end: threading.Event) -> None:
    """Note the memory of the supervisor and its workers, shared pages counted once for each."""
    while not end.wait(0.5):
        started = [one["process"] for one in process.lines if "Started server" in one["message"]]
        found.append(sum(resident(one) for one in {process.popen.pid, *started}))


def resident(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
