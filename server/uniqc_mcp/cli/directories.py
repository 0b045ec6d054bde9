"""The cache directory as an operator gives it, and the mistakes that are common in it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import click

_VARIABLE: Final = re.compile(r"\$\{\w+\}|(?<![^/\\])\$\w+|%\w+%")
"""A variable of a shell; a dollar within a name is none."""

_QUOTES: Final = "\"'`\u201c\u201d\u2018\u2019"


class CacheDirectory(click.Path):
    """A directory that may not exist yet. ``~`` is expanded, in environment variables too."""

    def __init__(self) -> None:
        """Accept directories only, one that this user may not list included.

        It may become readable later, and reading by name does not need the list. Each answer says
        what is wrong until then; a server that does not start can say it to nobody.
        """
        super().__init__(file_okay=False, readable=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the directory as a path, or fail with what is wrong."""
        if not str(value):
            self.fail("it is empty; give a directory.", param, ctx)
        if mistake := _mistake_in(str(value)):
            self.fail(mistake, param, ctx)
        try:
            directory = Path(value).expanduser()
        except RuntimeError:
            self.fail(
                f"{value} names a user whose home is not known; give the whole path.", param, ctx
            )
        try:
            is_file = directory.is_file()
        except OSError:  # the answers and `doctor` say what is wrong with it
            is_file = False
        if is_file:
            self.fail(f"{directory} is a file; give the directory that holds it.", param, ctx)
        return super().convert(directory, param, ctx)


def _mistake_in(given: str) -> str:
    """Return what a shell or a browser would have expanded, and to what; empty if nothing.

    Clients start servers without a shell. Served as it is, such a path would be an empty cache.
    """
    if os.path.lexists(given):  # a directory may really have such a name
        return ""
    bare = given.strip().strip(_QUOTES)
    if bare.lower().startswith("file:"):
        return f"{given} is a URL; give the path: {_path_of(bare)}"
    if found := _VARIABLE.search(bare):
        return f"{given} has the variable {found[0]}, which is not expanded here; {_advice(bare)}"
    if bare != given:
        return f"{given} has quotes or spaces around it, which belong to a shell; {_advice(bare)}"
    return ""


def _path_of(url: str) -> str:
    path = unquote(urlsplit(url).path)
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path


def _advice(path: str) -> str:
    """Return advice with the path as a shell would have expanded it, as far as it can be known."""
    if "%" in path and os.sep == "/":
        path = path.replace("\\", "/")
    expanded = _VARIABLE.sub(_value_of, path)
    if _VARIABLE.search(expanded):
        return "give the whole path."
    try:
        return f"give {Path(expanded).expanduser()}"
    except RuntimeError:  # it names an unknown user
        return "give the whole path."


def _value_of(variable: re.Match[str]) -> str:
    name = variable[0].strip("${}%")
    # Configurations are copied between systems, and these two mean the same.
    if name in ("HOME", "USERPROFILE"):
        return os.environ.get(name) or "~"
    return os.environ.get(name) or variable[0]
