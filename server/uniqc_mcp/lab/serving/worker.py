"""One process that serves: it ends within three seconds of a signal, with status 0."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from uniqc_mcp.lab.access.oidc import OidcTokens
from uniqc_mcp.lab.access.tokens import StaticTokens
from uniqc_mcp.lab.answers.server import build_lab_server
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.http.app import build_app
from uniqc_mcp.lab.serving.log import log_to_stderr
from uniqc_mcp.lab.serving.stores import DatabaseStores, check_database
from uniqc_mcp.protocol.threads import call_is_cancelled

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator

    from uniqc_mcp.lab.http.open_requests import OpenRequests
    from uniqc_mcp.lab.serving.settings import LabSettings

_SECONDS_FOR_REQUESTS: Final = 2
"""Seconds after which the web server gives up requests that did not end by themselves."""

_SECONDS_TO_END: Final = 2.7
"""Seconds after which the process ends whatever a thread of it still does."""

_THIS_MACHINE: Final = ("127.0.0.1", "::1")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""Signals that end the server."""

logger = logging.getLogger(__name__)


def serve(settings: LabSettings, listening: socket.socket) -> None:
    """Serve on a listening socket until a signal arrives."""
    log_to_stderr(settings.log_level)
    with Database(settings.database, should_stop=call_is_cancelled) as database:
        app = _app(settings, database)
        gc.freeze()  # what was imported is never garbage
        _Server(web_config(settings, app), app).run([listening])
    logger.info("ended")


def web_config(settings: LabSettings, app: OpenRequests) -> uvicorn.Config:
    """Return how the application is served."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        # The log names a client by what its proxy says of it, in X-Forwarded-For.
        proxy_headers=True,
        forwarded_allow_ips=[*_THIS_MACHINE, *settings.proxies],
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=_SECONDS_FOR_REQUESTS,
    )


def _app(settings: LabSettings, database: Database) -> OpenRequests:
    own = StaticTokens(database)
    return build_app(
        build_lab_server(
            DatabaseStores(database), max_wait=settings.max_wait, state_key=settings.state_key
        ),
        readers=own if settings.oidc is None else OidcTokens(settings.oidc),
        # A machine has nobody who could log in with a provider.
        sharers=own,
        receiver=Ingest(database, max_stores=settings.max_stores),
        check=lambda: check_database(database),
        settings=settings.http,
    )


class _Server(uvicorn.Server):
    """A server that ends with status 0 on a signal, and closes its streams first.

    uvicorn's own raises the signal again at its end, which a supervisor takes for a crash.
    """

    def __init__(self, config: uvicorn.Config, app: OpenRequests) -> None:
        super().__init__(config)
        self._requests = app

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """End on a signal while the context lasts."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        if self.should_exit:
            return
        logger.info("ending")
        self.should_exit = True
        self._requests.end()
        # A thread can't be ended from outside. Nothing is lost with it: it reads, or the database
        # rolls its transaction back.
        timer = threading.Timer(_SECONDS_TO_END, os._exit, (0,))
        timer.daemon = True
        timer.start()
