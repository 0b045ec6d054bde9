"""The objects that live as long as a client is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uniqc_mcp.cancelled_waits import CancelledWaits
    from uniqc_mcp.settings import ClearSettings
    from uniqc_mcp.subscriptions.subscriber import Subscriptions
    from uniqc_mcp.subscriptions.watcher import StoreWatcher
    from uniqc_store import PendingPlans


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """The server's lifespan context, which every request context refers to.

    Attributes:
        watcher: The watcher of the store, shared by all waits and subscriptions.
        subscriptions: The resources that the client subscribed to.
        cancelled_waits: The waits that the client cancelled.
        clearing: The operator's limits on clearing; None if the server only reads.
        pending_plans: The plans that wait for their commit; None if the server only reads.
    """

    watcher: StoreWatcher
    subscriptions: Subscriptions
    cancelled_waits: CancelledWaits
    clearing: ClearSettings | None
    pending_plans: PendingPlans | None
