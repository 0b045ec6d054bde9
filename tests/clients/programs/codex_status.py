"""Ask Codex which servers it has, and print a line for each with the tools that it got from it.

``codex mcp list`` starts no server; the app server does, without an account.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any


def main() -> None:
    """Print the status of each server that Codex starts."""
    with subprocess.Popen(
        ["codex", "app-server"],  # noqa: S607 - the one on the PATH that the caller set
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as codex:
        client = {"name": "uniqc-mcp", "version": "0"}
        _ask(codex, 1, "initialize", {"clientInfo": client})
        answer = _ask(codex, 2, "mcpServerStatus/list", {})
        for server in answer["data"]:
            state = "connected" if server["tools"] else "has no tools"
            print(f"{server['name']} {state}: {', '.join(sorted(server['tools']))}")
        codex.terminate()


def _ask(codex: subprocess.Popen[str], number: int, method: str, params: object) -> Any:
    assert codex.stdin is not None
    assert codex.stdout is not None
    codex.stdin.write(json.dumps({"id": number, "method": method, "params": params}) + "\n")
    codex.stdin.flush()
    for line in codex.stdout:
        answer = json.loads(line)
        if answer.get("id") == number:
            return answer["result"]
    raise SystemExit(f"Codex left before it answered {method}")


main()
