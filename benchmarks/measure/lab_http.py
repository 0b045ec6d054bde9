"""Calls of a laboratory's server over HTTP, beside constants of as many bytes."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.http_client import CONNECTIONS, HttpServer
from benchmarks.lab_stores import BUSY_OWNER, QUIET_OWNER, store_of
from benchmarks.measure.calls import recorded_answer
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_mcp.lab.access.requester import READ, SHARE
from uniqc_mcp.lab.access.tokens import add_token
from uniqc_mcp.lab.exchange import Key, Push, Task

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from benchmarks.setting import Setting

GROUP: Final = "lab over HTTP"
STOCK, DOOR = "constant, the SDK's own server", "constant, this server's application"
ONE, MANY = "one connection", f"{CONNECTIONS} connections at once"
LISTED: Final = "list_tasks: what's still running"
CONSTANT: Final = "a constant of as many bytes"
SENDING: Final = "list_tasks while a machine in sight sends"
PER_PUSH: Final = {"each time": 1, "each eighth time": 8}
"""Times that all connections ask after each push: some ten pushes a second, and some one."""

_REPEATS: Final = 10
"""Factor for calls and time, compared with stores in process, as of calls over stdio."""

_ANSWER: Final = "answer"


def measure(setting: Setting) -> list[Measurement]:
    """Measure a laboratory of the largest size, of which everybody may see all tasks."""
    return [*_measured(setting, max(setting.sizes))]


def _measured(setting: Setting, size: int) -> Iterator[Measurement]:
    with ExitStack() as stack:
        database = stack.enter_context(setting.laboratories.of(size))
        token, machine = stack.enter_context(_tokens(database))
        answers = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "answers.json"
        answers.write_text("[]")

        def started(kind: str) -> HttpServer:
            return stack.enter_context(HttpServer(kind, answers, database=database, token=token))

        tasks = started("tasks")
        listed = tasks.request("list_tasks", {})
        tasks.result(listed)
        answers.write_text(json.dumps([recorded_answer(_ANSWER, tasks.exchange(listed))]))
        stock, door = started("stock"), started("door")
        constant = stock.request(f"def_{_ANSWER}", {})
        for server in (stock, door):
            server.result(constant)
        for connections in (ONE, MANY):
            setting.tell(f"lab over HTTP: {connections}")
            yield from _turns(
                setting,
                size,
                connections,
                {
                    (CONSTANT, OURS): (door, constant),
                    (CONSTANT, STOCK): (stock, constant),
                    (LISTED, OURS): (tasks, listed),
                    (LISTED, DOOR): (door, constant),
                },
            )
        yield from _while_sending(
            setting, size, _Machine(tasks, machine), (tasks, listed), (door, constant)
        )


def _turns(
    setting: Setting,
    size: int,
    connections: str,
    requests: dict[tuple[str, str], tuple[HttpServer, bytes]],
) -> list[Measurement]:
    return interleaved(
        GROUP,
        [
            Contender(
                what=f"{what}, {connections}",
                who=who,
                size=size,
                call=partial(
                    server.exchange if connections == ONE else server.exchange_all, request
                ),
                prepare=server.connect,
            )
            for (what, who), (server, request) in requests.items()
        ],
        repeats=setting.repeats * _REPEATS,
        seconds_each=setting.seconds_each * _REPEATS,
    )


class _Machine:
    """A machine of the quietest owner, one of whose tasks is active and finished in turn.

    The store keeps this task.
    """

    def __init__(self, server: HttpServer, token: str) -> None:
        self._server = server
        self._token = token
        self._numbers = count()

    def send(self) -> None:
        """Send the next change."""
        time, number = "2026-08-01T00:00:00+00:00", next(self._numbers)
        task = Task(
            key=Key(task_id="uqt_benchmark"),
            fingerprint=f"{number:032x}",
            place=0,
            backend="dummy",
            status="success" if number % 2 else "running",
            shots=1000,
            submit_time=time,
            update_time=time,
            submitted_at=time,
            updated_at=time,
            name="benchmark",
            error=None,
            archived_at=None,
            metadata="{}",
            result=None,
            result_bytes=None,
        )
        message = Push(store_id=store_of(QUIET_OWNER), tasks=(task,))
        self._server.push(self._token, message.model_dump_json().encode())


def _while_sending(
    setting: Setting,
    size: int,
    machine: _Machine,
    listed: tuple[HttpServer, bytes],
    constant: tuple[HttpServer, bytes],
) -> list[Measurement]:
    """Measure lists by all connections at once, each so many times after a change of a task."""

    def ask(times: int, server: HttpServer, request: bytes, *, sending: bool) -> None:
        if sending:
            machine.send()
        for _ in range(times):
            server.exchange_all(request)

    setting.tell("lab over HTTP: while a machine sends")
    return interleaved(
        GROUP,
        [
            Contender(
                what=f"{SENDING}, {often}, {MANY}",
                who=who,
                size=size,
                call=partial(ask, times, server, request, sending=who == OURS),
                prepare=server.connect,
            )
            for often, times in PER_PUSH.items()
            for who, (server, request) in ((OURS, listed), (DOOR, constant))
        ],
        repeats=setting.repeats * _REPEATS,
        seconds_each=setting.seconds_each * _REPEATS,
    )


@contextmanager
def _tokens(database: str) -> Generator[tuple[str, str]]:
    """Make a token to read and one to share, as long as the context lasts: the store is kept."""
    admin = make_conninfo(database, user="postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        reading, _ = add_token(connection, BUSY_OWNER, scopes=[READ])
        sharing, _ = add_token(connection, QUIET_OWNER, scopes=[SHARE])
        try:
            yield reading, sharing
        finally:
            connection.execute("DELETE FROM token")
