"""Editors and other programs with windows, as a table.

docs/clients.md says which rows were run, and where the others come from.
"""

from __future__ import annotations

from typing import Final

from uniqc_mcp.cli.install import shapes
from uniqc_mcp.cli.install.client import Client, at, below, servers
from uniqc_mcp.cli.install.machine import Place

_DESKTOP: Final = Place("$CONFIG/Claude", "~/Library/Application Support/Claude", "$APPDATA/Claude")
_CODE: Final = Place(
    "$CONFIG/Code/User", "~/Library/Application Support/Code/User", "$APPDATA/Code/User"
)
_ZED: Final = Place("$CONFIG/zed", "~/.config/zed", "$APPDATA/Zed")
_CLINE_IN_CODE: Final = _CODE.below("globalStorage/saoudrizwan.claude-dev")
_RESTART: Final = "Quit the program and start it again: it reads the file only then."
_SWITCH_ON: Final = "If its settings for MCP don't show the server, restart it."
_START: Final = "Start it by `MCP: List Servers` in the command palette, and trust it there."

WINDOW_CLIENTS: Final[tuple[Client, ...]] = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        syntax="json",
        targets={"user": below(_DESKTOP, "claude_desktop_config.json", _RESTART)},
        applications=("/Applications/Claude.app", "$LOCALAPPDATA/AnthropicClaude"),
        folder=_DESKTOP,
    ),
    Client(
        name="cursor",
        title="Cursor",
        targets={
            "user": at("~/.cursor/mcp.json", todo=_SWITCH_ON),
            "project": at("./.cursor/mcp.json", todo=_SWITCH_ON),
        },
        asks=True,
        programs=("cursor",),
        applications=("/Applications/Cursor.app", "$LOCALAPPDATA/Programs/cursor"),
        folder=Place("~/.cursor"),
    ),
    Client(
        name="vscode",
        title="VS Code",
        forms=servers(shapes.TYPED, "servers"),
        targets={
            "user": below(_CODE, "mcp.json", _START),
            "project": at("./.vscode/mcp.json", todo=_START),
        },
        asks=True,
        programs=("code",),
        applications=(
            "/Applications/Visual Studio Code.app",
            "$LOCALAPPDATA/Programs/Microsoft VS Code",
        ),
        folder=_CODE,
    ),
    Client(
        name="windsurf",
        title="Windsurf",
        targets={"user": at("~/.codeium/windsurf/mcp_config.json", todo=_SWITCH_ON)},
        programs=("windsurf",),
        applications=("/Applications/Windsurf.app", "$LOCALAPPDATA/Programs/Windsurf"),
        folder=Place("~/.codeium/windsurf"),
    ),
    Client(
        name="zed",
        title="Zed",
        forms=servers(shapes.ZED, "context_servers"),
        targets={
            "user": below(_ZED, "settings.json", _SWITCH_ON),
            "project": at("./.zed/settings.json", todo=_SWITCH_ON),
        },
        asks=False,
        programs=("zed", "zeditor"),
        applications=("/Applications/Zed.app", "$LOCALAPPDATA/Programs/Zed"),
        folder=_ZED,
    ),
    Client(
        name="cline-vscode",
        title="Cline in VS Code",
        syntax="json",
        forms=servers(shapes.CLINE_IN_VS_CODE),
        targets={"user": below(_CLINE_IN_CODE, "settings/cline_mcp_settings.json", _SWITCH_ON)},
        folder=_CLINE_IN_CODE,
    ),
    Client(
        name="junie",
        title="Junie",
        targets={
            "user": at("~/.junie/mcp/mcp.json", todo=_SWITCH_ON),
            "project": at("./.junie/mcp/mcp.json", todo=_SWITCH_ON),
        },
        programs=("junie",),
        folder=Place("~/.junie"),
    ),
    Client(
        name="kiro",
        title="Kiro",
        targets={
            "user": at("~/.kiro/settings/mcp.json", todo=_SWITCH_ON),
            "project": at("./.kiro/settings/mcp.json", todo=_SWITCH_ON),
        },
        programs=("kiro", "kiro-cli"),
        applications=("/Applications/Kiro.app", "$LOCALAPPDATA/Programs/Kiro"),
        folder=Place("~/.kiro"),
    ),
)
