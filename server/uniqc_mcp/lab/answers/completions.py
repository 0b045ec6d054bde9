"""Completions of the people and machines that a requester may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from uniqc_mcp.completions import Listed
from uniqc_mcp.lab.access.requester import requesting_owner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uniqc_mcp.lab.answers.stores import LabStores, SharedStore


def selection_values(stores: LabStores) -> Mapping[str, Listed]:
    """Return the functions that list the values of ``owner`` and ``store``."""

    async def visible() -> Sequence[SharedStore]:
        return await anyio.to_thread.run_sync(stores.visible, requesting_owner())

    async def owners(_: Mapping[str, str]) -> Sequence[str]:
        return sorted({one.owner for one in await visible()})

    async def machines(chosen: Mapping[str, str]) -> Sequence[str]:
        owner = chosen.get("owner", "")
        return sorted({one.machine for one in await visible() if owner in ("", one.owner)})

    return {
        "owner": Listed(field="owner", values=owners),
        "store": Listed(field="machine", values=machines),
    }
