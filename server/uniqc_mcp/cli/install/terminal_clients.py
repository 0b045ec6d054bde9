"""Clients in a terminal, as a table.

docs/clients.md says which rows were run, and where the others come from.
"""

from __future__ import annotations

from typing import Final

from uniqc_mcp.cli.install import shapes
from uniqc_mcp.cli.install.client import Client, Form, Target, at, below, servers
from uniqc_mcp.cli.install.machine import Place
from uniqc_mcp.cli.install.own_commands import OwnCommand

_CLAUDE: Final = Place("~/.claude.json", variable=("CLAUDE_CONFIG_DIR", ".claude.json"))
_CODEX: Final = Place("~/.codex", variable=("CODEX_HOME", ""))
_COPILOT: Final = Place("~/.copilot", variable=("COPILOT_HOME", ""))
_GEMINI: Final = Place(
    "~/.gemini/settings.json", variable=("GEMINI_CLI_HOME", ".gemini/settings.json")
)
_QWEN: Final = Place("~/.qwen", variable=("QWEN_HOME", ""))
_AMP: Final = Place("$CONFIG/amp")
_CLINE: Final = Place("~/.cline", variable=("CLINE_DIR", ""))
_GOOSE: Final = Place("$CONFIG/goose", windows="$APPDATA/Block/goose/config")
_NEW_SESSION: Final = "Start a new session: one that is open does not see the server."
_TRUST: Final = "It disables every server in a folder that it does not trust: trust the folder."
_APPROVE: Final = "Run `claude` in this folder and approve the server."
_IN_TRUSTED: Final = "It is read only in a folder that Codex trusts."
_SCOPED_REMOVE: Final = "mcp remove -s {scope} uniqc"

TERMINAL_CLIENTS: Final[tuple[Client, ...]] = (
    Client(
        name="claude-code",
        title="Claude Code",
        syntax="json",
        forms=servers(shapes.TYPED),
        targets={
            "user": Target(places=(_CLAUDE,), is_state=True, todo=_NEW_SESSION),
            "project": at("./.mcp.json", todo=_APPROVE),
            "local": Target(
                places=(_CLAUDE,), above=("projects", "{project}"), is_state=True, todo=_NEW_SESSION
            ),
        },
        asks=True,
        own=OwnCommand(
            program="claude",
            add="mcp add -s {scope} uniqc -- {command} {words}",
            remove=_SCOPED_REMOVE,
            scopes=("user", "project", "local"),
        ),
        programs=("claude",),
        folder=_CLAUDE,
    ),
    Client(
        # Its own command deletes comments inside the tables of servers and can't set a timeout.
        name="codex",
        title="Codex",
        syntax="toml",
        forms=servers(shapes.CODEX, "mcp_servers"),
        targets={
            "user": below(_CODEX, "config.toml", _NEW_SESSION),
            "project": at("./.codex/config.toml", todo=_IN_TRUSTED),
        },
        asks=True,
        programs=("codex",),
        folder=_CODEX,
    ),
    Client(
        name="gemini",
        title="Gemini CLI",
        syntax="json with comments",
        forms=servers(shapes.TIMED),
        targets={
            "user": Target(places=(_GEMINI,), todo=_TRUST),
            "project": at("./.gemini/settings.json", todo=_TRUST),
        },
        asks=False,
        own=OwnCommand(
            program="gemini",
            add="mcp add -s {scope} --timeout {timeout} uniqc {command} {args}",
            remove=_SCOPED_REMOVE,
            scopes=("user", "project"),
        ),
        programs=("gemini",),
        folder=_GEMINI,  # the folder alone is Antigravity's too
    ),
    Client(
        # Its own command says that it removed an entry, and leaves it there.
        name="qwen",
        title="Qwen Code",
        syntax="json with comments",
        forms=servers(shapes.TIMED),
        targets={
            "user": below(_QWEN, "settings.json", _NEW_SESSION),
            "project": at("./.qwen/settings.json", todo=_TRUST),
        },
        asks=False,
        programs=("qwen",),
        folder=_QWEN,
    ),
    Client(
        # Its own command knows no scope and can't set a timeout.
        name="opencode",
        title="opencode",
        forms=(Form(("mcp",), shapes.OPENCODE), Form(("mcp", "servers"), shapes.OPENCODE_2)),
        targets={
            "user": at(
                "$CONFIG/opencode/opencode.jsonc",
                "$CONFIG/opencode/opencode.json",
                todo=_NEW_SESSION,
            ),
            "project": at("./opencode.json", "./opencode.jsonc", todo=_NEW_SESSION),
        },
        asks=False,
        programs=("opencode",),
        folder=Place("$CONFIG/opencode"),
    ),
    Client(
        name="copilot",
        title="GitHub Copilot CLI",
        forms=servers(shapes.COPILOT),
        targets={"user": below(_COPILOT, "mcp-config.json", _NEW_SESSION)},
        own=OwnCommand(
            program="copilot",
            add="mcp add uniqc --tools * --timeout {timeout} -- {command} {words}",
            remove="mcp remove uniqc",
        ),
        programs=("copilot",),
        folder=_COPILOT,
    ),
    Client(
        name="goose",
        title="goose",
        syntax="yaml",
        forms=servers(shapes.GOOSE, "extensions"),
        targets={"user": below(_GOOSE, "config.yaml", _NEW_SESSION)},
        asks=True,
        programs=("goose",),
        folder=_GOOSE,
    ),
    Client(
        name="cline",
        title="Cline",
        syntax="json",
        forms=servers(shapes.CLINE),
        targets={"user": below(_CLINE, "data/settings/cline_mcp_settings.json", _NEW_SESSION)},
        own=OwnCommand(
            program="cline",
            add="mcp add uniqc --yes -- {command} {words}",
            remove="mcp remove uniqc",
        ),
        programs=("cline",),
        folder=_CLINE,
    ),
    Client(
        name="droid",
        title="Droid",
        syntax="json",
        forms=servers(shapes.DROID),
        targets={
            "user": at("~/.factory/mcp.json", todo=_NEW_SESSION),
            "project": at("./.factory/mcp.json", todo=_NEW_SESSION),
        },
        own=OwnCommand(
            program="droid", add="mcp add uniqc {command} {args}", remove="mcp remove uniqc"
        ),
        programs=("droid",),
        folder=Place("~/.factory"),
    ),
    Client(
        name="amp",
        title="Amp",
        forms=servers(key="amp.mcpServers"),
        targets={
            "user": below(_AMP, "settings.json", _NEW_SESSION),
        },
        own=OwnCommand(
            program="amp", add="mcp add uniqc -- {command} {words}", remove="mcp remove uniqc"
        ),
        programs=("amp",),
        folder=_AMP,
    ),
    Client(
        name="auggie",
        title="Auggie",
        forms=servers(shapes.TYPED),
        targets={
            "user": at("~/.augment/settings.json", todo=_NEW_SESSION),
            "project": at("./.augment/settings.json", todo=_NEW_SESSION),
        },
        own=OwnCommand(
            program="auggie",
            add="mcp add-json --replace uniqc {entry}",
            remove="mcp remove uniqc",
        ),
        programs=("auggie",),
        folder=Place("~/.augment"),
    ),
)
