"""Files are written whole or not at all, and stay what they were beside their content."""

from __future__ import annotations

import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from uniqc_mcp.cli.install.editing.files import write
from uniqc_mcp.cli.install.errors import InstallError

if TYPE_CHECKING:
    from tests.server.cli.install.conftest import Home

CURSOR = ".cursor/mcp.json"


def test_a_symbolic_link_stays_one(home: Home) -> None:
    target = home.write("dotfiles/cursor.json", '\ufeff{\r\n\t"a": 1\r\n}\r\n')
    before = target.read_bytes()
    (home.path / ".cursor").mkdir()
    link = home.path / CURSOR
    link.symlink_to(target)
    home.succeed("install", "cursor", "--no-check")
    assert link.is_symlink()
    assert target.read_bytes().startswith(b'\xef\xbb\xbf{\r\n\t"a": 1,\r\n\t"mcpServers": {\r\n')
    assert target.read_bytes().count(b"\n") == target.read_bytes().count(b"\r\n")
    home.succeed("uninstall", "cursor")
    assert (link.is_symlink(), target.read_bytes()) == (True, before)


def test_a_link_to_nothing_gets_its_file(home: Home) -> None:
    (home.path / ".cursor").mkdir()
    link = home.path / CURSOR
    link.symlink_to(home.path / "dotfiles" / "cursor.json")
    home.succeed("install", "cursor", "--no-check")
    assert link.is_symlink()
    assert "uniqc" in (home.path / "dotfiles" / "cursor.json").read_text()


def test_a_folder_that_can_not_be_written_is_told(home: Home) -> None:
    home.write(".cursor", "no folder")
    said = home.fail("install", "cursor")
    assert "mcp.json can't be read: Not a directory." in said


def test_a_file_that_another_program_changed_meanwhile_is_left_alone(home: Home) -> None:
    file = home.write(CURSOR, "{}")
    with pytest.raises(InstallError, match="changed by another program"):
        write(file, b"{ }", b'{"mcpServers": {}}')
    assert file.read_text() == "{}"


def test_a_disk_that_fills_up_leaves_the_file_as_it_was(home: Home) -> None:
    file = home.write(CURSOR, "{}")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
    try:
        with pytest.raises(InstallError, match="can't be written: File too large"):
            write(file, b"{}", b"{" + b" " * 5000 + b"}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert file.read_text() == "{}"
    assert {each.name for each in file.parent.iterdir()} == {
        "mcp.json",
        "mcp.json.before-uniqc-mcp",
    }


def test_a_read_only_file_is_left_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home.write(CURSOR, "{}")
    file.chmod(0o444)
    if os.geteuid() == 0:  # root may write what is read-only

        def may(_path: object, mode: int) -> bool:
            return mode != os.W_OK

        monkeypatch.setattr(os, "access", may)
    assert "is read-only" in home.fail("install", "cursor")
    assert file.read_text() == "{}"
