"""Servers over HTTP whose tools return constants, or that answer from a laboratory's database.

    python -m benchmarks.http_server {stock|door|tasks} ANSWERS.json

Each listens at a free port of this machine, which it writes to stdout. ``stock`` has the constants
of `constant_server` and the SDK's own application; ``door`` has the same server in this project's
application, with its tokens; ``tasks`` is the server of a laboratory. The address of the database
is in the variable of ``uniqc-mcp lab serve``.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server import MCPServer

from benchmarks.constant_server import add_tools
from uniqc_mcp.lab.access.tokens import StaticTokens
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.http.app import HttpSettings, build_app
from uniqc_mcp.lab.serving.settings import LabSettings
from uniqc_mcp.lab.serving.worker import serve


def main() -> None:
    """Serve until a signal arrives."""
    _, kind, answers = sys.argv
    address = os.environ["UNIQC_MCP_LAB_DATABASE"]
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        print(listening.getsockname()[1], flush=True)
        if kind == "tasks":
            serve(LabSettings(database=address, log_level="error"), listening)
            return
        server = MCPServer[Any]("constant", log_level="ERROR")
        for answer in json.loads(Path(answers).read_text()):
            add_tools(server, **answer)
        with Database(address) as database:
            app = server.streamable_http_app() if kind == "stock" else _door(server, database)
            # The SDK's own would log each request at this level's default, which costs time.
            config = uvicorn.Config(app, log_config=None, log_level="error", access_log=False)
            uvicorn.Server(config).run([listening])


def _door(server: MCPServer[Any], database: Database) -> Any:
    tokens = StaticTokens(database)
    return build_app(
        server,
        readers=tokens,
        sharers=tokens,
        receiver=Ingest(database),
        check=lambda: None,
        settings=HttpSettings(),
    )


if __name__ == "__main__":
    main()
