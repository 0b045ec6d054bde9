"""Uninstall brings back what was there before install."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.cli.install.conftest import Home

CURSOR = ".cursor/mcp.json"


def test_uninstall_after_a_replacement_leaves_no_entry(home: Home) -> None:
    before = '{"mcpServers": {"other": {"command": "x"}}}\n'
    file = home.write(CURSOR, before)
    home.succeed("install", "cursor", "--no-check")
    home.succeed("install", "cursor", "--no-check", "--replace", "--", "--max-wait", "9")
    home.succeed("uninstall", "cursor")
    assert file.read_text() == before


@pytest.mark.parametrize("before", ["", "{}\n", "{}", " \n"])
def test_a_file_without_anything_in_it_is_there_after_uninstall(home: Home, before: str) -> None:
    file = home.write(CURSOR, before)
    home.succeed("install", "cursor", "--no-check")
    home.succeed("uninstall", "cursor")
    assert file.read_text() == before
    assert [*file.parent.iterdir()] == [file]


def test_uninstall_removes_the_file_that_install_made_behind_a_link(home: Home) -> None:
    target = home.path / "dotfiles" / "cursor.json"
    (home.path / ".cursor").mkdir()
    link = home.path / CURSOR
    link.symlink_to(target)
    home.succeed("install", "cursor", "--no-check")
    assert target.exists()
    home.succeed("uninstall", "cursor")
    assert (target.exists(), link.is_symlink()) == (False, True)


def test_uninstall_tells_which_entry_went(home: Home) -> None:
    home.write(CURSOR, '{"mcpServers": {"uniqc": {"command": "mine", "args": ["a b"]}}}')
    assert "Removed the entry that starts `mine 'a b'` from" in home.succeed("uninstall", "cursor")
