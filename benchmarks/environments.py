"""The virtual environments of the compared programs, one for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[1]
UNIQC = "unified-quantum==0.1.1"
SQLITE_SERVER = ("mcp-server-sqlite==2025.4.25", "mcp<2")
"""The server needs version 1 of the SDK."""
FASTMCP = "fastmcp==4.2.3"
_READY = "ready"


class InstallError(Exception):
    """An environment could not be made. The text ends with the output of pip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """The environments below one directory. Each is made at first use and then kept.

    Attributes:
        root: The directory.
        tell: Called with what is being installed.
        uniqc_python: The interpreter of an existing environment that has uniqc, if any.
    """

    root: Path
    tell: Callable[[str], None]
    uniqc_python: Path | None = None

    def ours(self) -> Path:
        """Install this working tree with the SDK, and return the directory of its commands."""
        environment = self._environment("uniqc-mcp")
        constraints = ("-c", str(REPOSITORY / "constraints.txt"))
        self.tell("Installing this working tree")
        self._pip(environment, *constraints, str(REPOSITORY))
        return environment / "bin"

    def sqlite_server(self) -> Path:
        """Return the command of a general MCP server for SQLite files."""
        return self._kept("mcp-server-sqlite", *SQLITE_SERVER) / "bin" / "mcp-server-sqlite"

    def fastmcp_python(self) -> Path:
        """Return the interpreter of an environment with fastmcp."""
        return self._kept("fastmcp", FASTMCP) / "bin" / "python"

    def uniqc_store(self) -> Path:
        """Return the module of uniqc's own store, which needs the standard library only."""
        if self.uniqc_python is not None:
            site = next(self.uniqc_python.parents[1].glob("lib/python*/site-packages"))
        else:
            site = self.root / "environments" / "uniqc-without-its-dependencies"
            if not (site / _READY).exists():
                self.tell(f"Downloading {UNIQC}")
                target = ("--target", str(site), "--upgrade")
                _run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", *target, UNIQC)
                (site / _READY).touch()
        return site / "uniqc" / "backend_adapter" / "task" / "store.py"

    def uniqc(self) -> Path:
        """Return the command of uniqc, installed with all of its dependencies."""
        if self.uniqc_python is not None:
            return self.uniqc_python.with_name("uniqc")
        return self._kept("uniqc", UNIQC) / "bin" / "uniqc"

    def home(self, name: str, cache_dir: Path) -> Path:
        """Return a home directory in which uniqc finds that cache."""
        home = self.root / "homes" / name
        link = home / ".uniqc" / "cache"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(cache_dir, target_is_directory=True)
        return home

    def _kept(self, name: str, *packages: str) -> Path:
        environment = self._environment(name)
        if not (environment / _READY).exists():
            self.tell(f"Installing {packages[0]}")
            self._pip(environment, *packages)
            (environment / _READY).touch()
        return environment

    def _environment(self, name: str) -> Path:
        environment = self.root / "environments" / name
        if not (environment / "bin" / "python").exists():
            shutil.rmtree(environment, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(environment))
        return environment

    def _pip(self, environment: Path, *arguments: str) -> None:
        _run(str(environment / "bin" / "python"), "-m", "pip", "install", "-q", *arguments)


def _run(*command: str) -> None:
    # A PYTHONPATH of the benchmark would shadow the packages of the environment.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(f"{' '.join(command[1:4])} failed: {done.stderr.strip()[-800:]}")
