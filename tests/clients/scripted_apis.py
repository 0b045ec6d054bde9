"""The model APIs of four clients on 127.0.0.1, with one scripted model behind them.

The model calls ``list_tasks`` as soon as it is offered, and then says what it was shown.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.clients.dialects import Anthropic, Chat, Dialect, Gemini, Responses

if TYPE_CHECKING:
    from collections.abc import Generator

_DIALECTS: dict[str, Dialect] = {
    "/v1/messages": Anthropic(),
    "/responses": Responses(),
    "/chat/completions": Chat(),
    ":streamGenerateContent": Gemini(),
}
"""How each API is spoken, by the end of its path."""

_ARGUMENTS = {"status": ["active"], "limit": 3}


class _Handler(BaseHTTPRequestHandler):
    """Answers of the model to one connection."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Answer until the client leaves, which may be without a word."""
        with suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        """Answer a request of a model's API; tell of any other that it is not served."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        dialect = next((known for end, known in _DIALECTS.items() if path.endswith(end)), None)
        if dialect is None:
            self.do_GET()
            return
        request = json.loads(body)
        self._send(200, "text/event-stream", _reply(dialect, request).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        """Tell that nothing else is served."""
        self._send(404, "application/json", b"{}")

    def do_HEAD(self) -> None:
        """Tell that the server is there."""
        self._send(200, "text/plain", b"")

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - its name there
        """Log nothing."""


def _reply(dialect: Dialect, request: dict[str, Any]) -> str:
    if shown := dialect.shown(request):
        return dialect.text(shown)
    offered = dialect.tools(request)
    for name in offered:
        if name.endswith("list_tasks"):
            return dialect.call(name, _ARGUMENTS)
    # As in a request for a title.
    return dialect.text(f"I know no list_tasks among {len(offered)} tools.")


@contextmanager
def scripted_apis() -> Generator[str]:
    """Serve the APIs until the context ends; yield their address, without a slash at the end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
