"""Kill ``share`` while somebody writes; then one pass has to make the server equal to the file.

    python -m tests.faults.kill_share [--kills 200] [--seed 0]

A process shares a cache directory with a server in memory and is killed with SIGKILL after a random
time: while it starts, compares, sends, or writes its state. Meanwhile tasks are saved, changed,
archived and removed, the file is removed and upgraded from schema 1 to 5, and the server loses
tasks or is restored from an older backup. After each kill the writer pauses and one pass is made.
Then each task of the file has to be on the server as it is, and no other one, in one store.

``tests/soak/share_beside_uniqc.py`` does so with a release of uniqc as the writer.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import httpx2
from tests.lab.share.fake_server import ADDRESS, TOKEN
from tests.lab.share.history import History
from tests.lab.share.http_server import listening
from tests.lab.share.sharing import content_of, kept_content

from uniqc_mcp.lab.share.start import Wanted, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO

LONGEST_LIFE = 0.5
"""Seconds after which a process is killed, at most."""

TASKS_BEFORE = 300
Move: TypeAlias = "Callable[[History, int], None]"
SERVER_MOVES: tuple[Move, ...] = (History.back_up, History.restore, History.lose_some)
MOVES: tuple[Move, ...] = (
    *[History.insert] * 4,
    *[History.update] * 4,
    *(History.touch, History.change_job, History.delete, History.archive, History.clear_all),
    History.upgrade,
    *SERVER_MOVES,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    run(options.kills, options.seed, lambda _: MOVES)


def run(kills: int, seed: int, moves_in: Callable[[Path], Sequence[Move]]) -> None:
    """Kill, and print the outcome; the moves are made for a new home."""
    with tempfile.TemporaryDirectory(prefix="uniqc-share-kills-") as work:
        home = Path(work).resolve()
        os.environ["XDG_STATE_HOME"], os.environ["HOME"] = str(home / "state"), str(home)
        cache = home / ".uniqc" / "cache"
        cache.mkdir(parents=True)
        # Before any thread: only a process without threads may fork.
        nursery = Nursery.begun()
        Trials(History(cache), moves_in(home), nursery, random.Random(seed)).run(kills)
    print(f"{kills} kills; after each, one pass made the server equal to the file")


@dataclass
class Nursery:
    """A process that forks the processes that are killed."""

    orders: IO[str]
    news: IO[str]

    @classmethod
    def begun(cls) -> Nursery:
        orders, news = os.pipe(), os.pipe()
        if os.fork() == 0:
            os.close(orders[1])
            os.close(news[0])
            fork_at_orders(os.fdopen(orders[0]), os.fdopen(news[1], "w"))
        os.close(orders[0])
        os.close(news[1])
        return cls(os.fdopen(orders[1], "w"), os.fdopen(news[0]))

    def share(self, address: str, cache: Path, *, seconds: float) -> None:
        """Share in a process of its own, which is killed after some seconds."""
        print(json.dumps([address, str(cache)]), file=self.orders, flush=True)
        process = int(self.news.readline())
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        assert self.news.readline() == "-9\n", "it ended before it was killed"


def fork_at_orders(orders: IO[str], news: IO[str]) -> None:
    for line in orders:
        address, cache = json.loads(line)
        process = os.fork()
        if process == 0:
            share_for_ever(address, Path(cache))
        print(process, file=news, flush=True)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), file=news, flush=True)
    os._exit(0)


def share_for_ever(address: str, cache: Path) -> None:
    wanted = Wanted(address=address, token=TOKEN, cache_dir=cache, audience="me", every=0.05)
    stop = threading.Event()
    with prepared(wanted, stop=stop, tell=lambda _: None) as sharing:
        sharing.run()
    os._exit(1)


class Trials:
    """Kills beside a writer, and one pass after each."""

    def __init__(
        self, history: History, moves: Sequence[Move], nursery: Nursery, chance: random.Random
    ) -> None:
        self.history = history
        self._moves = moves
        self._nursery = nursery
        self._chance = chance
        self._writing = threading.Lock()
        self._ended = False
        self._error: BaseException | None = None

    def run(self, kills: int) -> None:
        for number in range(TASKS_BEFORE):
            self._moves[0](self.history, number)
        writer = threading.Thread(target=self._write)
        with listening(self.history.server) as address:
            writer.start()
            try:
                for number in range(kills):
                    seconds = self._chance.uniform(0, LONGEST_LIFE)
                    self._nursery.share(address, self.history.directory, seconds=seconds)
                    with self._writing:
                        self._check(number)
            finally:
                self._ended = True
                writer.join()
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        chance = random.Random(self._chance.random())
        while not self._ended and self._error is None:
            with self._writing:
                try:
                    chance.choice(self._moves)(self.history, chance.randrange(1_000))
                except BaseException as error:  # raised at the end, on the main thread
                    self._error = error
            time.sleep(chance.uniform(0, 0.02))

    def _check(self, kill: int) -> None:
        """Make one pass, and compare."""
        cache, server = self.history.directory, self.history.server
        wanted = Wanted(address=ADDRESS, token=TOKEN, cache_dir=cache, audience="me", every=600)
        transport = httpx2.MockTransport(server.answer)
        stop = threading.Event()
        with prepared(wanted, stop=stop, tell=lambda _: None, transport=transport) as sharing:
            outcome = sharing.once()
        assert outcome.complete, f"after kill {kill}: {outcome.in_words()}"
        assert len(server.stores) == 1, f"after kill {kill} there is another store"
        kept, content = kept_content(server.store), content_of(cache)
        differing = [
            key for key in kept.keys() | content.keys() if kept.get(key) != content.get(key)
        ]
        assert not differing, f"after kill {kill}: {differing[:5]}"


if __name__ == "__main__":
    main()
