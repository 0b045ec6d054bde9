"""The recorded answers are those of the server, byte for byte."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.record_opening import COMMAND, LISTS, NOW, REVISIONS, live_results, record

from uniqc_mcp.opening.recording import (
    FILE,
    RecordedAnswers,
    Recording,
    read_recording,
    why_unusable,
)
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import ClearPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = {
    "reads": Settings(),
    "clears": Settings(clearing=ClearSettings(policy=ClearPolicy(statuses=("failed",)))),
    "clears with every limit": Settings(
        clearing=ClearSettings(
            policy=ClearPolicy(min_age=timedelta(days=7), backends=('quafu "日本"',), max_rows=5),
            confirm="plan",
            keep=timedelta(days=1),
        ),
    ),
    "waits less": Settings(max_wait=10),
    "elsewhere": Settings(cache_dir=Path("/nowhere/at/all")),
}


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
async def test_each_recorded_answer_is_the_servers_byte_for_byte(
    settings: Settings, revision: str
) -> None:
    recorded = RecordedAnswers(read_recording(), settings, lambda: NOW)
    live = await live_results(settings, revision)
    found = {method: recorded.result(revision, method) for method in live}
    if settings.max_wait != Settings().max_wait:
        assert found.pop("tools/list") is None
        del live["tools/list"]
    assert found == live, f"run: {COMMAND}"
    assert set(LISTS) - {"tools/list"} <= found.keys()


async def test_the_file_is_what_the_command_records() -> None:
    assert json.dumps(await record()) == json.dumps(read_recording()), f"run: {COMMAND}"
    assert FILE.stat().st_size < 100_000


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_the_instructions_name_the_zone_of_this_machine(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    recorded = RecordedAnswers(read_recording(), Settings(), lambda: NOW)
    result = json.loads(recorded.result("2025-06-18", "initialize") or "{}")
    assert f"this machine's zone ({zone}" in result["instructions"]


@pytest.mark.parametrize(
    ("revision", "method"),
    [
        ("2025-06-18", "tools/call"),
        ("2025-06-18", "server/discover"),
        ("2026-07-28", "initialize"),
        ("2026-07-28", "ping"),
        ("2099-01-01", "initialize"),
        ("", "tools/list"),
    ],
)
def test_what_was_not_recorded_has_no_result(revision: str, method: str) -> None:
    recorded = RecordedAnswers(read_recording(), Settings(), lambda: NOW)
    assert recorded.result(revision, method) is None


def test_a_recording_of_the_installed_versions_can_be_used() -> None:
    assert why_unusable(read_recording()) == ""


@pytest.mark.parametrize("package", ["uniqc-mcp", "mcp", "mcp_types"])
def test_a_recording_of_another_version_is_not_used(package: str) -> None:
    recording = read_recording()
    recording["versions"][package] = "0.0.1"
    assert f"{package} 0.0.1" in why_unusable(recording)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Recording]:
    """Return a function that makes folders with the SDK's packages, first on the path."""

    def install(**versions: str) -> Recording:
        folders = [tmp_path / str(number) for number in range(len(versions))]
        for folder, (package, version) in zip(folders, versions.items(), strict=True):
            (folder / package).mkdir(parents=True)
            (folder / f"{package}-{version}.dist-info").mkdir()
        monkeypatch.setattr(sys, "path", [*map(str, folders), *sys.path])
        return read_recording()

    return install


def test_the_version_is_that_of_the_first_package_on_the_path(
    installed: Callable[..., Recording],
) -> None:
    recording = read_recording()
    assert why_unusable(installed(**{name: recording["versions"][name] for name in ("mcp",)})) == ""
    assert "another is installed" in why_unusable(installed(mcp_types="9.9.9"))
