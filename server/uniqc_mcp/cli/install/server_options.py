"""The options of the server that an entry will have, checked by the parser of ``serve``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import click
from click.core import ParameterSource

from uniqc_mcp.cli.options import clear_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from uniqc_mcp.settings import ClearSettings

_PREFIX: Final = "UNIQC_MCP_"
_CACHE_DIR: Final = "UNIQC_MCP_CACHE_DIR"
_NOT_OF_CLEARING: Final = ("cache_dir", "log_level", "max_wait", "eager")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """The options of a server, as an entry has them.

    Attributes:
        words: The options.
        clearing: What the server may clear; None if nothing.
        note: What a user should know of the options; empty if nothing.
    """

    words: tuple[str, ...]
    clearing: ClearSettings | None
    note: str = ""


def server_options(
    given: tuple[str, ...], context: click.Context, environ: Mapping[str, str]
) -> ServerOptions:
    """Return the options that a server will have in an entry.

    They are those that are given. A variable for the cache becomes an option, as clients pass on no
    variables of a shell; one that changes what the server may do is refused.

    Raises:
        click.UsageError: ``serve`` refuses them, or they mean another thing to a client.
    """
    group = cast("click.Group", context.find_root().command)
    serve = group.get_command(context, "serve")
    if serve is None:
        raise AssertionError("uniqc-mcp has the command serve")
    _refuse_variables(serve, environ)
    with serve.make_context("uniqc-mcp serve", list(given)) as checked:
        values = dict(checked.params)
        directory: Path = values["cache_dir"]
        for name in _NOT_OF_CLEARING:
            del values[name]
        clearing = clear_settings(**values)
        if checked.get_parameter_source("cache_dir") is ParameterSource.ENVIRONMENT:
            words = ("--cache-dir", str(directory.absolute()))
            note = f"{_CACHE_DIR} is set here, so the entry has {' '.join(words)}"
            return ServerOptions(words=(*words, *given), clearing=clearing, note=note)
        if not directory.is_absolute():
            raise click.UsageError(
                f"--cache-dir {directory} is relative, and a client starts the server in a folder "
                f"of its own. Give {directory.absolute()}"
            )
        return ServerOptions(words=given, clearing=clearing)


def _refuse_variables(serve: click.Command, environ: Mapping[str, str]) -> None:
    """Raise an error that names the options in place of the variables that are set."""
    options = {parameter.envvar: parameter.opts[0] for parameter in serve.params}
    variables = {name for name in environ if name.startswith(_PREFIX)} - {_CACHE_DIR}
    if not variables:
        return
    known = [f"{options[name]} for {name}" for name in sorted(variables) if name in options]
    instead = f" Behind `--`, give {', '.join(known)}." if known else ""
    raise click.UsageError(
        f"{', '.join(sorted(variables))} is set here, and clients pass on no variables of a "
        f"shell. Unset it.{instead}"
    )
