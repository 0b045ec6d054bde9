"""What lives as long as a client is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uniqc_mcp.clearing.tools import ClearTools
    from uniqc_mcp.subscriptions.subscriber import Subscriptions
    from uniqc_mcp.subscriptions.watcher import StoreWatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """What tools and handlers find in their context.

    Attributes:
        live: The watcher.
        subscriptions: What the client listens to.
        clears: None where the server only reads.
    """

    watcher: StoreWatcher
    subscriptions: Subscriptions
    clears: ClearTools | None
