"""Commands on a terminal that can't encode what the records hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from uniqc_mcp.cli.commands import cli
from uniqc_store import ClearPolicy, TaskFilter, TaskStore

if TYPE_CHECKING:
    from tests.server.conftest import Cache

ENCODINGS = ("gbk", "cp1252", "latin-1", "ascii")
NAME = "量子 🫠 é\u00a0ß"


@pytest.fixture
def named(cache: Cache) -> Cache:
    """Return a cache whose texts are in Chinese, with an emoji and an accent."""
    record: dict[str, Any] = {
        "backend": f"芯片:{NAME}",
        "metadata_json": json.dumps({"task_name": NAME}),
        "error_message": NAME,
    }
    return cache.write(
        {"status": "running", **record},
        {"status": "量子", **record},
        {"status": "failed", **record},
        version=5,
    )


def run(cache: Cache, encoding: str, *arguments: str) -> tuple[int, str, str]:
    """Return the exit status of a command, and what it wrote in this encoding."""
    command, *options = arguments
    line = [command, *options, "--cache-dir", str(cache.directory)]
    done = CliRunner(charset=encoding).invoke(cli, line, prog_name="uniqc-mcp")
    shown, said = done.stdout_bytes.decode(encoding), done.stderr_bytes.decode(encoding, "replace")
    assert "Traceback" not in said + shown
    return done.exit_code, shown, said


def start(encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process of its own, whose streams have this encoding."""
    return subprocess.run(
        [sys.executable, "-m", "uniqc_mcp", *arguments],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def escaped(text: str, encoding: str) -> str:
    """Return a text as a terminal of this encoding gets it."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("arguments", "status", "shown"),
    [
        (("demo",), 0, "量子"),
        (("doctor",), 0, "量子"),
        (("doctor", "--json"), 0, ""),
        (("list", "--status", "any"), 0, NAME[:4]),
        (("list", "--json"), 0, ""),
        (("stats", "--group-by", "name"), 0, NAME[:4]),
        (("get", "task-000001"), 0, NAME[:4]),
        (("watch", "--timeout", "1"), 124, NAME[:4]),
        (("watch", "--timeout", "1", "--json"), 124, ""),
    ],
)
def test_records_are_shown_with_escapes(
    named: Cache, encoding: str, arguments: tuple[str, ...], status: int, shown: str
) -> None:
    code, output, _ = run(named, encoding, *arguments)
    assert code == status
    assert escaped(shown, encoding) in output


@pytest.mark.parametrize(("command", "status"), [("list", 0), ("demo", 0)])
def test_records_are_shown_with_escapes_by_a_process(
    named: Cache, command: str, status: int
) -> None:
    done = start("gbk", command, "--cache-dir", str(named.directory))
    assert done.returncode == status, done.stderr
    assert escaped(NAME[:4], "gbk") in done.stdout.decode("gbk")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_receipts_of_a_named_directory_are_listed_and_restored(cache: Cache, encoding: str) -> None:
    cache.write({"backend": NAME, "metadata_json": json.dumps({"task_name": NAME})}, version=5)
    store = TaskStore(cache.directory)
    policy = ClearPolicy(min_age=timedelta(0))
    receipt = store.clear(store.plan_clear(TaskFilter(), policy=policy)).receipt_id
    assert run(cache, encoding, "cleared")[0] == 0
    assert run(cache, encoding, "cleared", "--json")[0] == 0
    code, _, said = run(cache, encoding, "restore", f"{NAME} {receipt}")
    assert code == 1
    assert said.startswith("Error: ")
    assert run(cache, encoding, "restore", receipt)[1] == "Put back: 1 task.\n"


@pytest.mark.parametrize("command", ["doctor", "cleared", "serve"])
def test_a_directory_with_such_a_name_is_told_with_escapes(cache: Cache, command: str) -> None:
    done = start("ascii", command, "--cache-dir", str(cache.directory / NAME))
    assert b"Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("arguments", [("量子",), ("watch", "--量子"), ("restore",)])
def test_a_wrong_command_line_is_told_with_escapes(
    cache: Cache, arguments: tuple[str, ...]
) -> None:
    code, _, said = run(cache, "ascii", *arguments)
    assert code == 2
    assert "Usage: uniqc-mcp" in said
