"""Snapshots of everything that a client can list, so that a change to it shows in review.

Each tool, resource, template and prompt has its own file. ``server.json`` has the rest, with the
order in which they are listed.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel
    from tests.server.conftest import Cache, Mode


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time zone, which the instructions name."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = "UPDATE_SNAPSHOTS"
REWRITE = f"{UPDATE}=1 python -m pytest {os.path.relpath(__file__)}"


def plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def listings(client: Client) -> dict[str, Any]:
    """Return everything that is listed, by the path of its snapshot without the extension."""
    async with client:
        assert client.server_info is not None
        server = plain(client.server_info)
        del server["version"]  # changes with each release
        capabilities = plain(client.server_capabilities)
        capabilities.pop("extensions", None)  # told since 2026-07-28; see apps/test_pages.py
        listed: dict[str, Sequence[BaseModel]] = {
            "tools": (await client.list_tools()).tools,
            "resources": (await client.list_resources()).resources,
            "resource_templates": (await client.list_resource_templates()).resource_templates,
            "prompts": (await client.list_prompts()).prompts,
        }
        found = {
            f"{kind}/{value['name']}": value
            for kind, values in listed.items()
            for value in map(plain, values)
        }
        assert len(found) == sum(map(len, listed.values())), "two of a kind have the same name"
        found["server"] = {
            "server": server,
            "instructions": (client.instructions or "").splitlines(),
            "capabilities": capabilities,
            "order": list(found),
        }
        return found


async def test_a_read_only_server_matches_its_snapshots(module_cache: Cache, mode: Mode) -> None:
    compare(await listings(module_cache.client(mode)), SNAPSHOTS / "read-only")


async def test_a_clearing_server_matches_its_snapshots(module_cache: Cache, mode: Mode) -> None:
    policy = ClearPolicy(statuses=("success",), min_age=timedelta(days=7), max_rows=100)
    settings = Settings(clearing=ClearSettings(policy=policy))
    server = build_server(module_cache.store, settings)
    compare(await listings(Client(server, mode=mode)), SNAPSHOTS / "clearing")


def test_there_are_no_other_snapshots() -> None:
    assert {path.name for path in SNAPSHOTS.iterdir()} == {"read-only", "clearing"}


# The comparison


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Unset the variables that decide whether snapshots are updated."""
    for name in (UPDATE, "CI"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(
    "live",
    [
        {"server": {}, "tools/a": {"title": "B"}},
        {"server": {}},
        {"server": {}, "tools/a": {"title": "A"}, "tools/b": {}},
    ],
    ids=["changed", "gone", "new"],
)
def test_a_difference_names_the_file_and_how_to_update_it(
    tmp_path: Path, live: dict[str, Any]
) -> None:
    recorded = {"server": {}, "tools/a": {"title": "A"}}
    record(recorded, tmp_path)
    compare(recorded, tmp_path)
    with pytest.raises(AssertionError, match=r"tools/[ab]\.json") as caught:
        compare(live, tmp_path)
    assert REWRITE in str(caught.value)
    assert read(tmp_path) == recorded


def test_an_update_removes_the_snapshots_of_unlisted_items(
    tmp_path: Path, clean_environment: pytest.MonkeyPatch
) -> None:
    clean_environment.setenv(UPDATE, "1")
    for tool in ("a", "b"):
        live: dict[str, Any] = {"server": {}, f"tools/{tool}": {}}
        compare(live, tmp_path)
        assert read(tmp_path) == live


@pytest.mark.parametrize("value", ["0", "", "no"])
def test_only_the_value_1_updates(
    tmp_path: Path, clean_environment: pytest.MonkeyPatch, value: str
) -> None:
    clean_environment.setenv(UPDATE, value)
    with pytest.raises(AssertionError):
        compare({"server": {}}, tmp_path)
    assert read(tmp_path) == {}


def test_nothing_is_updated_in_ci(tmp_path: Path, clean_environment: pytest.MonkeyPatch) -> None:
    clean_environment.setenv(UPDATE, "1")
    clean_environment.setenv("CI", "true")
    with pytest.raises(AssertionError, match=f"unset {UPDATE}"):
        compare({"server": {}}, tmp_path)
    assert read(tmp_path) == {}


def compare(live: Mapping[str, Any], directory: Path) -> None:
    """Fail if a snapshot is missing, left over or different."""
    if os.environ.get(UPDATE) == "1":
        in_ci = bool(os.environ.get("CI"))
        assert not in_ci, f"CI must not update snapshots: unset {UPDATE}"
        record(live, directory)
    recorded = read(directory)
    for name in sorted(live.keys() | recorded.keys()):
        assert live.get(name) == recorded.get(name), (
            f"Clients see something else than {directory / name}.json. "
            f"If this is intended, update the snapshots: {REWRITE}"
        )


def read(directory: Path) -> dict[str, Any]:
    return {
        path.relative_to(directory).with_suffix("").as_posix(): json.loads(
            path.read_text(encoding="utf-8")
        )
        for path in directory.rglob("*")
        if path.is_file()
    }


def record(live: Mapping[str, Any], directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
    for name, value in live.items():
        path = directory / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
