"""A cache directory that only a shell or a browser would understand stops the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.demo_commands import demo
from uniqc_mcp.cli.options import StrictOption
from uniqc_mcp.cli.store_commands import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

MISTAKES = [
    ("${HOME}/.uniqc/cache", "/home/alice/.uniqc/cache"),
    ("$HOME/.uniqc/cache", "/home/alice/.uniqc/cache"),
    ("%USERPROFILE%\\.uniqc\\cache", "/home/alice/.uniqc/cache"),
    ("/data/${PROJECT}/cache", "/data/bell/cache"),
    ("file:///data/my%20cache", "/data/my cache"),
    ("FILE://localhost/data/cache", "/data/cache"),
    ("file:///C:/data/cache", "C:/data/cache"),
    ('"~/.uniqc/cache"', "/home/alice/.uniqc/cache"),
    ("'/data/cache'", "/data/cache"),
    ("\u201c/data/cache\u201d", "/data/cache"),
    ('"${HOME}/cache"', "/home/alice/cache"),
    (" /data/cache\n", "/data/cache"),
    ("$UNKNOWN_HERE/cache", "give the whole path"),
    ("~nobody-of-this-name/cache", "give the whole path"),
]


def run(*arguments: str, **environment: str | None) -> Result:
    environment = {"HOME": "/home/alice", "PROJECT": "bell", "USERPROFILE": None, **environment}
    return CliRunner().invoke(cli, arguments, env=environment, prog_name="uniqc-mcp")


@pytest.mark.parametrize(("given", "meant"), MISTAKES)
@pytest.mark.parametrize("command", ["serve", "doctor", "watch", "cleared", "demo"])
def test_an_unexpanded_directory_is_refused_with_the_one_that_was_meant(
    command: str, given: str, meant: str
) -> None:
    result = run(command, "--cache-dir", given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.rstrip().endswith((f" {meant}", f"{meant}."))


@pytest.mark.parametrize(("given", "meant"), MISTAKES)
def test_the_variable_of_the_directory_is_checked_like_the_option(given: str, meant: str) -> None:
    result = run("doctor", UNIQC_MCP_CACHE_DIR=given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert meant in result.stderr


@pytest.mark.parametrize("name", ["$HOME", "a$b", "100%", "50%_of_100%", "it's", "file"])
def test_a_directory_that_really_has_such_a_name_is_served(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    result = run("doctor", "--cache-dir", str(tmp_path / name))
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("name", ["a$b", "100%", "it's", "file"])
def test_a_directory_that_does_not_exist_yet_may_have_an_odd_name(
    tmp_path: Path, name: str
) -> None:
    result = run("doctor", "--cache-dir", str(tmp_path / name))
    assert (result.exit_code, result.stderr) == (0, "")


EVERY_COMMAND = {**cli.commands, **COMMANDS, "demo": demo}
VARIABLES = sorted(
    str(parameter.envvar)
    for parameter in cli.commands["serve"].params
    if parameter.envvar is not None
)


def test_every_option_of_serve_has_a_variable() -> None:
    assert len(VARIABLES) == len(cli.commands["serve"].params)
    assert "UNIQC_MCP_MAX_WAIT" in VARIABLES


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_a_variable_that_is_set_but_empty_stops_the_start(
    command: str, variable: str, empty: str
) -> None:
    allowed = {"UNIQC_MCP_ALLOW_CLEAR": "success"}
    known = {parameter.envvar for parameter in EVERY_COMMAND[command].params}
    if variable not in known:
        assert variable in ("UNIQC_MCP_LOG_LEVEL", "UNIQC_MCP_MAX_WAIT", "UNIQC_MCP_EAGER")
        return
    result = run(command, **{**allowed, variable: empty})
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{variable}'): it is set, but empty; give it a value, or unset it." in result.stderr


def test_all_options_with_a_variable_are_strict() -> None:
    options = [
        parameter
        for command in EVERY_COMMAND.values()
        for parameter in command.params
        if parameter.envvar is not None
    ]
    assert options
    assert all(isinstance(option, StrictOption) for option in options)


def test_an_option_overrides_its_empty_variable(tmp_path: Path) -> None:
    result = run("doctor", "--cache-dir", str(tmp_path), UNIQC_MCP_CACHE_DIR="")
    assert result.exit_code == 0


@pytest.mark.parametrize("given", ["finished", "finished,failed", "success, finished"])
def test_finished_allows_all_three_statuses(tmp_path: Path, given: str) -> None:
    result = run("doctor", "--cache-dir", str(tmp_path), "--allow-clear", given)
    assert "clearing  success, failed, cancelled tasks;" in result.stdout


@pytest.mark.parametrize("given", ["0", "51", "-5", "20s", "", "2.5"])
def test_an_impossible_longest_wait_stops_the_start(given: str) -> None:
    result = run("serve", "--max-wait", given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'--max-wait'" in result.stderr
