"""Everything that a client can list is recorded, so that a change to it shows in review."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel
    from tests.server.conftest import Cache, Mode

RECORDED = Path(__file__).parent / "snapshots" / "listings.json"
REWRITE = "UPDATE_SNAPSHOTS=1 python -m pytest tests/server/test_snapshot.py"


def plain(values: Iterable[BaseModel]) -> list[Any]:
    return [value.model_dump(mode="json", by_alias=True, exclude_none=True) for value in values]


async def listings(cache: Cache, mode: Mode) -> dict[str, Any]:
    async with cache.client(mode) as client:
        assert client.server_info is not None
        capabilities, server = plain([client.server_capabilities, client.server_info])
        del server["version"]  # which each release changes
        return {
            "server": server,
            "instructions": (client.instructions or "").splitlines(),
            "capabilities": capabilities,
            "tools": plain((await client.list_tools()).tools),
            "resources": plain((await client.list_resources()).resources),
            "resource_templates": plain(
                (await client.list_resource_templates()).resource_templates
            ),
            "prompts": plain((await client.list_prompts()).prompts),
        }


async def test_clients_see_what_is_recorded(still_cache: Cache, mode: Mode) -> None:
    live = await listings(still_cache, mode)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        text = json.dumps(live, indent=2, sort_keys=True, ensure_ascii=False)
        RECORDED.write_text(f"{text}\n", encoding="utf-8")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    for part in sorted(live.keys() | recorded.keys()):
        assert live.get(part) == recorded.get(part), (
            f"What clients see as {part} has changed. If that is meant, record it: {REWRITE}"
        )
