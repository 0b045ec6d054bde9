"""The processes of a laboratory's server, which share one socket."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.http.open_requests import FIELDS
from uniqc_mcp.lab.operations import check_service, connected
from uniqc_mcp.lab.serving.log import log_to_stderr
from uniqc_mcp.lab.serving.settings import SettingsError
from uniqc_mcp.lab.serving.worker import SIGNALS, serve

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.context import SpawnProcess

    from uniqc_mcp.lab.serving.settings import LabSettings

_BACKLOG: Final = 2048
_SECONDS_TO_END: Final = 2.9
_SECONDS_BETWEEN_STARTS: Final = 1.0
"""Pause before a worker that died is replaced, so that a fault does not fill the machine."""

logger = logging.getLogger(__name__)


def run(settings: LabSettings) -> None:
    """Serve until a signal arrives.

    Raises:
        LabError: The database can't be used.
        SettingsError: The address can't be listened at.
    """
    with connected(settings.database) as connection:
        check_service(connection)
    log_to_stderr(settings.log_level)
    with listening_at(settings.host, settings.port) as listening:
        host, port, *_ = listening.getsockname()
        fields = {"host": host, "port": port, "workers": settings.workers}
        logger.info("listening", extra={FIELDS: fields})
        if settings.workers == 1:
            serve(settings, listening)
        else:
            _Workers(settings, listening).run()


class _Workers:
    """Processes that serve on one socket, of which each that dies is replaced."""

    def __init__(self, settings: LabSettings, listening: socket.socket) -> None:
        self._settings = settings
        self._listening = listening
        self._processes: list[SpawnProcess] = []

    def run(self) -> None:
        """Serve until a signal arrives."""
        with _signalled() as signal_socket:
            self._processes = [self._start() for _ in range(self._settings.workers)]
            while True:
                sentinels = [process.sentinel for process in self._processes]
                ready = wait([*sentinels, signal_socket])
                if signal_socket in ready:
                    break
                self._replace_dead()
            self._end()

    def _start(self) -> SpawnProcess:
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_serve_as_child, args=(self._settings, self._listening))
        process.start()
        return process

    def _replace_dead(self) -> None:
        dead = [process for process in self._processes if not process.is_alive()]
        for process in dead:
            logger.error("worker %s ended with status %s", process.pid, process.exitcode)
            self._processes.remove(process)
        time.sleep(_SECONDS_BETWEEN_STARTS)
        self._processes += [self._start() for _ in dead]

    def _end(self) -> None:
        deadline = time.monotonic() + _SECONDS_TO_END
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()


def _serve_as_child(settings: LabSettings, listening: socket.socket) -> None:
    """Serve until a signal arrives, or until the parent process is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def end_with_parent() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=end_with_parent, daemon=True).start()
    serve(settings, listening)


@contextmanager
def _signalled() -> Generator[socket.socket]:
    """Yield a socket that can be read once a signal to end has arrived."""
    reading, writing = socket.socketpair()
    with reading, writing:
        writing.settimeout(0)  # as set_wakeup_fd wants it
        before = signal.set_wakeup_fd(writing.fileno())
        handlers = {number: signal.signal(number, _ignore) for number in SIGNALS}
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _ignore(*_: object) -> None:
    """Do nothing: the signal is read from the socket."""


@contextmanager
def listening_at(host: str, port: int) -> Generator[socket.socket]:
    """Yield a socket that listens.

    Raises:
        SettingsError: The address can't be listened at.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without its protocol, asyncio does not turn Nagle's algorithm off: answers take 40 ms more.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(_BACKLOG)
        except OSError as error:
            raise SettingsError(
                f"{host} port {port} can't be listened at: {error.strerror or error}"
            ) from error
        yield listening
