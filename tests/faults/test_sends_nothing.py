"""The server sends nothing anywhere: no socket of the internet, no lookup, no other program."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from tests.faults.every_answer import every_answer
from tests.store.conftest import STORES

import uniqc_mcp
import uniqc_store
from uniqc_store import DB_FILENAME, TaskStore

PACKAGES = (uniqc_mcp, uniqc_store)
SOURCES = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in PACKAGES)
ARGUMENTS = ["--allow-clear", "success,failed", "--confirm", "plan", "--cache-dir"]

# Python raises an audit event before each of these, whichever library asks. The socket pair of the
# event loop is a local one, of the family AF_UNIX.
WATCHED = """
import os, socket, sys

STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}

def watch(event, arguments):
    opens = event == "socket.__new__" and arguments[1] != socket.AF_UNIX
    looks_up = event.startswith("socket.get") or event in {"socket.connect", "socket.sendto"}
    if opens or looks_up or event in STARTS:
        with open(os.environ["REPORT"], "a") as report:
            report.write(f"{event} {arguments}\\n")

sys.addaudithook(watch)
"""
SERVE = """
from uniqc_mcp.cli.commands import main
main()
"""
LEAK = """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def server(directory: Path, program: str, report: Path) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-c", program, *ARGUMENTS, str(directory)],
        env={"PYTHONPATH": SOURCES, "REPORT": str(report), "PATH": os.environ["PATH"]},
    )


async def use_everything(parameters: StdioServerParameters, task_id: str) -> None:
    """Ask for each kind of answer, then plan, clear and undo."""
    async with Client(stdio_client(parameters)) as client:
        await every_answer(client, task_id)
        plan = await client.call_tool("clear_tasks", {})
        assert plan.structured_content is not None
        plan_id = plan.structured_content["plan_id"]
        cleared = await client.call_tool("clear_tasks", {"plan_id": plan_id})
        assert cleared.structured_content is not None
        receipt = cleared.structured_content["receipt"]
        undone = await client.call_tool("undo_clear", {"receipt": receipt})
        assert not undone.is_error


async def test_a_server_in_full_use_opens_no_socket_and_starts_no_program(tmp_path: Path) -> None:
    shutil.copyfile(STORES / "5-0.1.0.sqlite", tmp_path / DB_FILENAME)
    task_id = TaskStore(tmp_path, read_only=True).list(limit=1)[0].task_id
    report = tmp_path / "report"
    await use_everything(server(tmp_path, WATCHED + SERVE, report), task_id)
    assert not report.exists(), report.read_text()


async def test_a_socket_would_be_reported(tmp_path: Path) -> None:
    shutil.copyfile(STORES / "5-0.1.0.sqlite", tmp_path / DB_FILENAME)
    report = tmp_path / "report"
    async with Client(stdio_client(server(tmp_path, WATCHED + LEAK + SERVE, report))) as client:
        await client.call_tool("list_tasks", {})
    assert "socket.__new__" in report.read_text()
