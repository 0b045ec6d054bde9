"""Starts that once failed: the server starts, and each call says what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import fill, make_store, unprivileged

import uniqc_mcp
import uniqc_store
from uniqc_mcp.cli.directories import CacheDirectory
from uniqc_mcp.cli.doctor import examine
from uniqc_mcp.settings import Settings
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import StoreUnreadableError, TaskStore

if TYPE_CHECKING:
    from collections.abc import Generator

NOBODY = 65534
PACKAGES = (uniqc_mcp, uniqc_store)
SOURCES = os.pathsep.join(str(Path(package.__path__[0]).parent) for package in PACKAGES)
WITHOUT_HOME = """
import pwd

def unknown_user(number):
    raise KeyError(number)

pwd.getpwuid = unknown_user
from uniqc_mcp.cli.commands import main
main()
"""
"""A start by a user whom the system does not know, as in many containers; HOME is not set."""


@pytest.fixture
def cache_dir() -> Generator[Path]:
    """Return a cache that every user may read, unlike the directories of pytest."""
    with tempfile.TemporaryDirectory(prefix="uniqc-faults-") as name:
        Path(name).chmod(0o755)
        directory = fill(make_store(Path(name, "cache")), "a", status="running")
        yield directory
        directory.chmod(0o755)


@contextmanager
def another_user() -> Generator[None]:
    """Be another user in every respect: os.access() goes by the real one."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_a_directory_that_may_not_be_listed_is_accepted_and_told_per_call(cache_dir: Path) -> None:
    cache_dir.chmod(0)
    with another_user():
        directory = CacheDirectory().convert(str(cache_dir), None, None)
        tools = ReadTools(TaskStore(directory, read_only=True))
        with pytest.raises(StoreUnreadableError, match="Permission denied"):
            tools.list_tasks()
        diagnosis = examine(Settings(cache_dir=directory))
        assert (diagnosis.ok, diagnosis.exists, diagnosis.readable) == (False, None, False)
        assert "          can't be seen by this user" in diagnosis.text().splitlines()
        assert not diagnosis.writable


def test_a_file_that_may_not_be_read_is_told_by_doctor(cache_dir: Path) -> None:
    (cache_dir / "tasks.sqlite").chmod(0)
    with another_user():
        text = examine(Settings(cache_dir=cache_dir)).text()
    assert "bytes, may not be read by this user; the server only reads" in text


def test_a_directory_that_becomes_readable_is_read_without_a_restart(cache_dir: Path) -> None:
    cache_dir.chmod(0)
    with unprivileged():
        tools = ReadTools(TaskStore(cache_dir, read_only=True))
        with pytest.raises(StoreUnreadableError):
            tools.list_tasks()
    cache_dir.chmod(0o755)
    with unprivileged():
        assert tools.list_tasks().total == 1


def test_a_directory_that_may_be_entered_and_not_listed_is_read(cache_dir: Path) -> None:
    cache_dir.chmod(0o111)
    with unprivileged():
        assert ReadTools(TaskStore(cache_dir, read_only=True)).list_tasks().total == 1


def test_doctor_asks_for_the_permissions_of_the_effective_user(cache_dir: Path) -> None:
    assert examine(Settings(cache_dir=cache_dir)).writable
    if os.geteuid() == 0:
        with unprivileged():  # root as the real user, nobody as the effective one
            assert not examine(Settings(cache_dir=cache_dir)).writable


def test_a_user_without_a_home_can_name_a_directory(cache_dir: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_HOME, "doctor", "--cache-dir", str(cache_dir)],
        env={"PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "tasks     1, 1 active" in ended.stdout, ended.stderr
    assert ended.returncode == 0
