"""The command that an entry starts: this program, by a path that lasts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.machine import Machine
from uniqc_mcp.cli.install.this_command import this_launch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.cli.install.conftest import Home


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
