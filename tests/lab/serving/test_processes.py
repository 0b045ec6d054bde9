"""The processes of a server: several workers answer alike, and all end in time with status 0."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.to_thread
import httpx2
import psycopg
import pytest
from tests.contract.records import StoredJob, StoredTask
from tests.lab.cli.test_documentation import COMMANDS
from tests.lab.http.serving import Address

from uniqc_mcp.lab.serving import worker, workers

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from tests.lab.conftest import Lab
    from tests.lab.http.serving import Person
    from tests.server.conftest import Mode

TASKS = [
    StoredTask(task_id=f"uqt_alice_{n}", jobs=(StoredJob(platform_task_id=f"job-{n}"),))
    for n in range(5)
]


class Process:
    """The command ``lab serve`` as it runs, with its log."""

    def __init__(self, lab: Lab, log: Path, *options: str) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "uniqc_mcp", "lab", "serve", "--port", "0", *options],
                env={**os.environ, "UNIQC_MCP_LAB_DATABASE": lab.address.address},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    @property
    def text(self) -> str:
        return self._log.read_text()

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines() if line.endswith("}")]

    def until_up(self) -> Self:
        """Wait until all workers have started."""
        deadline = time.monotonic() + 300
        while self.started < self.workers:
            assert self.popen.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)
        return self

    @property
    def workers(self) -> int:
        return next((line["workers"] for line in self.lines if "workers" in line), 1)

    @property
    def started(self) -> int:
        return sum(line["message"] == "Application startup complete." for line in self.lines)

    @property
    def address(self) -> Address:
        (port,) = (line["port"] for line in self.lines if line["message"] == "listening")
        return Address(f"http://127.0.0.1:{port}")

    def end(self) -> int:
        """Send SIGTERM, and return the exit status."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(timeout=30)


@contextmanager
def served(lab: Lab, log: Path, *options: str) -> Generator[Process]:
    process = Process(lab, log, *options)
    try:
        yield process.until_up()
    finally:
        process.popen.kill()
        process.popen.wait()


@contextmanager
def hanging_queries(lab: Lab) -> Generator[None]:
    """Let every question about tasks wait for a lock."""
    with psycopg.connect(lab.address.admin_address) as connection:
        connection.execute("LOCK TABLE task IN ACCESS EXCLUSIVE MODE")
        yield


async def hold_streams_open(person: Person, tool: str, arguments: Mapping[str, Any]) -> None:
    """Subscribe, and call a tool that goes on; whatever comes of it when the server ends."""
    try:
        if person.mode == "auto":
            async with person.client.listen(resource_subscriptions=["uniqc://tasks/active"]):
                await person.call(tool, **arguments)
        else:
            await person.call(tool, **arguments)
    except Exception:
        return


def test_three_seconds_are_enough_to_end() -> None:
    # The tests below wait for its end as long as a busy machine needs.
    seconds = (
        worker._SECONDS_FOR_REQUESTS,  # pyright: ignore[reportPrivateUsage]
        worker._SECONDS_TO_END,  # pyright: ignore[reportPrivateUsage]
        workers._SECONDS_TO_END,  # pyright: ignore[reportPrivateUsage]
    )
    assert [*seconds, 3.0] == sorted([*seconds, 3.0])


async def test_it_ends_with_streams_and_tools_open(lab: Lab, tmp_path: Path) -> None:
    lab.share("alice", *TASKS)
    token = lab.token("alice")
    with served(lab, tmp_path / "log") as process:
        status = -1
        async with anyio.create_task_group() as group:
            for mode in ("auto", "legacy"):
                group.start_soon(stay, process.address, token, mode, "wait_for_tasks")
            await anyio.sleep(1)
            with hanging_queries(lab):
                group.start_soon(stay, process.address, token, "auto", "list_tasks")
                await anyio.sleep(1)
                status = await anyio.to_thread.run_sync(process.end)
            group.cancel_scope.cancel()
        assert status == 0, process.text
        assert "Traceback" not in process.text
        assert all(line["level"] in ("info", "warning") for line in process.lines), process.text


async def stay(address: Address, token: str, mode: Mode, tool: str) -> None:
    arguments = {"timeout_seconds": 40} if tool == "wait_for_tasks" else {}
    try:
        async with address.person(token, mode) as person:
            await hold_streams_open(person, tool, arguments)
    except* (httpx2.HTTPError, OSError):
        pass


async def test_two_workers_answer_alike_and_one_that_dies_is_replaced(
    lab: Lab, tmp_path: Path
) -> None:
    lab.share("alice", *TASKS)
    token = lab.token("alice")
    (documented,) = [line for line in COMMANDS if line.startswith("uniqc-mcp lab serve ")]
    with served(lab, tmp_path / "log", *shlex.split(documented)[3:]) as process:
        pages: dict[int, set[str]] = {}
        cursor = wait_cursor = ""
        for number in range(12):
            mode: Mode = "auto" if number % 2 else "legacy"
            async with process.address.person(token, mode) as person:
                _, page = await person.ask("list_tasks", limit=2, cursor=cursor)
                pages.setdefault(number % 3, set()).update(
                    task["task_id"] for task in page["tasks"]
                )
                cursor = page.get("next_cursor", "")
                if number < 4:
                    _, waited = await person.ask(
                        "wait_for_tasks", timeout_seconds=1, cursor=wait_cursor
                    )
                    assert waited["state"] == "timeout", waited
                    wait_cursor = waited["cursor"]
        assert len(set[str]().union(*pages.values())) == len(TASKS)
        workers = {line["process"] for line in process.lines if line["message"] == "request"}
        assert len(workers) == 2, "the calls reached one worker only"
        os.kill(min(workers), signal.SIGKILL)
        await anyio.to_thread.run_sync(partial(_until, lambda: process.started == 3))
        async with process.address.person(token) as person:
            assert (await person.ask("count_tasks"))[1]["total"] == len(TASKS)
        status = await anyio.to_thread.run_sync(process.end)
        assert (status, "Traceback" in process.text) == (0, False), process.text
        for worker in workers:
            with pytest.raises(ProcessLookupError):
                os.kill(worker, 0)


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
