"""The server itself, with all that ``serve`` loads once a client asks for more than its lists."""

from __future__ import annotations

import gc
import logging
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from uniqc_mcp.protocol.handover import Handover
    from uniqc_mcp.settings import Settings

logger = logging.getLogger(__name__)


def run_server(settings: Settings, handover: Handover, *, log_level: str) -> None:
    """Serve over stdin and stdout until the client leaves."""
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if handover.reason:
        logger.debug("the server answers itself: %s", handover.reason)
    with _no_garbage_collection():
        import anyio  # noqa: PLC0415 - the collector must be off

        from uniqc_mcp.protocol.stdio import serve_stdio  # noqa: PLC0415 - as above
        from uniqc_mcp.server import build_server, build_store  # noqa: PLC0415 - as above

        server = build_server(build_store(settings), settings)
    anyio.run(partial(serve_stdio, server, handover=handover))


@contextmanager
def _no_garbage_collection() -> Generator[None]:
    """Collect no garbage meanwhile, and exempt what is there at the end from later collections.

    A start takes a tenth less time, as imports produce hardly any garbage:
    ``python -m benchmarks --only starts``.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
