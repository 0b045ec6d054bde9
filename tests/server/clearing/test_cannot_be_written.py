"""Plans on a store that can't be written say so at once, and reading goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.clearing_cache import Cache, Person
from tests.faults.test_no_descriptors import MOST_FREE, free_descriptors
from tests.store.conftest import unprivileged

from uniqc_mcp.clearing.tools import ClearTools
from uniqc_mcp.cli.doctor import examine
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import (
    CLEARED_FILENAME,
    StoreNewerError,
    StoreUnreadableError,
    StoreUnwritableError,
    TaskFilter,
    TaskInfo,
    TaskStore,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.clearing_cache import Mode

SAID = "Nothing can be cleared here. "


@pytest.fixture
def public_cache() -> Generator[Cache]:
    """Return a cache that every user may enter, unlike the directories of pytest."""
    with tempfile.TemporaryDirectory(prefix="uniqc-clearing-") as name:
        Path(name).chmod(0o755)
        cache = Cache(Path(name, "cache")).fill(3)
        cache.path.chmod(0o644)
        cache.directory.chmod(0o755)
        yield cache
        cache.directory.chmod(0o755)


async def refused(cache: Cache, mode: Mode, *, confirm: Any = "human") -> str:
    """Return the message of a plan that is refused before a user is asked."""
    person = Person()
    async with cache.client(mode, cache.settings(confirm=confirm), person) as client:
        text, plan = await cache.call(client, "clear_tasks")
        assert plan["state"] == "refused"
        assert not plan.keys() & {"plan_id", "matched", "planned"}
        assert plan["message"] in text
        _, listed = await cache.call(client, "list_tasks", status="any")
        assert listed["total"] == 3
    assert person.asked == []
    message: str = plan["message"]
    assert message.startswith(SAID)
    return message


async def test_a_newer_schema_is_told_by_the_plan_and_read(cache: Cache, mode: Mode) -> None:
    cache.fill(3).change("PRAGMA user_version = 9")
    before = cache.backdate().files()
    message = await refused(cache, mode)
    assert "schema version 9, newer than 5" in message
    assert "it can be read, not written. Update uniqc-mcp." in message
    assert cache.files() == before


def test_the_store_says_the_same_of_a_newer_schema(cache: Cache) -> None:
    cache.fill(1).change("PRAGMA user_version = 9")
    with pytest.raises(StoreNewerError):
        cache.store.check_clearable()


async def test_a_directory_that_may_not_be_written_is_told_by_the_plan(
    public_cache: Cache, mode: Mode
) -> None:
    public_cache.path.chmod(0o666)
    public_cache.directory.chmod(0o555)
    with unprivileged():
        message = await refused(public_cache, mode)
    assert f"can't be written (this user may not write {public_cache.directory})" in message
    assert "reading does not need that" in message


async def test_another_users_file_is_told_by_the_plan(public_cache: Cache, mode: Mode) -> None:
    public_cache.directory.chmod(0o777)
    with unprivileged():
        message = await refused(public_cache, mode)
    assert f"can't be written (this user may not write {public_cache.path})" in message
    assert CLEARED_FILENAME not in public_cache.files()


async def test_another_users_file_of_copies_is_told_by_the_plan(
    public_cache: Cache, mode: Mode
) -> None:
    store = TaskStore(public_cache.directory)
    held = store.pending_plans().add(store.plan_clear(TaskFilter()), asks_user=False)
    copies = public_cache.directory / CLEARED_FILENAME
    public_cache.directory.chmod(0o777)
    public_cache.path.chmod(0o666)
    copies.chmod(0o644)
    with unprivileged():
        message = await refused(public_cache, mode)
        with pytest.raises(StoreUnwritableError):
            public_cache.store.pending_plans().take(held.plan_id)
    assert f"{CLEARED_FILENAME} can't be written" in message
    copies.chmod(0o600)
    with unprivileged():
        assert f"{CLEARED_FILENAME} can't be opened" in await refused(public_cache, mode)


async def test_a_commit_that_cannot_write_uses_up_no_plan(public_cache: Cache, mode: Mode) -> None:
    public_cache.directory.chmod(0o777)
    public_cache.path.chmod(0o666)
    with unprivileged():
        async with public_cache.client(mode) as client:
            _, plan = await public_cache.call(client, "clear_tasks")
            os.seteuid(0)
            public_cache.directory.chmod(0o555)
            os.seteuid(65534)
            said = await public_cache.refusal(client, "clear_tasks", plan_id=plan["plan_id"])
            assert "can't be written" in said
            os.seteuid(0)
            public_cache.directory.chmod(0o777)
            os.seteuid(65534)
            _, done = await public_cache.call(client, "clear_tasks", plan_id=plan["plan_id"])
    assert (done["state"], done["cleared"]) == ("cleared", 3)


@pytest.mark.parametrize("part", ["cache", "file"])
def test_doctor_notes_that_nothing_can_be_cleared(
    public_cache: Cache, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The home of the tests may be closed to others, who then can't read the state of share either.
    monkeypatch.setenv("XDG_STATE_HOME", str(public_cache.directory))
    place = public_cache.directory if part == "cache" else public_cache.path
    place.chmod(0o555)
    with unprivileged():
        diagnosis = examine(public_cache.settings())
        assert examine(public_cache.settings(clears=False)).notes == []
    assert diagnosis.ok
    assert any(note.startswith(f"{SAID}") for note in diagnosis.notes)


def test_a_store_that_can_not_be_written_is_read_by_one_opened_to_write(
    public_cache: Cache,
) -> None:
    public_cache.path.chmod(0o444)
    public_cache.directory.chmod(0o555)
    with unprivileged():
        store = TaskStore(public_cache.directory)
        assert store.count() == 3
        for write in (
            lambda: store.save(TaskInfo("new", "dummy")),
            lambda: store.delete("task-1"),
            lambda: store.clear(store.plan_clear(TaskFilter())),
        ):
            with pytest.raises(StoreUnwritableError, match="can't be written"):
                write()
        assert store.count() == 3


MOUNTED = """
import subprocess, sys
place = sys.argv[1]
subprocess.run(["mount", "--bind", place, place], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
from uniqc_store import StoreUnwritableError, TaskStore
store = TaskStore(place, read_only=True)
print(store.count())
try:
    store.check_clearable()
except StoreUnwritableError as error:
    print(error)
"""


def may_mount() -> bool:
    with suppress(OSError):
        command = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False


@pytest.mark.skipif(not may_mount(), reason="a user who may mount file systems")
def test_a_read_only_mount_is_named(cache: Cache) -> None:
    cache.fill(3)
    command = ["unshare", "--mount", sys.executable, "-c", MOUNTED, str(cache.directory)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    count, error = ran.stdout.splitlines()
    assert count == "3"
    assert "can't be written (the file system is mounted read-only)" in error


def test_without_descriptors_a_plan_says_that_nothing_can_be_written(cache: Cache) -> None:
    settings = cache.fill(3).settings().clearing
    assert settings is not None
    tools = ClearTools(cache.store, settings, cache.store.pending_plans())
    reading = ReadTools(cache.store)
    tools.plan(TaskFilter(), older_than=timedelta(0))  # imports need descriptors too
    states: set[str] = set()
    for free in range(MOST_FREE):
        with free_descriptors(free):
            try:
                plan = tools.plan(TaskFilter(), older_than=timedelta(0))
            except StoreUnreadableError:
                continue  # too few to read
            if plan.state == "refused":
                assert "can't be written (this process has no descriptors left" in plan.message
                assert reading.count_tasks().total == 3
            states.add(plan.state)
    assert states == {"planned", "refused"}
