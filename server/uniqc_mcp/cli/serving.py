"""The server itself, with all that ``serve`` loads once a client asks for more than its lists."""

from __future__ import annotations

import logging
import sys
from functools import partial
from typing import TYPE_CHECKING

from uniqc_mcp.cli.deferred import no_garbage_collection

if TYPE_CHECKING:
    from uniqc_mcp.protocol.handover import Handover
    from uniqc_mcp.settings import Settings
    from uniqc_store import TaskStore

logger = logging.getLogger(__name__)


def run_server(
    settings: Settings, handover: Handover, store: TaskStore | None, *, log_level: str
) -> None:
    """Serve over stdin and stdout until the client leaves.

    Args:
        settings: The settings of the server.
        handover: The state of the connection.
        store: The store, if it was read before.
        log_level: The level of the log on stderr.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if handover.reason:
        logger.debug("the server answers itself: %s", handover.reason)
    with no_garbage_collection():
        import anyio  # noqa: PLC0415 - the collector must be off

        from uniqc_mcp.protocol.stdio import serve_stdio  # noqa: PLC0415 - as above
        from uniqc_mcp.server import build_server, build_store  # noqa: PLC0415 - as above

        server = build_server(build_store(settings, store), settings)
    anyio.run(partial(serve_stdio, server, handover=handover))
