"""Clients for people that npm offers, and how each tells that it has a server."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from uniqc_mcp.cli.install.editing.json_text import without_comments, without_trailing_commas

_SCRIPTS = Path(__file__).with_name("programs")
_OTHER = '"other": {"command": "false", "args": []}'


@dataclass(frozen=True, kw_only=True)
class Host:
    """A client, its package, and how it tells that it has a server.

    Attributes:
        name: Its name for ``install``.
        package: Its package in npm, with the release that was tried.
        program: Its command.
        listing: The arguments by which it lists its servers.
        script: A program that asks it instead, where its own list starts no server.
        listed: A pattern of the line about ours. "connected" is in it where it starts the server.
        file: A file of its home that is there before, and what is in it. Where that is JSON with
            comments, it is edited by us; a second run without them uses the client's own command.
    """

    name: str
    package: str
    program: str
    listing: tuple[str, ...] = ("mcp", "list")
    script: str = ""
    listed: str
    file: tuple[str, str] | None = None

    def lister(self) -> list[str]:
        """Return the command that lists its servers."""
        if self.script:
            return [sys.executable, str(_SCRIPTS / self.script)]
        return [self.program, *self.listing]

    def contents(self) -> set[str]:
        """Return the contents that its file has before, each for a run of its own."""
        if self.file is None:
            return {""}
        name, content = self.file
        if name.endswith(".toml"):
            return {content}
        return {content, without_trailing_commas(without_comments(content))}


HOSTS = (
    Host(
        name="claude-code",
        package="@anthropic-ai/claude-code@2.1.197",
        program="claude",
        listed=r"uniqc: .* Connected",
    ),
    Host(
        name="codex",
        package="@openai/codex@0.171.0",
        program="codex",
        script="codex_status.py",
        listed=r"uniqc connected: .*list_tasks",
        file=(
            ".codex/config.toml",
            "# mine\n[mcp_servers.other]\ncommand = 'false' # why\n\n[tui]\n# on\n",
        ),
    ),
    Host(
        name="gemini",
        package="@google/gemini-cli@0.61.0",
        program="gemini",
        listed=r"uniqc: .* Connected",
        file=(".gemini/settings.json", f'{{\n  // mine\n  "mcpServers": {{{_OTHER}}}\n}}'),
    ),
    Host(
        name="qwen",
        package="@qwen-code/qwen-code@0.15.10",
        program="qwen",
        listed=r"uniqc: .* Connected",
        file=(".qwen/settings.json", f'{{\n  // mine\n  "mcpServers": {{{_OTHER}}}\n}}'),
    ),
    Host(
        name="opencode",
        package="opencode-ai@1.18.33",
        program="opencode",
        listed=r"uniqc .*connected",
        file=(
            ".config/opencode/opencode.jsonc",
            (
                '{\n  // mine\n  "mcp": {\n    "other": {"type": "local", "command": ["false"], '
                '"enabled": false}, // why\n  },\n}\n'
            ),
        ),
    ),
    Host(
        name="copilot",
        package="@github/copilot@1.0.102",
        program="copilot",
        listed=r"uniqc",
        file=(
            ".copilot/mcp-config.json",
            (
                '{\n  // mine\n  "mcpServers": {\n    "other": {"type": "local", "command": "no", '
                '"tools": ["*"], "args": []} // why\n  }\n}\n'
            ),
        ),
    ),
    Host(
        name="cline",
        package="cline@3.0.65",
        program="cline",
        listing=("config", "mcp"),
        listed=r"uniqc",
        file=(
            ".cline/data/settings/cline_mcp_settings.json",
            '{"mcpServers": {"other": {"transport": {"type": "stdio", "command": "false"}}}}',
        ),
    ),
    Host(
        name="droid",
        package="droid@0.215.0",
        program="droid",
        listed=r"uniqc .*connected",
        file=(".factory/mcp.json", f'{{"mcpServers": {{{_OTHER}}}}}'),
    ),
    Host(
        name="amp",
        package="@sourcegraph/amp@0.0.1790142911-g7618fb",
        program="amp",
        listed=r"^\W*uniqc",
        file=(
            ".config/amp/settings.json",
            f'{{\n  // mine\n  "amp.mcpServers": {{\n    {_OTHER}, // why\n  }},\n}}\n',
        ),
    ),
    Host(
        name="auggie",
        package="@augmentcode/auggie@0.36.0",
        program="auggie",
        listed=r"uniqc",
        file=(".augment/settings.json", f'{{\n  // mine\n  "mcpServers": {{{_OTHER}, }}\n}}\n'),
    ),
)
