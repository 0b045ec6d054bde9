"""The options of the server that an entry will have, checked by the parser of ``serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import click

from uniqc_mcp.cli.options import clear_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from uniqc_mcp.settings import ClearSettings

_PREFIX: Final = "UNIQC_MCP_"
_NOT_OF_CLEARING: Final = ("cache_dir", "log_level", "max_wait", "eager")


def clearing_by(
    options: tuple[str, ...], context: click.Context, environ: Mapping[str, str]
) -> ClearSettings | None:
    """Return what a server with these options may clear; None if nothing.

    Raises:
        click.UsageError: ``serve`` refuses them, or they mean another thing to a client.
    """
    if variables := sorted(name for name in environ if name.startswith(_PREFIX)):
        raise click.UsageError(
            f"{', '.join(variables)} is set here, and clients pass on no variables of a shell. "
            "Unset it, and give the option that stands for it behind `--`."
        )
    group = cast("click.Group", context.find_root().command)
    serve = group.get_command(context, "serve")
    if serve is None:
        raise AssertionError("uniqc-mcp has the command serve")
    with serve.make_context("uniqc-mcp serve", list(options)) as checked:
        given = dict(checked.params)
        directory: Path = given["cache_dir"]
        for name in _NOT_OF_CLEARING:
            del given[name]
        if not directory.is_absolute():
            raise click.UsageError(
                f"--cache-dir {directory} is relative, and a client starts the server in a folder "
                f"of its own. Give {directory.absolute()}"
            )
        return clear_settings(**given)
