"""The clients, and how each is installed in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path


class InstallError(Exception):
    """A client that can't be installed; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class PythonClient:
    """A client in Python, the packages that it is installed from, and if CI runs it."""

    name: str
    packages: tuple[str, ...]
    in_ci: bool = False
    suffix: ClassVar = ".py"

    def install(self, environment: Path) -> list[str]:
        """Install what is not there yet, and return the command that runs a program."""
        python = environment / "bin" / "python"
        if not python.exists():
            venv.create(environment)
        # With the pip of this environment, as installing one takes five seconds. Compiling all
        # modules would take a third of the time, and few of them are imported.
        options = ("-q", "--disable-pip-version-check", "--no-compile")
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        _run([*pip, "install", *options, *self.packages])
        return [str(python)]


@dataclass(frozen=True, kw_only=True)
class NodeClient:
    """A client in JavaScript, the npm packages that it is installed from, and if CI runs it."""

    name: str
    packages: tuple[str, ...]
    in_ci: bool = False
    suffix: ClassVar = ".mjs"

    def install(self, environment: Path) -> list[str]:
        """Install what is not there yet, and return the command that runs a program.

        Raises:
            InstallError: Node.js or npm is not there.
        """
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise InstallError(
                f"{self.name} needs the commands node (20 or later) and npm on PATH; install "
                "Node.js, or leave out its clients with --without-node (UNIQC_CI_WITHOUT_NODE=1)"
            )
        environment.mkdir(parents=True, exist_ok=True)
        options = ("--prefix", str(environment), "--no-save", "--silent", "--prefer-offline")
        _run([npm, "install", *options, *self.packages])
        return [node]


Client = PythonClient | NodeClient


def _run(command: list[str]) -> None:
    # Constraints on our own packages are not those of a client.
    own = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    done = subprocess.run(command, env=own, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise InstallError(f"failed: {' '.join(command)}")


CLIENTS: tuple[Client, ...] = (
    PythonClient(name="mcp_1", packages=("mcp==1.30.*",), in_ci=True),
    PythonClient(name="fastmcp_4", packages=("fastmcp==4.2.3",), in_ci=True),
    PythonClient(name="google_genai", packages=("google-genai==3.6.1", "mcp>=2.3,<3"), in_ci=True),
    PythonClient(
        name="langchain_adapters",
        packages=("langchain-mcp-adapters==0.3.2", "langchain==1.5.2"),
        in_ci=True,
    ),
    # Two frameworks share an environment, as installing a second one takes CI 15 seconds.
    PythonClient(
        name="example_agents",
        packages=("openai-agents==0.24.0", "pydantic-ai-slim[mcp]==2.68.0"),
        in_ci=True,
    ),
    NodeClient(name="typescript_1", packages=("@modelcontextprotocol/sdk@1.32.2",), in_ci=True),
    NodeClient(name="typescript_2", packages=("@modelcontextprotocol/client@2.4.0",), in_ci=True),
    # Validates and packs the bundle in distribution/mcpb.
    NodeClient(name="mcpb", packages=("@anthropic-ai/mcpb@2.1.2",), in_ci=True),
    NodeClient(name="inspector", packages=("@modelcontextprotocol/inspector@2.12.0",), in_ci=True),
    PythonClient(name="openai_agents", packages=("openai-agents==0.24.0",)),
    PythonClient(name="pydantic_ai_slim", packages=("pydantic-ai-slim[mcp]==2.68.0",)),
    PythonClient(name="agno_3", packages=("agno==3.1.10", "fastmcp==4.2.3", "openai")),
    PythonClient(name="llama_index_tools", packages=("llama-index-tools-mcp==0.6.0",)),
    PythonClient(name="mcp_use_agent", packages=("mcp-use==1.7.1",)),
    PythonClient(name="strands_agents", packages=("strands-agents==1.62.0",)),
    NodeClient(name="mastra", packages=("@mastra/mcp@0.14.5", "@mastra/core@0.24.9")),
)
