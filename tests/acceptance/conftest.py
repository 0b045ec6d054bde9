"""Fixtures: the installed command, and caches for it to serve."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

STORES = Path(__file__).parents[1] / "data" / "stores"


@pytest.fixture(scope="session")
def command() -> str:
    """Return the path of the installed script, which is beside the interpreter."""
    script = Path(sys.executable).with_name("uniqc-mcp")
    assert script.exists(), "install it first: python -m pip install -e '.[dev]'"
    return str(script)


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    """Return the directory of a cache that uniqc 0.1.0 wrote."""
    shutil.copy(STORES / "5-0.1.0.sqlite", tmp_path / "tasks.sqlite")
    return tmp_path


@dataclass
class RawServer:
    """The running command, with which a test exchanges raw lines."""

    process: subprocess.Popen[str]

    def send(self, *messages: object) -> None:
        stdin = self._stream(self.process.stdin)
        stdin.writelines(
            (message if isinstance(message, str) else json.dumps(message)) + "\n"
            for message in messages
        )
        stdin.flush()

    def receive(self) -> Any:
        return json.loads(self._stream(self.process.stdout).readline())

    def ask(self, number: int, method: str, **params: Any) -> Any:
        """Return the answer to one request."""
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        answer = self.receive()
        assert answer["id"] == number
        return answer

    def initialize(self, revision: str = "2025-06-18") -> Any:
        client = {"name": "raw lines", "version": "0"}
        answer = self.ask(
            0, "initialize", protocolVersion=revision, capabilities={}, clientInfo=client
        )
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer["result"]

    def close(self) -> tuple[str, str]:
        """Close its stdin, and return the rest of its stdout and stderr."""
        return self.process.communicate(timeout=120)

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream


@pytest.fixture
def raw_server(command: str, cache_dir: Path) -> Generator[RawServer]:
    """Yield the running command, which is killed after the test."""
    with subprocess.Popen(
        [command, "--cache-dir", str(cache_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield RawServer(process)
        finally:
            process.kill()
