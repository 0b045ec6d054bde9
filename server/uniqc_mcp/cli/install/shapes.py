"""The forms in which clients write down a server, and what they start by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

Entry = dict[str, Any]
"""The JSON value that a client keeps for a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A command with its arguments, and the environment variables that are set for it."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    def words(self) -> list[str]:
        """Return the command and its arguments."""
        return [self.command, *self.args]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The form of an entry.

    Attributes:
        before: Keys that stand before the command.
        after: Keys that stand after it.
        command: The key of the command.
        env: The key of the environment variables.
        inside: The key of an inner object that holds the command; empty if there is none.
        is_list: True if the command and its arguments are one list.
    """

    before: Mapping[str, Any] = field(default_factory=dict[str, Any])
    after: Mapping[str, Any] = field(default_factory=dict[str, Any])
    command: str = "command"
    env: str = "env"
    inside: str = ""
    is_list: bool = False

    def entry(self, launch: Launch) -> Entry:
        """Return the entry that starts a server so."""
        if self.is_list:
            command: Entry = {self.command: launch.words()}
        else:
            command = {self.command: launch.command, "args": list(launch.args)}
        env = {self.env: dict(launch.env)} if launch.env else {}
        body = {**self.before, **command, **env, **self.after}
        return {self.inside: body} if self.inside else body

    def launch(self, entry: Entry) -> Launch | None:
        """Return what an entry starts; None if it has no command in this form."""
        inner = entry.get(self.inside)
        body = cast("Entry", inner) if isinstance(inner, dict) else entry
        words = body.get(self.command) if self.is_list else [body.get(self.command)]
        args = body.get("args", [])
        env: Any = body.get(self.env) or {}
        if not isinstance(words, list) or not isinstance(args, list) or not isinstance(env, dict):
            return None
        command: list[Any] = [*words, *args]
        if not command or not all(isinstance(word, str) for word in command):
            return None
        texts = {str(name): str(value) for name, value in cast("Entry", env).items()}
        return Launch(command=command[0], args=tuple(command[1:]), env=texts)


def is_off(entry: Entry) -> bool:
    """Return True if an entry says that its server is not to be started."""
    return entry.get("disabled") is True or entry.get("enabled") is False


_PATIENCE: Final = 300
"""Seconds for one call. A wait takes 50, and a person who is asked for consent needs longer."""

_MILLISECONDS: Final = 1000 * _PATIENCE

PLAIN: Final = Shape()
TYPED: Final = Shape(before={"type": "stdio"})
CODEX: Final = Shape(after={"startup_timeout_sec": 20, "tool_timeout_sec": _PATIENCE})
TIMED: Final = Shape(after={"timeout": 2 * _MILLISECONDS})
"""Gemini's and Qwen's, whose own limit is ten minutes as well."""
OPENCODE: Final = Shape(
    before={"type": "local"},
    after={"enabled": True, "timeout": _MILLISECONDS},
    env="environment",
    is_list=True,
)
OPENCODE_2: Final = Shape(
    before={"type": "local"},
    after={"timeout": {"startup": 60_000, "request": _MILLISECONDS}},
    env="environment",
    is_list=True,
)
COPILOT: Final = Shape(before={"type": "local"}, after={"tools": ["*"], "timeout": _MILLISECONDS})
CLINE: Final = Shape(before={"type": "stdio"}, inside="transport")
CLINE_IN_VS_CODE: Final = Shape(after={"timeout": _PATIENCE, "disabled": False})
DROID: Final = Shape(before={"type": "stdio"}, after={"disabled": False})
ZED: Final = Shape(before={"source": "custom"})
GOOSE: Final = Shape(
    before={"enabled": True, "type": "stdio", "name": "uniqc", "description": "Quantum tasks"},
    after={"timeout": _PATIENCE},
    command="cmd",
    env="envs",
)
