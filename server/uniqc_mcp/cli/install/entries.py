"""The entry of this server in the file of a client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from uniqc_mcp.cli.install.editing.documents import parsed
from uniqc_mcp.cli.install.editing.files import read
from uniqc_mcp.cli.install.errors import InstallError
from uniqc_mcp.cli.install.shapes import is_off

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_mcp.cli.install.client import Client, Form, Scope
    from uniqc_mcp.cli.install.machine import Machine
    from uniqc_mcp.cli.install.shapes import Entry, Launch, Shape

NAME: Final = "uniqc"
"""The name of the server in every client. One with ``_`` would collide with Gemini's tool names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEntry:
    """The content of a client's file, and the entry of this server in it.

    Attributes:
        file: The path of the file.
        content: Its bytes; None if there is no file.
        keys: The path of the entry in the document, its own name included.
        shape: The shape that an entry has there.
        entry: The entry; None if there is none.
        launch: What it starts; None if that can't be read from it.
        is_off: True if it is disabled.
    """

    file: Path
    content: bytes | None
    keys: tuple[str, ...]
    shape: Shape
    entry: Entry | None = None
    launch: Launch | None = None
    is_off: bool = False


def find_entry(client: Client, scope: Scope, machine: Machine) -> FoundEntry:
    """Return the entry of this server in a client's file.

    Raises:
        InstallError: The file can't be read or parsed, or has something else at that place.
    """
    target = client.targets[scope]
    file = target.file(machine)
    content = read(file)
    document = parsed(content, client.syntax, file)
    above = target.keys_above(machine)
    form = _form(client, document, above)
    keys = (*above, *form.keys, NAME)
    entry = entry_at(document, keys, file)
    return FoundEntry(
        file=file,
        content=content,
        keys=keys,
        shape=form.shape,
        entry=entry,
        launch=form.shape.launch(entry) if entry is not None else None,
        is_off=entry is not None and is_off(entry),
    )


def _form(client: Client, document: Entry, above: tuple[str, ...]) -> Form:
    """Return the last form that the document has, or the first one."""
    for form in reversed(client.forms[1:]):
        value: Any = document
        for key in (*above, *form.keys):
            value = cast("Entry", value).get(key) if isinstance(value, dict) else None
        # A server may have the name of that key; it would hold texts.
        if isinstance(value, dict) and all(
            isinstance(each, dict) for each in cast("Entry", value).values()
        ):
            return form
    return client.forms[0]


def entry_at(document: Entry, keys: tuple[str, ...], file: Path) -> Entry | None:
    """Return the entry at a path of keys in a document; None if there is none.

    Raises:
        InstallError: The document has something else at that place.
    """
    value: Any = document
    for number, key in enumerate(keys):
        if value is None:
            return None
        if not isinstance(value, dict):
            name = ".".join(keys[:number])
            raise InstallError(f"{file}: {name} is no table of servers. Correct it first.")
        value = cast("Entry", value).get(key)
    if value is None or isinstance(value, dict):
        return cast("Entry | None", value)
    raise InstallError(f"{file}: {'.'.join(keys)} is no entry of a server. Correct it first.")
