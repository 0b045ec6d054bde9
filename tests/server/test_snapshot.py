"""Everything that a client can list is recorded, so that a change to it shows in review."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp import Client

from uniqc_mcp.app import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel
    from tests.server.conftest import Cache, Mode

SNAPSHOTS = Path(__file__).parent / "snapshots"
REWRITE = "UPDATE_SNAPSHOTS=1 python -m pytest tests/server/test_snapshot.py"


def plain(values: Iterable[BaseModel]) -> list[Any]:
    return [value.model_dump(mode="json", by_alias=True, exclude_none=True) for value in values]


async def listings(client: Client) -> dict[str, Any]:
    async with client:
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
    compare(await listings(still_cache.client(mode)), "listings.json")


async def test_clients_of_a_server_that_may_clear_see_what_is_recorded(
    still_cache: Cache, mode: Mode
) -> None:
    policy = ClearPolicy(statuses=("success",), min_age=timedelta(days=7), max_rows=100)
    settings = Settings(clearing=ClearSettings(policy=policy))
    server = build_server(still_cache.store, settings)
    compare(await listings(Client(server, mode=mode)), "listings-clearing.json")


def compare(live: dict[str, Any], name: str) -> None:
    recorded_in = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        text = json.dumps(live, indent=2, sort_keys=True, ensure_ascii=False)
        recorded_in.write_text(f"{text}\n", encoding="utf-8")
    recorded = json.loads(recorded_in.read_text(encoding="utf-8"))
    for part in sorted(live.keys() | recorded.keys()):
        assert live.get(part) == recorded.get(part), (
            f"What clients see as {part} has changed. If that is meant, record it: {REWRITE}"
        )
