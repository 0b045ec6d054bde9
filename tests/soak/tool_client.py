"""A client of one server over stdio that times each call of a tool."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.stdio_client import RawServer, call_line

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswer:
    """The answer to one call.

    Attributes:
        tool: The tool.
        began: The monotonic time before the call.
        ended: The monotonic time after it.
        structure: The structured content; empty for an error.
        error: The text of an error; empty if there is none.
    """

    tool: str
    began: float
    ended: float
    structure: dict[str, Any]
    error: str

    @property
    def seconds(self) -> float:
        """The seconds that the call took."""
        return self.ended - self.began


class ToolClient:
    """A server of this package in a process of its own, which ends with ``close``."""

    def __init__(self, cache_dir: Path, *options: str) -> None:
        command = [sys.executable, "-m", "uniqc_mcp", "--cache-dir", str(cache_dir), *options]
        self._server = RawServer(command)
        self._server.initialize()

    def call(self, tool: str, **arguments: object) -> ToolAnswer:
        """Call a tool, and return its answer, also if that is an error.

        Raises:
            ServerSilentError: The server ended, or did not answer within two minutes.
        """
        line = call_line(tool, arguments)
        began = time.monotonic()
        answer = json.loads(self._server.exchange(line))
        ended = time.monotonic()
        result = answer.get("result", {})
        error = json.dumps(answer["error"]) if "error" in answer else ""
        if result.get("isError"):
            error = result["content"][0]["text"]
        structure: dict[str, Any] = {} if error else result["structuredContent"]
        return ToolAnswer(tool=tool, began=began, ended=ended, structure=structure, error=error)

    def close(self) -> None:
        """End the server as a client does."""
        self._server.close()
