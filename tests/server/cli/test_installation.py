"""What ``doctor`` tells beside the condition of the file: versions, times, receipts, the entry."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from uniqc_mcp import __version__
from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.installation import ClientEntry, Installation
from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.server.conftest import Cache


def doctor(*options: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *options], env=environment)


def told(*options: str, **environment: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(doctor(*options, "--json", **environment).stdout)
    return found


def entry(*options: str, **environment: str) -> dict[str, Any]:
    """Return the server of the line to paste, which text and JSON give alike."""
    lines = doctor(*options, **environment).stdout.splitlines()
    (line,) = (line for line in lines if line.startswith("paste     "))
    pasted = json.loads(line.removeprefix("paste     "))
    assert pasted == told(*options, **environment)["installation"]["paste"]
    server: dict[str, Any] = pasted["mcpServers"]["uniqc"]
    return server


def test_the_versions_are_those_that_are_installed(cache: Cache) -> None:
    versions = told("--cache-dir", str(cache.directory))["installation"]["versions"]
    assert versions["uniqc-mcp"] == __version__
    assert versions["mcp"] == version("mcp")
    assert versions["SQLite"] == sqlite3.sqlite_version
    text = doctor("--cache-dir", str(cache.directory)).stdout
    assert f"uniqc-mcp {__version__}, Python " in text.splitlines()[0]


def test_uniqc_is_found_without_being_imported(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uniqc").mkdir()
    (tmp_path / "uniqc" / "__init__.py").write_text("raise AssertionError('imported')")
    metadata = tmp_path / "unified_quantum-0.1.1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: unified-quantum\nVersion: 0.1.1\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    text = doctor("--cache-dir", str(cache.directory)).stdout
    assert ", uniqc 0.1.1\n" in text


@pytest.mark.usefixtures("in_shanghai")
def test_the_time_zone_is_told(cache: Cache) -> None:
    assert (
        "time zone Asia/Shanghai, now UTC+08:00\n"
        in doctor("--cache-dir", str(cache.directory)).stdout
    )


def test_the_line_to_paste_starts_a_server_with_the_options_of_this_command(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cache.directory.parent)
    options = ("--allow-clear", "success,failed", "--min-age", "7d", "--clear-backend", "ibm")
    server = entry("--cache-dir", cache.directory.name, *options)
    at = ["--cache-dir", str(cache.directory)]
    assert server["args"][-8:] == [*at, *options]
    assert Path(server["command"]).is_absolute()
    assert entry(f"--cache-dir={cache.directory.name}")["args"][-2:] == at


def test_the_line_to_paste_has_the_variables_that_were_used(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cache.directory.parent)
    variables = {"UNIQC_MCP_ALLOW_CLEAR": "success", "UNIQC_MCP_KEEP_CLEARED": "9d"}
    server = entry(UNIQC_MCP_CACHE_DIR=cache.directory.name, **variables)
    assert server["env"] == {"UNIQC_MCP_CACHE_DIR": str(cache.directory), **variables}
    assert "--cache-dir" not in server.get("args", [])


def test_the_last_write_is_that_of_the_file_or_its_wal(cache: Cache) -> None:
    cache.write({})
    os.utime(cache.path, (1_700_000_000, 1_700_000_000))
    at = ("--cache-dir", str(cache.directory))
    assert told(*at)["last_write"] == "2023-11-14T22:13:20Z"
    assert "          last written 2023-11-14T22:13:20Z\n" in doctor(*at).stdout
    wal = cache.path.with_name("tasks.sqlite-wal")
    wal.touch()
    os.utime(wal, (1_700_000_060, 1_700_000_060))
    assert told(*at)["last_write"] == "2023-11-14T22:14:20Z"


def test_the_receipts_are_counted(cache: Cache) -> None:
    cache.write({"task_id": "one"}, {"task_id": "two"})
    at = ("--cache-dir", str(cache.directory))
    assert told(*at)["receipts"] == 0
    store = TaskStore(cache.directory)
    for task_id in ("one", "two"):
        store.clear(store.plan_clear(TaskFilter(task_ids=(task_id,))))
    assert told(*at)["receipts"] == 2
    assert "receipts  2\n" in doctor(*at).stdout
    (cache.directory / "cleared.sqlite").write_text("Dear diary")
    assert told(*at)["receipts"] is None
    assert "receipts" not in doctor(*at).stdout


def test_the_clients_with_an_entry_are_told_with_what_is_wrong_with_it(
    cache: Cache, home: Path
) -> None:
    at = ("--cache-dir", str(cache.directory))
    assert told(*at)["installation"]["clients"] == []
    assert "client    none has an entry of this server" in doctor(*at).stdout
    write_entry(home / ".cursor" / "mcp.json", str(home / "bin" / "uniqc-mcp"))
    write_entry(home / ".gemini" / "settings.json", sys.executable)
    clients = {each["client"]: each for each in told(*at)["installation"]["clients"]}
    assert clients["Cursor"] == {
        "client": "Cursor",
        "file": "~/.cursor/mcp.json",
        "command": "~/bin/uniqc-mcp",
        "problem": "there is no such command",
    }
    assert clients["Gemini CLI"]["problem"] == ""
    text = doctor(*at).stdout
    assert "client    Cursor, ~/.cursor/mcp.json: ~/bin/uniqc-mcp; there is no such command" in text
    assert f"client    Gemini CLI, ~/.gemini/settings.json: {sys.executable}\n" in text


def test_the_options_of_an_entry_are_told_without_home_and_credentials(
    cache: Cache, home: Path
) -> None:
    """A client that shows other tasks than the terminal reads another cache."""
    options = ["--cache-dir", f"{home}/a cache", "--password", "k3y-0f-a-sample"]
    write_entry(home / ".cursor" / "mcp.json", sys.executable, options)
    (client,) = told("--cache-dir", str(cache.directory))["installation"]["clients"]
    told_options = "--cache-dir '~/a cache' --password [redacted]"
    assert client["command"] == f"{sys.executable} {told_options}"
    assert f": {client['command']}\n" in doctor("--cache-dir", str(cache.directory)).stdout


def test_a_configuration_that_does_not_parse_is_told(cache: Cache, home: Path) -> None:
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").write_text('{"mcpServers": ')
    (client,) = told("--cache-dir", str(cache.directory))["installation"]["clients"]
    assert (client["client"], client["command"]) == ("Cursor", "")
    assert client["problem"]
    assert str(home) not in client["problem"]


def write_entry(file: Path, command: str, args: Sequence[str] = ()) -> None:
    file.parent.mkdir()
    server = {"command": command, "args": list(args)}
    file.write_text(json.dumps({"mcpServers": {"uniqc": server}}))


def test_without_a_current_directory_clients_are_not_looked_for(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    at = ("--cache-dir", str(cache.directory))
    assert told(*at)["installation"]["clients"] is None
    assert "client    not looked for: " in doctor(*at).stdout


def test_the_json_has_the_documented_keys(cache: Cache, home: Path) -> None:
    write_entry(home / ".cursor" / "mcp.json", sys.executable)
    installation = told("--cache-dir", str(cache.directory))["installation"]
    for found, documented in (
        (installation, Installation),
        (installation["clients"][0], ClientEntry),
    ):
        assert found.keys() == {field.name for field in fields(documented)}
        assert documented.__doc__ is not None
        assert all(f"{name}: " in documented.__doc__ for name in found)
