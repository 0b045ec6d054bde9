"""The file of each client, and the entry that it understands."""

from __future__ import annotations

from typing import Any

COMMAND = "COMMAND"
ARGS = ["--max-wait", "45"]
PLAIN = {"command": COMMAND, "args": ARGS}
STDIO = {"type": "stdio", **PLAIN}

WRITTEN: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("claude-code", "project"): ("project/.mcp.json", {"mcpServers": {"uniqc": STDIO}}),
    ("claude-desktop", "user"): (
        "home/.config/Claude/claude_desktop_config.json",
        {"mcpServers": {"uniqc": PLAIN}},
    ),
    ("codex", "user"): (
        "home/.codex/config.toml",
        {"mcp_servers": {"uniqc": PLAIN | {"startup_timeout_sec": 20, "tool_timeout_sec": 300}}},
    ),
    ("codex", "project"): (
        "project/.codex/config.toml",
        {"mcp_servers": {"uniqc": PLAIN | {"startup_timeout_sec": 20, "tool_timeout_sec": 300}}},
    ),
    ("gemini", "user"): (
        "home/.gemini/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("gemini", "project"): (
        "project/.gemini/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("qwen", "user"): (
        "home/.qwen/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("qwen", "project"): (
        "project/.qwen/settings.json",
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 600_000}}},
    ),
    ("opencode", "user"): (
        "home/.config/opencode/opencode.jsonc",
        {
            "mcp": {
                "uniqc": {
                    "type": "local",
                    "command": [COMMAND, *ARGS],
                    "enabled": True,
                    "timeout": 300_000,
                }
            }
        },
    ),
    ("opencode", "project"): (
        "project/opencode.json",
        {
            "mcp": {
                "uniqc": {
                    "type": "local",
                    "command": [COMMAND, *ARGS],
                    "enabled": True,
                    "timeout": 300_000,
                }
            }
        },
    ),
    ("copilot", "user"): (
        "home/.copilot/mcp-config.json",
        {"mcpServers": {"uniqc": {"type": "local", **PLAIN, "tools": ["*"], "timeout": 300_000}}},
    ),
    ("cursor", "user"): ("home/.cursor/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("cursor", "project"): ("project/.cursor/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("vscode", "user"): ("home/.config/Code/User/mcp.json", {"servers": {"uniqc": STDIO}}),
    ("vscode", "project"): ("project/.vscode/mcp.json", {"servers": {"uniqc": STDIO}}),
    ("windsurf", "user"): (
        "home/.codeium/windsurf/mcp_config.json",
        {"mcpServers": {"uniqc": PLAIN}},
    ),
    ("zed", "user"): (
        "home/.config/zed/settings.json",
        {"context_servers": {"uniqc": {"source": "custom", **PLAIN}}},
    ),
    ("zed", "project"): (
        "project/.zed/settings.json",
        {"context_servers": {"uniqc": {"source": "custom", **PLAIN}}},
    ),
    ("goose", "user"): (
        "home/.config/goose/config.yaml",
        {
            "extensions": {
                "uniqc": {
                    "enabled": True,
                    "type": "stdio",
                    "name": "uniqc",
                    "description": "Quantum tasks",
                    "cmd": COMMAND,
                    "args": ARGS,
                    "timeout": 300,
                }
            }
        },
    ),
    ("cline", "user"): (
        "home/.cline/data/settings/cline_mcp_settings.json",
        {"mcpServers": {"uniqc": {"transport": STDIO}}},
    ),
    ("cline-vscode", "user"): (
        (
            "home/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
            "cline_mcp_settings.json"
        ),
        {"mcpServers": {"uniqc": PLAIN | {"timeout": 300, "disabled": False}}},
    ),
    ("droid", "user"): (
        "home/.factory/mcp.json",
        {"mcpServers": {"uniqc": STDIO | {"disabled": False}}},
    ),
    ("droid", "project"): (
        "project/.factory/mcp.json",
        {"mcpServers": {"uniqc": STDIO | {"disabled": False}}},
    ),
    ("amp", "user"): ("home/.config/amp/settings.json", {"amp.mcpServers": {"uniqc": PLAIN}}),
    ("auggie", "user"): ("home/.augment/settings.json", {"mcpServers": {"uniqc": STDIO}}),
    ("auggie", "project"): ("project/.augment/settings.json", {"mcpServers": {"uniqc": STDIO}}),
    ("junie", "user"): ("home/.junie/mcp/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("junie", "project"): ("project/.junie/mcp/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("kiro", "user"): ("home/.kiro/settings/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
    ("kiro", "project"): ("project/.kiro/settings/mcp.json", {"mcpServers": {"uniqc": PLAIN}}),
}
"""The file of each client and scope that are written by a file, and what is in it afterwards."""

COMMENTED = {
    "json": "",
    "json with comments": "// mine\n",
    "jsonc": "// mine\n",
    "toml": "# mine\n",
    "yaml": "# mine\n",
}

ELSEWHERE = {
    "claude-desktop": (
        "Library/Application Support/Claude/claude_desktop_config.json",
        "AppData/Roaming/Claude/claude_desktop_config.json",
    ),
    "vscode": (
        "Library/Application Support/Code/User/mcp.json",
        "AppData/Roaming/Code/User/mcp.json",
    ),
    "cline-vscode": (
        (
            "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
            "cline_mcp_settings.json"
        ),
        (
            "AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
            "cline_mcp_settings.json"
        ),
    ),
    "zed": (".config/zed/settings.json", "AppData/Roaming/Zed/settings.json"),
    "goose": (".config/goose/config.yaml", "AppData/Roaming/Block/goose/config/config.yaml"),
}
"""The files on macOS and Windows, of clients where they are not as on Linux."""
