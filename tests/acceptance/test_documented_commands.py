"""Every command in README and docs is run, or is listed here with the reason why it is not."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.record_documentation import PAGES, ROOT

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.sample import make_sample
from uniqc_store import TaskFilter, TaskStore

NOT_PUBLISHED = "it is not published yet"
RUN_BY_CI = "it installs the package; .ci/run does so"
NEEDS_THE_CLIENT = "it needs the client; python -m tests.clients.install runs it"

OF_AN_OPERATOR = "it needs PostgreSQL; tests/lab/cli/test_documentation.py runs it"
NEEDS_A_LABORATORY = "it needs a laboratory's server; tests/lab/share/test_command.py runs it"

NOT_RUN = {
    "uniqc-mcp lab init --role uniqc_lab": OF_AN_OPERATOR,
    'uniqc-mcp lab token add alice --label "her laptop"': OF_AN_OPERATOR,
    "uniqc-mcp lab token list": OF_AN_OPERATOR,
    "uniqc-mcp lab token revoke --owner alice": OF_AN_OPERATOR,
    "uniqc-mcp lab serve --public-url https://lab.example.org --workers 2": OF_AN_OPERATOR,
    "uniqc-mcp share --to https://lab.example/ --once": NEEDS_A_LABORATORY,
    "uniqc-mcp share --to https://lab.example/ --visible-to lab": NEEDS_A_LABORATORY,
    "uvx uniqc-mcp demo": NOT_PUBLISHED,
    "pipx run uniqc-mcp demo": NOT_PUBLISHED,
    "python -m pip install . && uniqc-mcp demo": RUN_BY_CI,
    (
        "python3 -m venv .venv && .venv/bin/python -m pip install . && .venv/bin/uniqc-mcp demo"
    ): RUN_BY_CI,
    "python -m pip install -e '.[dev]' && python -m pytest": RUN_BY_CI,
    "uniqc-mcp install claude-code": NEEDS_THE_CLIENT,
    "uniqc-mcp uninstall claude-code": NEEDS_THE_CLIENT,
    "uniqc-mcp watch --json | jq -r 'select(.task.status == \"failed\") | .task.task_id'": (
        "it does not end, and jq may not be here; tests/server/cli/test_watch.py reads the events"
    ),
}
ENDLESS = {"uniqc-mcp watch"}
"""Commands that end by a signal. They are given a second."""

COMMANDS = sorted(
    {
        line
        for path in PAGES
        for block in re.findall(
            r"^```console\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE
        )
        for line in block.splitlines()
    }
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home with the sample, from which the failed tasks of one backend were cleared."""
    cache = tmp_path / ".uniqc" / "cache"
    make_sample(cache)
    store = TaskStore(cache)
    plan = store.plan_clear(TaskFilter(status="failed", backend="ibm"))
    assert store.clear(plan).cleared == 1
    programs = Path(sys.executable).parent
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("UNIQC_MCP_CACHE_DIR", str(cache))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands_and_each_reason_is_for_one() -> None:
    assert len(COMMANDS) > 20
    assert set(COMMANDS) >= set(NOT_RUN) | ENDLESS


def test_what_installs_the_package_is_run_by_ci() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert "python -m pip install -q -e '.[dev]' && python -m pytest" in ci
    assert "uniqc-mcp demo" in ci


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("line", [line for line in COMMANDS if line not in NOT_RUN])
def test_the_command_works(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "uniqc-mcp"
    if line in ENDLESS:
        assert CliRunner().invoke(cli, [*arguments, "--timeout", "1"]).exit_code == 124
    elif "|" in arguments or arguments[0] == "serve" or arguments[0].startswith("-"):
        run_in_a_shell(line)
    else:
        # `install` refuses to run with a variable of the server.
        hidden = {"UNIQC_MCP_CACHE_DIR": None} if arguments[0] == "install" else {}
        result = CliRunner().invoke(cli, arguments, env=hidden)
        assert result.exit_code == 0, result.output
        assert result.output


def run_in_a_shell(line: str) -> None:
    """Run a line in a shell. What serves in it has a client that leaves at once."""
    shell = ["bash", "-o", "pipefail", "-c", line]
    done = subprocess.run(shell, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
