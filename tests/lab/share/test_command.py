"""The command ``share``: its options, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from tests.lab.share.fake_server import TOKEN, FakeServer, problem
from tests.lab.share.sharing import content_of, kept_content

from uniqc_mcp.cli import signals
from uniqc_mcp.cli.commands import cli
from uniqc_mcp.lab.share.state import StateFile
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    import httpx2

STORES = Path(__file__).parents[2] / "data" / "stores"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("UNIQC_MCP_SHARE_TOKEN", TOKEN)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    directory = tmp_path / "cache"
    directory.mkdir()
    shutil.copy(STORES / "1-0.0.7.post1.sqlite", directory / "tasks.sqlite")
    return directory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["share", *map(str, arguments)])


def share_once(cache: Path, address: str, *more: object) -> Result:
    return run("--to", address, "--cache-dir", cache, "--once", *more)


def test_once_sends_all_and_leaves_the_file_byte_for_byte(
    cache: Path, address: str, server: FakeServer
) -> None:
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    result = share_once(cache, address, "--visible-to", "lab")
    assert result.exit_code == 0, result.output
    assert f"has {len(server.store.tasks)} tasks" in result.output
    assert kept_content(server.store).keys() == content_of(cache).keys()
    assert server.store.audience == "lab"
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == before


def test_a_second_run_goes_on_with_the_same_store(
    cache: Path, address: str, server: FakeServer
) -> None:
    share_once(cache, address)
    sent = len(server.requests)
    assert share_once(cache, address).exit_code == 0
    assert len(server.stores) == 1
    assert len(server.requests) == sent + 1


def test_once_ends_with_1_and_words_where_a_task_is_refused(
    cache: Path, address: str, server: FakeServer
) -> None:
    server.refuse = lambda task: "too odd" if task.place == 1 else ""
    result = share_once(cache, address)
    assert result.exit_code == 1
    assert "did not take 1, such as" in result.output
    assert '"too odd"' in result.output


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_told_with_what_to_do(
    status: int, cache: Path, address: str, server: FakeServer
) -> None:
    server.before = lambda _: problem(status, "no such token")
    result = share_once(cache, address)
    assert result.exit_code == 1
    assert "Ask for a token with the scope tasks:share" in result.output
    assert len(server.requests) == 1


def test_an_address_that_is_no_such_server_is_told(cache: Path, address: str) -> None:
    result = share_once(cache, f"{address}elsewhere")
    assert result.exit_code == 1
    assert "check --to" in result.output


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://lab.example/", "use https://"),
        ("https://me:secret@lab.example/", "does not belong there"),
        ("lab.example", "no address such as"),
        ("https://lab.example/?token=x", "? or # part"),
        ("https://lab.example/ x", "spaces"),
        ("http://127.0.0.1.example/", "use https://"),
    ],
)
def test_an_address_that_would_leak_or_lead_nowhere_is_refused(address: str, words: str) -> None:
    result = run("--to", address)
    assert result.exit_code == 2
    assert words in result.output
    assert "secret" not in result.output


def test_without_a_token_nothing_is_sent(
    cache: Path, address: str, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNIQC_MCP_SHARE_TOKEN")
    result = share_once(cache, address)
    assert result.exit_code == 1
    assert "There is no token in UNIQC_MCP_SHARE_TOKEN" in result.output
    assert server.requests == []


def test_a_token_file_is_read_only_if_nobody_else_can(
    cache: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNIQC_MCP_SHARE_TOKEN")
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o640)
    result = share_once(cache, address, "--token-file", path)
    assert result.exit_code == 1
    assert "chmod 600" in result.output
    path.chmod(0o600)
    assert share_once(cache, address, "--token-file", path).exit_code == 0


def test_the_token_is_in_no_file_and_no_output(cache: Path, address: str, tmp_path: Path) -> None:
    result = share_once(cache, address)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert TOKEN.encode() not in b"".join(written)
    assert TOKEN not in result.output


def test_the_state_is_for_its_user_alone(cache: Path, address: str) -> None:
    share_once(cache, address)
    path = StateFile(cache).path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_state_of_another_machine_is_not_used(
    cache: Path, address: str, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_once(cache, address)
    monkeypatch.setattr("uniqc_mcp.lab.share.state.machine_id", lambda: "another")
    share_once(cache, address)
    assert len(server.stores) == 2


@pytest.mark.parametrize("text", ["", "{}", '{"store_id": 1}', "\xff"])
def test_a_state_that_is_none_is_told_and_kept(text: str, cache: Path, address: str) -> None:
    path = StateFile(cache).path
    share_once(cache, address)
    path.write_text(text, "latin-1")
    result = share_once(cache, address)
    assert result.exit_code == 1
    assert "can't be used" in result.output
    assert path.read_text("latin-1") == text


def test_an_older_state_goes_on_and_heals(cache: Path, address: str, server: FakeServer) -> None:
    share_once(cache, address)
    path = StateFile(cache).path
    older = path.read_bytes()
    TaskStore(cache).save(TaskInfo(task_id="later", backend="dummy"))
    share_once(cache, address)
    path.write_bytes(older)
    assert share_once(cache, address).exit_code == 0
    assert ("later", False) in server.store.tasks


def test_two_processes_do_not_share_one_directory(cache: Path, address: str) -> None:
    with StateFile(cache).locked():
        result = share_once(cache, address)
    assert result.exit_code == 1
    assert "Another `uniqc-mcp share` runs" in result.output


@pytest.mark.parametrize("every", ["5s", "soon", "0m"])
def test_a_pass_too_often_is_refused(every: str) -> None:
    assert run("--to", "https://lab.example/", "--every", every).exit_code == 2


@pytest.mark.parametrize(
    ("number", "answers"), [(signal.SIGTERM, "none"), (signal.SIGINT, "at once")]
)
def test_a_signal_ends_it_with_0_whatever_the_server_does(
    number: int, answers: str, cache: Path, address: str, server: FakeServer
) -> None:
    arrived, ended = threading.Event(), threading.Event()

    def before(_: httpx2.Request) -> None:
        arrived.set()
        if answers == "none":
            ended.wait(300)

    server.before = before
    command = [sys.executable, "-m", "uniqc_mcp", "share", "--to", address]
    command += ["--cache-dir", str(cache)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            assert arrived.wait(120)
            process.send_signal(number)
            _, errors = process.communicate(timeout=120)
        finally:
            process.kill()
            ended.set()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_a_command_that_a_signal_ends_has_less_than_two_seconds() -> None:
    assert signals._GRACE < 2  # pyright: ignore[reportPrivateUsage]


def test_what_doctor_needs_is_in_the_state(cache: Path, address: str) -> None:
    share_once(cache, address)
    state = json.loads(StateFile(cache).path.read_text("utf-8"))
    assert state["address"] == address
    assert state["error"] == ""
    assert state["passed_at"]
