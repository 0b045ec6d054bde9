"""The command line of uniqc-mcp."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from mcp import Client, StdioServerParameters, stdio_client

from uniqc_mcp import __version__
from uniqc_mcp.cli.commands import cli

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Cache


def run(*arguments: str, **environment: str) -> Result:
    """Run the command in this process, for calls that do not serve."""
    return CliRunner().invoke(cli, arguments, env=environment, prog_name="uniqc-mcp")


def run_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process, with an empty stdin."""
    return subprocess.run(
        [sys.executable, "-m", "uniqc_mcp", *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_installed_command_prints_its_version() -> None:
    finished = run_process("--version")
    assert (finished.returncode, finished.stdout) == (0, f"uniqc-mcp, version {__version__}\n")
    assert run("-V").stdout == finished.stdout


def test_help_describes_the_command_and_lists_its_subcommands() -> None:
    finished = run_process("--help")
    assert finished.returncode == 0
    assert "Ask an assistant what your quantum tasks are doing." in finished.stdout
    for command in ("serve", "demo", "doctor"):
        assert f"\n  {command} " in finished.stdout
    assert run("-h").exit_code == 0


@pytest.mark.parametrize(
    ("command", "options"),
    [("serve", ["cache-dir", "log-level"]), ("doctor", ["cache-dir"])],
)
def test_help_names_the_environment_variable_of_each_option(
    command: str, options: list[str]
) -> None:
    text = " ".join(run(command, "--help").stdout.split())
    for option in options:
        variable = f"UNIQC_MCP_{option.upper().replace('-', '_')}"
        assert f"--{option} " in text
        assert f"env var: {variable}" in text
    assert "~/.uniqc/cache" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nope"], "No such option '--nope'"),
        (["nope"], "No such command 'nope'"),
        (["serve", "extra"], "unexpected extra argument (extra)"),
        (["--log-level", "loud"], "'loud' is not one of 'debug', 'info', 'warning', 'error'"),
        (["--cache-dir"], "'--cache-dir' requires an argument"),
        (["--cache-dir", ""], "it is empty; give a directory"),
        (["doctor", "--cache-dir", ""], "it is empty; give a directory"),
        (["--cache-dir", "~nobody-of-this-name/x"], "names a user whose home is not known"),
        (["doctor", "--json=yes"], "'--json' does not take a value"),
        (["demo", "--log-level", "info"], "No such option '--log-level'"),
    ],
)
def test_invalid_arguments_are_refused_with_a_reason(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("UNIQC_MCP_LOG_LEVEL", "loud", "(env var: 'UNIQC_MCP_LOG_LEVEL'): 'loud' is not one of"),
        ("UNIQC_MCP_CACHE_DIR", __file__, "is a file; give the directory that holds it."),
    ],
)
def test_an_invalid_environment_variable_is_refused_with_a_reason(
    variable: str, value: str, message: str
) -> None:
    result = run("serve", **{variable: value})
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_installed_command_exits_with_2_for_an_invalid_option() -> None:
    finished = run_process("--cache-dir", "/nowhere", "--log-level", "loud")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "'loud' is not one of" in finished.stderr


# doctor


def test_doctor_exits_with_0_if_a_server_would_work(cache: Cache) -> None:
    result = run("doctor", "--cache-dir", str(cache.write({}).directory))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("A server works with this.\n")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_doctor_exits_with_1_if_a_server_would_fail(cache: Cache, options: list[str]) -> None:
    cache.path.write_text("Dear diary")
    result = run("doctor", *options, UNIQC_MCP_CACHE_DIR=str(cache.directory))
    assert (result.exit_code, result.stderr) == (1, "")
    assert "is not an SQLite database" in result.stdout


def test_doctor_reports_why_a_directory_cannot_be_used() -> None:
    result = run("doctor", "--cache-dir", "/" + "x" * 300)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "can't be opened (File name too long)" in result.stdout


def test_doctor_prints_json_on_request(cache: Cache, home: Path) -> None:
    cache.copy("5-0.1.0.sqlite")
    finished = run_process("doctor", "--json", HOME=str(home), UNIQC_MCP_CACHE_DIR="~/cache")
    assert (finished.returncode, finished.stderr) == (0, "")
    printed = json.loads(finished.stdout)
    assert (printed["location"], printed["ok"]) == ("~/cache/tasks.sqlite", True)
    assert printed["facts"]["tasks"] == cache.manifest["tasks"]["count"]


def test_an_option_overrides_its_environment_variable(cache: Cache) -> None:
    cache.write({})
    result = run(
        "doctor", "--json", "--cache-dir", str(cache.directory), UNIQC_MCP_CACHE_DIR="/nowhere"
    )
    assert json.loads(result.stdout)["facts"]["tasks"] == 1


def test_doctor_examines_the_directory_of_uniqc_by_default(home: Path) -> None:
    finished = run_process("doctor", HOME=str(home))
    assert finished.returncode == 0
    assert "file      ~/.uniqc/cache/tasks.sqlite" in finished.stdout
    assert [path.name for path in home.iterdir()] == ["cache"]


# serve


@pytest.mark.parametrize("arguments", [["--cache-dir", "{}"], ["serve", "--log-level", "error"]])
async def test_the_server_reads_the_directory_of_the_option_or_the_environment(
    cache: Cache, home: Path, arguments: list[str]
) -> None:
    cache.write({})
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "uniqc_mcp", *(part.format(cache.directory) for part in arguments)],
        env={"HOME": str(home), "UNIQC_MCP_CACHE_DIR": "~/cache"},
    )
    async with Client(stdio_client(server)) as client:
        _, answer = cache.answer(await client.call_tool("list_tasks", {"status": "any"}))
    assert (answer["total"], answer["store"]["location"]) == (1, "~/cache/tasks.sqlite")


def test_the_server_exits_silently_if_stdin_is_empty(cache: Cache) -> None:
    finished = run_process("--cache-dir", str(cache.directory))
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert list(cache.directory.iterdir()) == []


def test_the_server_explains_on_a_terminal_how_to_connect_a_client(cache: Cache) -> None:
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "uniqc_mcp", "--cache-dir", str(cache.directory)],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(terminal)
    with process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(7)]
        os.close(controller)  # closing the terminal ends the input
        stdout, stderr = process.communicate(timeout=120)
    assert lines[0].startswith(f"uniqc-mcp {__version__} is a server for MCP clients")
    assert '{"mcpServers": {"uniqc": {"command": "uniqc-mcp"}}}' in "".join(lines)
    assert lines[-1] == "Ctrl-C ends it.\n"
    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_modules_imported_at_startup_are_exempt_from_garbage_collection(cache: Cache) -> None:
    code = (
        "import anyio, gc, sys; "
        "anyio.run = lambda *_: print(gc.isenabled(), gc.get_freeze_count() > 10_000); "
        "from uniqc_mcp.cli.commands import cli; "
        "cli(['serve', '--eager', '--cache-dir', sys.argv[1]])"
    )
    command = [sys.executable, "-c", code, str(cache.directory)]
    finished = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    assert finished.stdout == "True True\n"
