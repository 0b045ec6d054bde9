"""A machine of its own for each test: a home, a project, and the programs on PATH."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from uniqc_mcp.cli.commands import cli

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

_FAKE = f'''#!{sys.executable} -SE
"""A client's own command: it keeps a log of its arguments, and edits a file as it is told to."""
import json, pathlib, sys
log = pathlib.Path(__file__ + ".log")
log.write_text((log.read_text() if log.exists() else "") + json.dumps(sys.argv[1:]) + "\\n")
behaviour = json.loads(pathlib.Path(__file__ + ".json").read_text())
if behaviour.get("fails"):
    sys.exit("it did not work")
file = pathlib.Path(behaviour["file"])
if behaviour.get("loses"):
    file.write_text("{{}}")
document = json.loads(file.read_text()) if file.exists() else {{}}
servers = document.setdefault("mcpServers", {{}})
if not behaviour.get("idles"):
    if "remove" in sys.argv:
        servers.pop("uniqc", None)
    elif "add-json" in sys.argv:
        servers["uniqc"] = json.loads(sys.argv[-1])
    else:
        after = sys.argv[sys.argv.index("uniqc") + 1:]
        words = [word for word in after if word not in ("--", "--yes")]
        servers["uniqc"] = {{"command": words[0], "args": words[1:]}}
file.write_text(json.dumps(document))
'''


@dataclass(frozen=True)
class Home:
    """The home of a user who runs uniqc-mcp in a project."""

    path: Path
    project: Path
    programs: Path

    def run(self, *arguments: str, **environment: str) -> Result:
        """Run the command in this process."""
        return CliRunner().invoke(cli, arguments, env=environment, prog_name="uniqc-mcp")

    def succeed(self, *arguments: str) -> str:
        """Run the command, which must succeed, and return what it printed."""
        done = self.run(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    def fail(self, *arguments: str, **environment: str) -> str:
        """Run the command, which must fail with a sentence, and return that."""
        done = self.run(*arguments, **environment)
        assert done.exit_code in (1, 2), done.output
        assert "Error: " in done.stderr
        return done.stderr

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file below the home, and return its path."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def fake(self, program: str, file: str, **behaviour: bool) -> None:
        """Put a client's own command on PATH, which edits a file."""
        script = self.programs / program
        script.write_text(_FAKE)
        script.chmod(0o755)
        told: dict[str, Any] = {"file": str(self.path / file), **behaviour}
        (self.programs / f"{program}.json").write_text(json.dumps(told))

    def calls(self, program: str) -> list[list[str]]:
        """Return the arguments of each call of a client's own command."""
        log = self.programs / f"{program}.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home without any client. Nothing of the real one is seen."""
    path, project, programs = (tmp_path / name for name in ("home", "project", "programs"))
    for folder in (path, project, programs):
        folder.mkdir()
    for name in list(os.environ):
        if name.startswith(
            ("XDG_", "UNIQC_MCP_", "CLAUDE_", "CODEX_", "COPILOT_", "CLINE_", "GEMINI_", "QWEN_")
        ):
            monkeypatch.delenv(name)
    script = programs / "uniqc-mcp"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m uniqc_mcp "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.chdir(project)
    return Home(path, project, programs)
