"""The options of a command as its user gave them, for an entry in a client's configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from pathlib import Path

_ARGUMENTS: Final = "uniqc_mcp.arguments"
_CACHE_DIR: Final = "--cache-dir"


class KeepsArguments(click.Command):
    """A command that remembers its arguments as they were given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep a copy of the arguments, which click takes apart."""
        ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)


def given_arguments(context: click.Context, *, without: str) -> list[str]:
    """Return the arguments of a command but one flag, with the whole path of the cache.

    A client starts a server in a directory of its own choice.
    """
    found: list[str] = []
    arguments = iter(context.meta[_ARGUMENTS])
    for argument in arguments:
        if argument == _CACHE_DIR:
            next(arguments)
        elif argument != without and not argument.startswith(f"{_CACHE_DIR}="):
            found.append(argument)
    if context.get_parameter_source("cache_dir") is ParameterSource.COMMANDLINE:
        return [_CACHE_DIR, _absolute(context.params["cache_dir"]), *found]
    return found


def given_variables(context: click.Context) -> dict[str, str]:
    """Return the environment variables that a command took values from.

    A client does not hand on the environment of a terminal.
    """
    found: dict[str, str] = {}
    for parameter in context.command.params:
        variable = parameter.envvar
        source = context.get_parameter_source(str(parameter.name))
        if source is ParameterSource.ENVIRONMENT and isinstance(variable, str):
            is_path = parameter.name == "cache_dir"
            found[variable] = (
                _absolute(context.params["cache_dir"]) if is_path else os.environ[variable]
            )
    return found


def _absolute(path: Path) -> str:
    return str(path.absolute())
