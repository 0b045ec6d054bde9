"""``install`` and ``uninstall``: what they refuse, what they tell, and how they write."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from uniqc_mcp.cli.install.check import ask_for_tools
from uniqc_mcp.cli.install.configured import configured_clients
from uniqc_mcp.cli.install.editing.files import write
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.machine import Machine
from uniqc_mcp.cli.install.shapes import Launch
from uniqc_mcp.cli.install.this_command import this_launch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.cli.install.conftest import Home

CURSOR = ".cursor/mcp.json"


def test_the_server_is_started_as_the_client_will_and_asked_for_its_tools(home: Home) -> None:
    said = home.succeed("install", "cursor", "--", "--allow-clear", "success")
    assert "it has 9 tools" in said
    assert "Cursor can ask you before tasks are cleared." in said
    assert "To do: " in said
    assert "7 tools" in home.succeed("install", "cursor", "--replace")


def test_a_server_that_does_not_start_is_told_with_its_last_words(home: Home) -> None:
    script = home.programs / "uniqc-mcp"
    script.write_text("#!/bin/sh\necho 'no such module' >&2\nexit 3\n")
    said = home.fail("install", "cursor")
    assert "The entry is there, but the server does not start by it." in said
    assert "no such module" in said


def test_a_server_that_says_nothing_is_given_up(home: Home) -> None:
    script = home.programs / "uniqc-mcp"
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\n")
    with warnings.catch_warnings():
        # The SDK kills the process, and the loop ends before it could be waited for.
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(InstallError, match=r"did not answer within 0\.2 s"):
            ask_for_tools(Launch(command=str(script)), home.project, 0.2)
        gc.collect()


def test_a_command_that_is_not_there_is_told(home: Home) -> None:
    with pytest.raises(InstallError, match="No such file or directory"):
        ask_for_tools(Launch(command=str(home.programs / "nope")), home.project)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("cursor", ["--allow-clear", "success"], "can ask you"),
        ("zed", ["--allow-clear", "success"], "can't ask a person, so every clear is refused"),
        ("kiro", ["--allow-clear", "success"], "It is not known if Kiro can ask a person"),
        ("zed", ["--allow-clear", "success", "--confirm", "plan"], ""),
        ("zed", [], ""),
    ],
)
def test_it_tells_if_the_client_can_ask_a_person(
    name: str, options: list[str], words: str, home: Home
) -> None:
    said = home.succeed("install", name, "--no-check", "--", *options)
    assert words in said
    assert ("ask" in said) == bool(words)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name a client. --list shows which are here."),
        (("cursor", "--list"), "--list is of all clients"),
        (("cursor", "--json"), "--json of --list"),
        (("nope",), "'nope' is not one of"),
        (("cursor", "--scope", "local"), "Cursor has the scopes user, project."),
        (("cursor", "--max-wait", "9"), "Options of the server go behind `--`."),
        (("cursor", "--", "--max-wait", "0"), "0 is not in the range"),
        (("cursor", "--", "--nope"), "No such option '--nope'"),
        (("cursor", "--", "serve"), "unexpected extra argument (serve)"),
        (("cursor", "--", "--min-age", "7d"), "without --allow-clear nothing may be"),
        (("cursor", "--", "--cache-dir", "cache"), "/project/cache"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    arguments: tuple[str, ...], message: str, home: Home
) -> None:
    assert message in " ".join(home.fail("install", *arguments).split())
    assert [*home.path.iterdir()] == []


def test_a_variable_that_the_client_would_not_pass_on_is_refused(home: Home) -> None:
    said = home.fail("install", "cursor", UNIQC_MCP_ALLOW_CLEAR="success")
    assert "UNIQC_MCP_ALLOW_CLEAR is set here" in said
    assert [*home.path.iterdir()] == []


def test_a_dry_run_shows_the_entry_and_nothing_of_other_servers(home: Home) -> None:
    before = '{"mcpServers": {\n  "other": {"env": {"KEY": "secret"}}\n}}'
    file = home.write(CURSOR, before)
    said = home.succeed("install", "cursor", "--dry-run")
    place, _, entry = said.partition("\n")
    assert place == f"Would write into {file}:"
    command = str(home.programs / "uniqc-mcp")
    assert json.loads(entry) == {"mcpServers": {"uniqc": {"command": command, "args": []}}}
    assert file.read_text() == before
    assert [*file.parent.iterdir()] == [file]
    home.succeed("install", "cursor", "--no-check")
    dry = home.succeed("install", "cursor", "--dry-run", "--replace", "--", "--max-wait", "9")
    assert f"Would replace the entry that starts {command}\n" in dry
    dry = home.succeed("uninstall", "cursor", "--dry-run")
    assert dry == f"Would remove mcpServers.uniqc from {file}\n"
    assert "uniqc" in file.read_text()


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_a_file_that_does_not_parse_is_refused_by_line_and_left_alone(
    command: str, home: Home
) -> None:
    file = home.write(CURSOR, '{\n  "mcpServers": {\n    "uniqc" {}\n  }\n}')
    before = file.read_bytes()
    said = home.fail(command, "cursor")
    assert "line 3, column 13" in said
    assert str(file) in said
    assert file.read_bytes() == before
    assert [*file.parent.iterdir()] == [file]
    assert "line 3" in home.succeed("install", "--list")


@pytest.mark.parametrize("content", ['{"mcpServers": []}', '{"mcpServers": {"uniqc": 1}}'])
def test_something_else_in_the_place_of_the_entry_is_not_overwritten(
    content: str, home: Home
) -> None:
    file = home.write(CURSOR, content)
    assert "Correct it first" in home.fail("install", "cursor", "--replace")
    assert file.read_text() == content


def test_a_disabled_entry_is_not_what_was_asked_for(home: Home) -> None:
    home.succeed("install", "cursor", "--no-check")
    file = home.path / CURSOR
    document = json.loads(file.read_text())
    document["mcpServers"]["uniqc"]["disabled"] = True
    file.write_text(json.dumps(document))
    assert "disabled" in home.succeed("install", "--list")
    assert "a disabled entry named uniqc" in home.fail("install", "cursor")
    home.succeed("install", "cursor", "--replace", "--no-check")
    assert '"disabled"' not in file.read_text()


def test_uninstall_keeps_what_was_added_since(home: Home) -> None:
    file = home.write(CURSOR, '{\n  "mcpServers": {\n    "a": {} // first\n  }\n}\n')
    home.succeed("install", "cursor", "--no-check")
    file.write_text(file.read_text().replace('"a": {}', '"a": {"command": "new"}'))
    home.succeed("uninstall", "cursor")
    assert file.read_text() == (
        '{\n  "mcpServers": {\n    "a": {"command": "new"} // first\n  }\n}\n'
    )
    assert "there is no entry" in home.succeed("uninstall", "cursor")


def test_a_symbolic_link_stays_one(home: Home) -> None:
    target = home.write("dotfiles/cursor.json", '\ufeff{\r\n\t"a": 1\r\n}\r\n')
    before = target.read_bytes()
    (home.path / ".cursor").mkdir()
    link = home.path / CURSOR
    link.symlink_to(target)
    home.succeed("install", "cursor", "--no-check")
    assert link.is_symlink()
    assert target.read_bytes().startswith(b'\xef\xbb\xbf{\r\n\t"a": 1,\r\n\t"mcpServers": {\r\n')
    assert target.read_bytes().count(b"\n") == target.read_bytes().count(b"\r\n")
    home.succeed("uninstall", "cursor")
    assert (link.is_symlink(), target.read_bytes()) == (True, before)


def test_a_link_to_nothing_gets_its_file(home: Home) -> None:
    (home.path / ".cursor").mkdir()
    link = home.path / CURSOR
    link.symlink_to(home.path / "dotfiles" / "cursor.json")
    home.succeed("install", "cursor", "--no-check")
    assert link.is_symlink()
    assert "uniqc" in (home.path / "dotfiles" / "cursor.json").read_text()


def test_a_folder_that_can_not_be_written_is_told(home: Home) -> None:
    home.write(".cursor", "no folder")
    said = home.fail("install", "cursor")
    assert "mcp.json can't be read: Not a directory." in said


def test_a_file_that_another_program_changed_meanwhile_is_left_alone(home: Home) -> None:
    file = home.write(CURSOR, "{}")
    with pytest.raises(InstallError, match="changed by another program"):
        write(file, b"{ }", b'{"mcpServers": {}}')
    assert file.read_text() == "{}"


def test_a_disk_that_fills_up_leaves_the_file_as_it_was(home: Home) -> None:
    file = home.write(CURSOR, "{}")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
    try:
        with pytest.raises(InstallError, match="can't be written: File too large"):
            write(file, b"{}", b"{" + b" " * 5000 + b"}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert file.read_text() == "{}"
    assert {each.name for each in file.parent.iterdir()} == {
        "mcp.json",
        "mcp.json.before-uniqc-mcp",
    }


def test_a_read_only_file_is_left_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home.write(CURSOR, "{}")
    file.chmod(0o444)
    if os.geteuid() == 0:  # root may write what is read-only
        monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    assert "is read-only" in home.fail("install", "cursor")
    assert file.read_text() == "{}"


def test_configured_clients_tells_the_command_and_a_file_that_can_not_be_read(home: Home) -> None:
    home.succeed("install", "kiro", "--no-check", "--", "--max-wait", "9")
    home.write(CURSOR, "{")
    cursor, kiro = configured_clients()
    assert (kiro.name, kiro.title, kiro.scope) == ("kiro", "Kiro", "user")
    assert (kiro.command, kiro.exists, kiro.problem) == (
        str(home.programs / "uniqc-mcp"),
        True,
        "",
    )
    assert (cursor.name, cursor.command, cursor.exists) == ("cursor", "", False)
    assert "line 1, column 2" in cursor.problem


def program(folder: Path, name: str = "uniqc-mcp") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("folder", "runner", "words"),
    [
        (".cache/uv/archive-v0/x1/bin", "uvx", ["uniqc-mcp"]),
        (".cache/uv/environments-v2/x1/bin", "uvx", ["uniqc-mcp"]),
        (".cache/pipx/5a/bin", "pipx", ["run", "uniqc-mcp"]),
        (".local/share/pipx/.cache/5a/bin", "pipx", ["run", "uniqc-mcp"]),
    ],
)
def test_a_temporary_environment_is_started_anew_by_what_made_it(
    folder: str, runner: str, words: list[str], home: Home
) -> None:
    started = str(program(home.path / folder))
    with pytest.raises(InstallError, match=f"{runner} is not on PATH"):
        this_launch((), Machine.here(), started)
    found = program(home.programs, runner)
    launch = this_launch(("--eager",), Machine.here(), started)
    assert launch.words() == [str(found), *words, "--eager"]


def test_a_link_to_the_program_is_written_as_the_link(home: Home) -> None:
    real = program(home.path / ".local/share/pipx/venvs/uniqc-mcp/bin")
    (home.path / ".local/bin").mkdir()
    link = home.path / ".local/bin/uniqc-mcp"
    link.symlink_to(real)
    assert this_launch((), Machine.here(), str(link)).command == str(link)


def test_a_program_that_is_nowhere_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.programs / "uniqc-mcp").unlink()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InstallError, match="is not on PATH, so no client could start it"):
        this_launch((), Machine.here(), "/usr/lib/python3/__main__.py")
