"""Disturb a laboratory's server and its database, and check that nothing is lost or told wrongly.

    python -m tests.faults.disturb_lab [--kills 20] [--restores 5] [--outages 5] [--calls 10000]
        [--seconds-to-return 5]

- *kills*: the supervisor, a worker or all are killed with SIGKILL while a machine shares. After
  each, one pass has to make the database equal to the file.
- *restores*: the database goes back to an older state, from a dump or a copy of its directory.
  Likewise.
- *outages*: PostgreSQL is stopped and started while 20 clients call tools. Each answer has to be
  right or to say that the database can't be reached. The longest time until all are answered again
  is printed; with --seconds-to-return it may not be longer, which a busy machine makes it.
- *calls*: tools are called through two workers by clients of both generations, along cursors that
  any of the workers gave. None may fail.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.to_thread
from tests.contract.records import StoredTask
from tests.faults.lab_site import Site, until
from tests.lab.http.serving import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lab.http.serving import Person
    from tests.server.conftest import Mode

CLIENTS = 20
PAGE = 7
TASKS = [
    StoredTask(task_id=f"uqt_{number:03d}", submit_time=f"2026-08-01T09:00:00.{number:06d}+00:00")
    for number in range(100)
]
UNREACHABLE = ("can't be reached", "Tokens can't be checked now", "503")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, number in (("kills", 20), ("restores", 5), ("outages", 5), ("calls", 10_000)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seconds-to-return", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="uniqc-lab-") as work,
        Site.running(Path(work).resolve(), options.seed) as site,
    ):
        chance = random.Random(options.seed)
        site.writer.start()
        kills(site, options.kills, chance)
        restores(site, options.restores, chance)
        site.writer.end()
        token = site.lab.token("bob")
        site.lab.share("bob", *TASKS)
        if options.outages:
            longest = anyio.run(outages, site, token, options.outages, options.clients)
            assert longest <= options.seconds_to_return, longest
        if options.calls:
            anyio.run(calls, site, token, options.calls, options.clients)


def kills(site: Site, times: int, chance: random.Random) -> None:
    killed = Counter[str]()
    for _ in range(times):
        with site.sharing():
            time.sleep(chance.uniform(0.5, 3))
            killed[site.kill_server(chance)] += 1
            time.sleep(chance.uniform(0, 1))
        site.check()
    print(f"{times} kills ({dict(killed)}); after each, one pass made both equal", flush=True)


def restores(site: Site, times: int, chance: random.Random) -> None:
    for number in range(times):
        site.check()
        older = site.kept()
        site.postgres.back_up(site.name)
        with site.sharing():
            until(partial(site.differs, older))
            time.sleep(chance.uniform(0, 2))
            if number % 2:
                site.postgres.restore_directory()
            else:
                site.postgres.restore_dump(site.name)
            time.sleep(chance.uniform(0, 1))
        site.check()
    print(f"{times} restores; after each, one pass made both equal", flush=True)


class Client:
    """A person who asks one page after another, and what came of it."""

    def __init__(self, site: Site, token: str, mode: Mode) -> None:
        self._site = site
        self._token = token
        self._mode: Mode = mode
        self.right = 0
        self.right_at = 0.0
        self.told = Counter[str]()

    async def ask(self, end: anyio.Event | None = None, calls: int = 0) -> None:
        """Ask until told to end, or so many times."""
        left = calls
        while not (end.is_set() if end else left <= 0):
            try:
                async with self._site.process.address.person(self._token, self._mode) as person:
                    left -= await self._follow(person)
            except Exception as error:
                if end is None:
                    raise
                self._note(_words(error))

    async def _follow(self, person: Person) -> int:
        """Ask for all pages, and return their number."""
        cursor, found = "", list[str]()
        for pages in range(1, len(TASKS)):
            arguments: dict[str, Any] = {"limit": PAGE, "cursor": cursor, "status": "any"}
            answer = await person.call("list_tasks", **arguments)
            if answer.is_error:
                self._note(text_of(answer))
                return pages
            page: Mapping[str, Any] = answer.structured_content or {}
            self.right, self.right_at = self.right + 1, time.monotonic()
            found += [task["task_id"] for task in page["tasks"]]
            if not (cursor := page.get("next_cursor", "")):
                assert found == [task.task_id for task in reversed(TASKS)], found
                return pages
        raise AssertionError("the pages do not end")

    def _note(self, said: str) -> None:
        assert any(words in said for words in UNREACHABLE), said
        self.told[next(words for words in UNREACHABLE if words in said)] += 1


def _words(error: BaseException) -> str:
    if parts := cast("Sequence[BaseException]", getattr(error, "exceptions", ())):
        return " ".join(map(_words, parts))
    if isinstance(error, AssertionError):
        raise error
    return f"{type(error).__name__}: {error}"


async def outages(site: Site, token: str, times: int, number: int) -> float:
    """Stop and start the database, and return the longest time until all are answered again."""
    clients = _clients(site, token, number)
    longest, end = 0.0, anyio.Event()
    async with anyio.create_task_group() as group:
        for client in clients:
            group.start_soon(client.ask, end)
        for _ in range(times):
            await anyio.sleep(1)
            await anyio.to_thread.run_sync(site.postgres.stop)
            await anyio.sleep(2)
            await anyio.to_thread.run_sync(site.postgres.start)
            began = time.monotonic()
            while not all(client.right_at > began for client in clients):
                await anyio.sleep(0.05)
                assert time.monotonic() < began + 300, [client.told for client in clients]
            longest = max(longest, time.monotonic() - began)
        end.set()
    told = sum((client.told for client in clients), Counter[str]())
    right = sum(client.right for client in clients)
    print(
        f"{times} outages under {number} clients: {right} right answers, {dict(told)}; "
        f"all were answered again after {longest:.1f} s at most",
        flush=True,
    )
    return longest


async def calls(site: Site, token: str, total: int, number: int) -> None:
    clients = _clients(site, token, number)
    before, began = len(site.process.lines), time.monotonic()
    async with anyio.create_task_group() as group:
        for client in clients:
            group.start_soon(client.ask, None, -(-total // number))
    assert not any(client.told for client in clients)
    answered = Counter(
        line["process"] for line in site.process.lines[before:] if line["message"] == "request"
    )
    assert len(answered) == 2, answered
    right = sum(client.right for client in clients)
    seconds = time.monotonic() - began
    print(f"{right} calls in {seconds:.0f} s, none failed; requests by worker: {dict(answered)}")


def _clients(site: Site, token: str, number: int) -> list[Client]:
    modes: tuple[Mode, Mode] = ("auto", "legacy")
    return [Client(site, token, modes[index % 2]) for index in range(number)]


if __name__ == "__main__":
    main()
