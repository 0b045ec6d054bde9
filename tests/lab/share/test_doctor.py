"""The state of sharing in ``doctor``."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.lab.share.fake_server import TOKEN, FakeServer, problem

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.share_facts import ShareFacts
from uniqc_mcp.lab.share.state import StateFile
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("UNIQC_MCP_SHARE_TOKEN", TOKEN)


def run(*arguments: object) -> str:
    return CliRunner().invoke(cli, [*map(str, arguments)]).output


def told(cache: Path) -> str:
    text = run("doctor", "--cache-dir", cache)
    facts = json.loads(run("doctor", "--json", "--cache-dir", cache))["share"]
    if facts is not None:
        assert facts.keys() == {field.name for field in fields(ShareFacts)}
        assert facts["address"] in text
    return text


def test_nothing_is_told_where_nothing_was_shared(cache: Path) -> None:
    assert "share  " not in told(cache)


def test_the_last_pass_and_what_came_since_are_told(cache: Path, address: str) -> None:
    run("share", "--once", "--to", address, "--cache-dir", cache)
    text = told(cache)
    assert f"share     {address}, visible to you alone" in text
    assert "last pass 20" in text
    assert "no `uniqc-mcp share` runs now" in text
    assert "behind by" not in text
    TaskStore(cache).save(TaskInfo(task_id="new", backend="dummy"))
    assert "behind by 1 task that" in told(cache)
    with StateFile(cache).locked():
        assert "no `uniqc-mcp share` runs now" not in told(cache)


def test_the_last_error_is_told(cache: Path, address: str, server: FakeServer) -> None:
    server.before = lambda _: problem(401, "expired")
    run("share", "--once", "--to", address, "--cache-dir", cache, "--visible-to", "lab")
    text = told(cache)
    assert "last error: 127.0.0.1" in text
    assert 'answers 401: "expired"' in text
    assert "no pass was complete yet" in text
    assert "visible to everybody in the laboratory" in text
    assert TOKEN not in text


def test_a_state_that_cannot_be_read_is_a_note(cache: Path, address: str) -> None:
    run("share", "--once", "--to", address, "--cache-dir", cache)
    StateFile(cache).path.write_text("{}")
    assert "note      The state of share" in told(cache)


def test_what_another_server_was_told_is_not_told_of_this_one(cache: Path, address: str) -> None:
    run("share", "--once", "--to", address, "--cache-dir", cache)
    run("share", "--once", "--to", f"{address}elsewhere/", "--cache-dir", cache)
    text = told(cache)
    assert "no pass was complete yet" in text
    assert "since" not in text
    assert "elsewhere" in text
