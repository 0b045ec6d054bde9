"""Everything that a client can list is recorded, so that a change to it shows in review.

Each tool, resource, template and prompt has a file of its own; ``server.json`` has the rest, with
the order in which they are listed.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel
    from tests.server.conftest import Cache, Mode

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = "UPDATE_SNAPSHOTS"
REWRITE = f"{UPDATE}=1 python -m pytest {os.path.relpath(__file__)}"


def plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def listings(client: Client) -> dict[str, Any]:
    """Everything that is listed, by the path of the file that has it, without the extension."""
    async with client:
        assert client.server_info is not None
        server = plain(client.server_info)
        del server["version"]  # which each release changes
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
            "capabilities": plain(client.server_capabilities),
            "order": list(found),
        }
        return found


async def test_clients_see_what_is_recorded(still_cache: Cache, mode: Mode) -> None:
    compare(await listings(still_cache.client(mode)), SNAPSHOTS / "read-only")


async def test_clients_of_a_server_that_may_clear_see_what_is_recorded(
    still_cache: Cache, mode: Mode
) -> None:
    policy = ClearPolicy(statuses=("success",), min_age=timedelta(days=7), max_rows=100)
    settings = Settings(clearing=ClearSettings(policy=policy))
    server = build_server(still_cache.store, settings)
    compare(await listings(Client(server, mode=mode)), SNAPSHOTS / "clearing")


def test_nothing_else_is_recorded() -> None:
    assert {path.name for path in SNAPSHOTS.iterdir()} == {"read-only", "clearing"}


# How it is compared


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing is updated, and it may be."""
    for name in (UPDATE, "CI"):
        monkeypatch.delenv(name, raising=False)  # which may be there or not
    return monkeypatch


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize(
    "live",
    [
        {"server": {}, "tools/a": {"title": "B"}},
        {"server": {}},
        {"server": {}, "tools/a": {"title": "A"}, "tools/b": {}},
    ],
    ids=["changed", "gone", "new"],
)
def test_a_difference_is_told_with_the_file_that_has_it_and_how_to_record_it(
    tmp_path: Path, live: dict[str, Any]
) -> None:
    recorded = {"server": {}, "tools/a": {"title": "A"}}
    record(recorded, tmp_path)
    compare(recorded, tmp_path)
    with pytest.raises(AssertionError, match=r"tools/[ab]\.json") as caught:
        compare(live, tmp_path)
    assert REWRITE in str(caught.value)
    assert read(tmp_path) == recorded


def test_recording_again_removes_what_is_listed_no_more(
    tmp_path: Path, by_hand: pytest.MonkeyPatch
) -> None:
    by_hand.setenv(UPDATE, "1")
    for tool in ("a", "b"):
        live: dict[str, Any] = {"server": {}, f"tools/{tool}": {}}
        compare(live, tmp_path)
        assert read(tmp_path) == live


@pytest.mark.parametrize("value", ["0", "", "no"])
def test_nothing_but_a_1_records_again(
    tmp_path: Path, by_hand: pytest.MonkeyPatch, value: str
) -> None:
    by_hand.setenv(UPDATE, value)
    with pytest.raises(AssertionError):
        compare({"server": {}}, tmp_path)
    assert read(tmp_path) == {}


def test_nothing_is_recorded_where_nobody_would_review_it(
    tmp_path: Path, by_hand: pytest.MonkeyPatch
) -> None:
    by_hand.setenv(UPDATE, "1")
    by_hand.setenv("CI", "true")
    with pytest.raises(AssertionError, match=f"unset {UPDATE}"):
        compare({"server": {}}, tmp_path)
    assert read(tmp_path) == {}


def compare(live: Mapping[str, Any], directory: Path) -> None:
    """Fail where a file is missing, is left over, or holds something else."""
    if os.environ.get(UPDATE) == "1":
        in_ci = bool(os.environ.get("CI"))
        assert not in_ci, f"CI compares with what is recorded: unset {UPDATE}"
        record(live, directory)
    recorded = read(directory)
    for name in sorted(live.keys() | recorded.keys()):
        assert live.get(name) == recorded.get(name), (
            f"What clients see has changed: {directory / name}.json. "
            f"If that is meant, record it: {REWRITE}"
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
