"""Comments between the table of this server and the next one are no part of it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.cli.install.conftest import Home

CODEX = ".codex/config.toml"
BEFORE = 'model = "m"\n\n# servers\n[mcp_servers.other]\ncommand = "x"\n'
AFTER = (
    "\n# the end\n",
    "\n# my profile\n[profiles.x]\nmodel = 'n'\n",
    "\n# one\n\n# two\n\n[mcp_servers.last]  # three\nargs = [\n  '[a]',\n]\n",
    "\n[mcp_servers.uniqc.env]\nUNIQC_MCP_EAGER = '1'\n\n# note\n[[tables]]\nx = 1\n",
)


@pytest.mark.parametrize("after", AFTER)
def test_comments_after_the_table_outlive_it(home: Home, after: str) -> None:
    file = home.write(CODEX, BEFORE)
    home.succeed("install", "codex", "--no-check")
    file.write_text(file.read_text() + after)
    home.succeed("uninstall", "codex")
    left = file.read_text()
    assert left.startswith(BEFORE)
    assert [line for line in after.splitlines() if "#" in line] == [
        line for line in left.removeprefix(BEFORE).splitlines() if "#" in line
    ]
    assert "uniqc" not in left


@pytest.mark.parametrize("after", AFTER[:3])
def test_comments_after_the_table_outlive_a_replacement(home: Home, after: str) -> None:
    file = home.write(CODEX, BEFORE)
    home.succeed("install", "codex", "--no-check")
    file.write_text(file.read_text() + after)
    home.succeed("install", "codex", "--no-check", "--replace", "--", "--max-wait", "9")
    left = file.read_text()
    assert all(line in left for line in after.splitlines())
    assert tomllib.loads(left)["mcp_servers"]["uniqc"]["args"] == ["--max-wait", "9"]
