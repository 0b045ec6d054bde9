"""A laboratory as it runs: PostgreSQL, a server with two workers, a machine that shares."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from psycopg import sql
from tests.faults.kill_share import MOVES, SERVER_MOVES
from tests.lab.conftest import Lab
from tests.lab.fixtures import LabDatabase
from tests.lab.postgres import ROLE, OwnPostgres
from tests.lab.serving.test_processes import Process
from tests.lab.share.history import History
from tests.lab.share.sharing import content_of
from tests.lab.share.test_with_database import DatabaseServer

from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.operations import connected, prepare
from uniqc_mcp.lab.share.start import Wanted, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

TASKS_BEFORE = 60


class RestorablePostgres(OwnPostgres):
    """A server whose backups are restored, of the whole directory or of one database."""

    def back_up(self, name: str) -> None:
        """Dump a database, and copy the directory of the server while it is stopped."""
        self._run("pg_dump", "-Fc", f"--file={self._directory / 'dump'}", self.address(name))
        self.stop()
        shutil.rmtree(self._directory / "copy", ignore_errors=True)
        self._run_as_owner("cp", "-a", str(self._data), str(self._directory / "copy"))
        self.start()

    def restore_directory(self) -> None:
        """Put the copy of the directory back."""
        self.stop()
        shutil.rmtree(self._data)
        self._run_as_owner("cp", "-a", str(self._directory / "copy"), str(self._data))
        self.start()

    def restore_dump(self, name: str) -> None:
        """Make a database anew from its dump."""
        with self.connect() as connection:
            for statement in ("DROP DATABASE {} WITH (FORCE)", "CREATE DATABASE {}"):
                connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
        dump = str(self._directory / "dump")
        self._run("pg_restore", f"--dbname={self.address(name)}", dump)

    def _run_as_owner(self, *command: str) -> None:
        subprocess.run(
            command, check=True, user=self._user, group=self._user, extra_groups=self._groups
        )


class Writer:
    """A thread that does to a cache directory what uniqc and its user do."""

    def __init__(self, cache: Path, seed: int) -> None:
        self.history = History(cache)
        self.pausing = threading.Lock()
        self._chance = random.Random(seed)
        self._moves = [move for move in MOVES if move not in SERVER_MOVES]
        self._ended = False
        self._thread = threading.Thread(target=self._write, daemon=True)
        for number in range(TASKS_BEFORE):
            self.history.insert(number)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended = True
        self._thread.join()

    def _write(self) -> None:
        while not self._ended:
            with self.pausing:
                self._chance.choice(self._moves)(self.history, self._chance.randrange(1_000))
            time.sleep(self._chance.uniform(0, 0.03))


class Site:
    """The laboratory, whose parts can be killed, stopped and restored.

    Args:
        home: An empty directory.
        seed: Of what the writer does.
    """

    def __init__(self, home: Path, seed: int) -> None:
        self.postgres = RestorablePostgres()
        self.name = self.postgres.create()
        address = self.postgres.address(self.name)
        with connected(address) as connection:
            prepare(connection, ROLE)
        service = self.postgres.address(self.name, role=ROLE)
        self.database = Database(service, max_connections=2)
        self.lab = Lab(self.database, LabDatabase(service, address, self.name))
        self._home = home
        self.cache = home / "cache"
        self.cache.mkdir()
        self.writer = Writer(self.cache, seed)
        self.token = self.lab.token("alice")
        self._port = _free_port()
        self._starts = count()
        self.process = self._started()

    @classmethod
    @contextmanager
    def running(cls, home: Path, seed: int) -> Generator[Site]:
        os.environ |= {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
        site = cls(home, seed)
        try:
            with site.database:
                yield site
        finally:
            site.process.popen.kill()
            site.process.popen.wait()
            site.postgres.remove()

    @property
    def workers(self) -> list[int]:
        """The processes of the workers that live."""
        lines = self.process.lines
        started = [line["process"] for line in lines if "Started server" in line["message"]]
        return [one for one in started if _is_alive(one)]

    def kill_server(self, chance: random.Random) -> str:
        """Kill the supervisor, a worker or all of them, and wait until all serve again."""
        started, workers = self.process.started, self.workers
        what = chance.choice(("supervisor", "worker", "all"))
        victims = {"worker": [chance.choice(workers)], "all": workers}.get(what, [])
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        if what == "worker":
            until(lambda: self.process.started > started)
        else:
            self.process.popen.kill()
            self.process.popen.wait()
            self.process = self._started()
        return what

    @contextmanager
    def sharing(self) -> Generator[None]:
        """Share in a process of its own, which has to end with 0."""
        command = [sys.executable, "-m", "uniqc_mcp", "share", "--every", "10s"]
        command += ["--to", self._url, "--cache-dir", str(self.cache)]
        variables = {**os.environ, "UNIQC_MCP_SHARE_TOKEN": self.token}
        log = self._home / "share.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=output)
        try:
            yield
            process.terminate()
            assert process.wait(timeout=120) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()

    def check(self) -> None:
        """Make one pass while the writer pauses, and compare the database with the file."""
        with self.writer.pausing:
            stop = threading.Event()
            wanted = Wanted(
                address=self._url,
                token=self.token,
                cache_dir=self.cache,
                audience="me",
                every=600,
            )
            with prepared(wanted, stop=stop, tell=lambda _: None) as sharing:
                outcome = sharing.once()
            assert outcome.complete, outcome.in_words()
            kept, content = self.kept(), content_of(self.cache)
        differing = [key for key in kept | content if kept.get(key) != content.get(key)]
        assert not differing, differing[:5]

    def kept(self) -> dict[Any, Any]:
        """Return what the database has of the tasks, in one store."""
        server = DatabaseServer(database=self.database)
        assert len(server.rows("SELECT store_id FROM store")) == 1
        return server.content()

    def differs(self, older: dict[Any, Any]) -> bool:
        """Return whether the database has other tasks than it had."""
        return self.kept() != older

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def _started(self) -> Process:
        """Start the server; the workers of one before may still hold its port for a moment."""
        deadline = time.monotonic() + 300
        while True:
            options = ("--port", str(self._port), "--workers", "2")
            # Workers of the one before may still write into its log.
            log = self._home / f"serve-{next(self._starts)}.log"
            process = Process(self.lab, log, *options)
            try:
                return process.until_up()
            except AssertionError:
                process.popen.kill()
                process.popen.wait()
                if time.monotonic() > deadline or "can't be listened" not in process.text:
                    raise
            time.sleep(0.3)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
