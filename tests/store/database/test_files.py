"""Paths, permissions and signatures of the store's files."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import backdate, copy_as_killed, insert, make_store

from uniqc_store import (
    DB_FILENAME,
    DEFAULT_CACHE_DIR,
    StoreUnreadableError,
    TaskInfo,
    TaskStore,
)
from uniqc_store.database.files import companion_of, identity_of
from uniqc_store.database.signature import Signature, Stamp, signature_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Generator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_the_default_directory_is_that_of_uniqc() -> None:
    assert (DEFAULT_CACHE_DIR.name, DEFAULT_CACHE_DIR.parent.name) == ("cache", ".uniqc")
    assert TaskStore(read_only=True).db_path == DEFAULT_CACHE_DIR / "tasks.sqlite"


@pytest.mark.usefixtures("umask")
def test_new_files_are_private_to_the_user(tmp_path: Path) -> None:
    directory = tmp_path / "above" / "cache"
    TaskStore(directory).save(TaskInfo("a", "dummy"))
    assert (mode(directory.parent), mode(directory)) == (0o700, 0o700)
    assert mode(directory / DB_FILENAME) == 0o600


def test_an_existing_file_keeps_its_permissions(tmp_path: Path) -> None:
    directory = make_store(tmp_path / "cache")
    directory.chmod(0o755)
    (directory / DB_FILENAME).chmod(0o640)
    TaskStore(directory).save(TaskInfo("a", "dummy"))
    assert (mode(directory), mode(directory / DB_FILENAME)) == (0o755, 0o640)


def test_an_existing_directory_keeps_its_permissions(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    directory.chmod(0o750)
    TaskStore(directory)
    assert (mode(directory), mode(directory / DB_FILENAME)) == (0o750, 0o600)


def test_a_relative_directory_is_resolved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    writer, reader = TaskStore("cache"), TaskStore("cache", read_only=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    writer.save(TaskInfo("a", "dummy"))
    assert reader.count() == 1
    assert writer.cache_dir == tmp_path / "cache"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "a?mode=ro", "a#b", "a%20b", "数据", "a'b", "a&b=c"])
def test_a_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = TaskStore(str(tmp_path / name))
    store.save(TaskInfo("a", "dummy"))
    assert (tmp_path / name / DB_FILENAME).exists()
    assert TaskStore(tmp_path / name, read_only=True).count() == 1
    store.clear_all()
    assert list((tmp_path / name).iterdir()) == []


def test_a_directory_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    directory = tmp_path / os.fsdecode(b"caf\xe9")
    TaskStore(directory).save(TaskInfo("a", "dummy"))
    assert TaskStore(directory, read_only=True).count() == 1


def test_a_link_to_a_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    TaskStore(tmp_path / "link").save(TaskInfo("a", "dummy"))
    assert TaskStore(tmp_path / "real", read_only=True).count() == 1


def test_a_link_to_a_file_is_followed_to_its_wal_too(tmp_path: Path) -> None:
    store = TaskStore(tmp_path / "cache")
    with_wal = TaskStore(make_store(tmp_path / "live"))
    with_wal.save(TaskInfo("a", "dummy"))

    def copy_while_open(_: object) -> None:
        insert(with_wal.cache_dir, "b")
        copy_as_killed(with_wal.cache_dir, tmp_path / "killed")

    with_wal.read(copy_while_open)
    backdate(tmp_path / "killed")
    store.clear_all()
    store.db_path.symlink_to(tmp_path / "killed" / DB_FILENAME)
    assert TaskStore(store.cache_dir, read_only=True).count() == 2


def test_the_repr_shows_the_directory_and_the_access_mode(tmp_path: Path) -> None:
    assert repr(TaskStore(tmp_path)) == f"TaskStore({str(tmp_path)!r}, read_only=False)"
    reading = TaskStore(tmp_path, read_only=True)
    assert repr(reading) == f"TaskStore({str(tmp_path)!r}, read_only=True)"
    assert reading.read_only


def test_a_missing_file_is_distinguished_from_a_directory_with_its_name(tmp_path: Path) -> None:
    assert identity_of(tmp_path / "missing") is None
    assert identity_of(tmp_path / "missing" / "below") is None
    assert signature_of(tmp_path / "missing") is None
    with pytest.raises(StoreUnreadableError):
        identity_of(tmp_path)


def test_a_file_that_replaces_another_has_another_identity(tmp_path: Path) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_text("a")
    other.write_text("b")
    before = identity_of(file)
    file.write_text("c")
    assert identity_of(file) == before
    other.rename(file)
    assert identity_of(file) != before


def test_a_write_to_the_file_or_its_companions_changes_the_signature(tmp_path: Path) -> None:
    file = tmp_path / DB_FILENAME
    file.write_text("a")
    seen = [signature_of(file)]
    for path, text in [
        (file, "ab"),
        (companion_of(file, "-wal"), ""),
        (companion_of(file, "-wal"), "c"),
        (companion_of(file, "-journal"), "d"),
    ]:
        path.write_text(text)
        seen.append(signature_of(file))
    assert len(set(seen)) == len(seen)


def test_an_empty_wal_counts_as_no_wal(tmp_path: Path) -> None:
    file = tmp_path / DB_FILENAME
    file.touch()
    companion_of(file, "-wal").touch()
    signature = signature_of(file)
    assert signature is not None
    assert not signature.has_wal


def stamped(ns: int) -> Stamp:
    return (1, 2, 3, ns)


@pytest.mark.parametrize(
    ("file", "wal", "settled"),
    [
        (stamped(NOW - SECOND // 10 - 1), None, True),
        (stamped(NOW - SECOND // 100 - 1), None, False),
        (stamped(NOW - 1), None, False),
        (stamped(NOW - SECOND), None, False),  # the file system may store whole seconds only
        (stamped(NOW - 3 * SECOND), None, True),
        (stamped(NOW + SECOND + 1), None, True),
        (stamped(NOW - 9 * SECOND), stamped(NOW - 1), False),
        (stamped(NOW - 9 * SECOND), stamped(NOW - 8 * SECOND), True),
    ],
)
def test_a_file_is_settled_if_any_write_would_change_its_time(
    file: Stamp, wal: Stamp | None, *, settled: bool
) -> None:
    signature = Signature(file=file, wal=wal, journal=None, changed_ns=NOW)
    assert signature.settled(NOW) is settled


@pytest.mark.parametrize(
    ("wal", "journal", "self_contained"),
    [
        (None, None, True),
        ((1, 3, 0, NOW), None, True),
        ((1, 3, 1, NOW), None, False),
        (None, (1, 4, 0, NOW), False),
    ],
)
def test_a_file_without_a_wal_and_a_journal_is_self_contained(
    wal: Stamp | None, journal: Stamp | None, *, self_contained: bool
) -> None:
    signature = Signature(file=stamped(NOW), wal=wal, journal=journal, changed_ns=NOW)
    assert signature.self_contained is self_contained
