"""``install`` and ``uninstall``: what they refuse, and what they tell."""

from __future__ import annotations

import gc
import json
import shlex
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from uniqc_mcp.cli.install.check import ask_for_tools
from uniqc_mcp.cli.install.configured import configured_clients
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.shapes import Launch

if TYPE_CHECKING:
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


def test_one_file_for_two_scopes_is_told_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.path)
    said = home.succeed("install", "cursor", "--no-check")
    assert "too, in" not in said
    (entry,) = configured_clients()
    assert entry.scope == "user"


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
    said = home.fail("install", "cursor", UNIQC_MCP_ALLOW_CLEAR="success", UNIQC_MCP_NONE="1")
    assert "UNIQC_MCP_ALLOW_CLEAR, UNIQC_MCP_NONE is set here" in said
    assert "Behind `--`, give --allow-clear for UNIQC_MCP_ALLOW_CLEAR." in said
    assert [*home.path.iterdir()] == []


@pytest.mark.parametrize("given", ["/data/cache", "~/cache", "cache"])
def test_the_variable_of_the_cache_becomes_an_option_of_the_entry(given: str, home: Home) -> None:
    """`sample DIR` says to set it."""
    whole = {"~/cache": home.path / "cache", "cache": home.project / "cache"}.get(given, given)
    done = home.run("install", "cursor", "--no-check", "--", "--eager", UNIQC_MCP_CACHE_DIR=given)
    assert done.exit_code == 0, done.output
    note = f"UNIQC_MCP_CACHE_DIR is set here, so the entry has --cache-dir {whole}\n"
    assert note == done.stderr
    entry = json.loads((home.path / CURSOR).read_text())["mcpServers"]["uniqc"]
    assert entry["args"] == ["--cache-dir", str(whole), "--eager"]


def test_the_option_of_the_cache_goes_before_its_variable(home: Home) -> None:
    at = ("--cache-dir", "/data/mine")
    done = home.run("install", "cursor", "--print", "--", *at, UNIQC_MCP_CACHE_DIR="/data/other")
    assert json.loads(done.stdout)["mcpServers"]["uniqc"]["args"] == [*at]
    assert "is set here" not in done.stderr


def test_the_command_that_sample_names_tells_a_client_of_it(home: Home) -> None:
    said = home.succeed("sample", str(home.path / "a sample"))
    (line,) = (line for line in said.splitlines() if line.startswith("For a client: "))
    program, *words = shlex.split(line.removeprefix("For a client: "))
    assert program == "uniqc-mcp"
    words[words.index("CLIENT")] = "cursor"
    said = home.succeed(*words)
    assert "it has 7 tools" in said
    entry = json.loads((home.path / CURSOR).read_text())["mcpServers"]["uniqc"]
    assert entry["args"] == ["--cache-dir", str(home.path / "a sample")]


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
    assert dry == f"Would remove mcpServers.uniqc that starts `{command}` from {file}\n"
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
