"""Options that several commands share: the cache directory, and what may be cleared in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from uniqc_mcp.responses.times import requested_duration
from uniqc_mcp.settings import KEEP_CLEARED, ClearSettings
from uniqc_store import DEFAULT_CACHE_DIR, TERMINAL_STATUSES, ClearPolicy, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Command = TypeVar("Command", bound="Callable[..., Any]")


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
        try:
            directory = Path(value).expanduser()
        except RuntimeError:
            self.fail(f"{value} names a user whose home is not known.", param, ctx)
        try:
            is_file = directory.is_file()
        except OSError:  # the answers and `doctor` say what is wrong with it
            is_file = False
        if is_file:
            self.fail(f"{directory} is a file; give the directory that holds it.", param, ctx)
        return super().convert(directory, param, ctx)


def _duration(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Return a duration such as ``12h`` or ``30d``: a number and one of s, m, h, d, w."""
    if value is None:
        return None
    try:
        # An empty variable would mean no limit at all, so it is refused.
        return requested_duration(value or "(empty)")
    except ValueError:
        raise click.BadParameter(f"{value!r} is no duration such as 12h or 30d.") from None


def _statuses(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Return finished statuses that are separated by commas."""
    if value is None:
        return None
    statuses = tuple(part.strip() for part in value.split(","))
    for status in statuses:
        if status not in TERMINAL_STATUSES:
            allowed = ", ".join(TERMINAL_STATUSES)
            raise click.BadParameter(f"{status!r} is not one of {allowed}.")
    return tuple(dict.fromkeys(statuses))


cache_dir_option = click.option(
    "--cache-dir",
    type=CacheDirectory(),
    envvar="UNIQC_MCP_CACHE_DIR",
    default=DEFAULT_CACHE_DIR,
    show_default="~/.uniqc/cache",
    show_envvar=True,
    help="The directory that holds uniqc's tasks.sqlite.",
)

_CLEAR_OPTIONS = (
    click.option(
        "--allow-clear",
        callback=_statuses,
        metavar="STATUS[,STATUS...]",
        envvar="UNIQC_MCP_ALLOW_CLEAR",
        show_envvar=True,
        help="Let tasks with these finished statuses be cleared. Without it, nothing can be.",
    ),
    click.option(
        "--min-age",
        callback=_duration,
        metavar="DURATION",
        envvar="UNIQC_MCP_MIN_AGE",
        show_envvar=True,
        help="Clear only what was not touched for this long, such as 7d.",
    ),
    click.option(
        "--backend",
        "backends",
        multiple=True,
        envvar="UNIQC_MCP_BACKEND",
        show_envvar=True,
        help="Clear only on this label or platform. May be given several times.",
    ),
    click.option(
        "--max-rows",
        type=click.IntRange(min=1),
        envvar="UNIQC_MCP_MAX_ROWS",
        show_envvar=True,
        help="Clear at most so many tasks at a time.",
    ),
    click.option(
        "--confirm",
        type=click.Choice(["human", "plan"]),
        envvar="UNIQC_MCP_CONFIRM",
        show_envvar=True,
        help="Who consents: the client's user is asked (human, the default), or the plan "
        "suffices, for unattended agents (plan).",
    ),
    click.option(
        "--keep-cleared",
        callback=_duration,
        metavar="DURATION",
        envvar="UNIQC_MCP_KEEP_CLEARED",
        show_envvar=True,
        help="How long what was cleared can be put back. Default: 30d.",
    ),
)


def clear_options(command: Command) -> Command:
    """Add the six options for clearing; :func:`clear_settings` makes one value of them."""
    for option in reversed(_CLEAR_OPTIONS):
        command = option(command)
    return command


def clear_settings(
    *,
    allow_clear: tuple[str, ...] | None,
    min_age: timedelta | None,
    backends: tuple[str, ...],
    max_rows: int | None,
    confirm: str | None,
    keep_cleared: timedelta | None,
) -> ClearSettings | None:
    """Return the settings of the six options; None if nothing may be cleared.

    Raises:
        click.UsageError: An option for clearing is given without the one that allows it.
    """
    if allow_clear is None:
        _refuse_without_allow_clear(
            {
                "--min-age": min_age,
                "--backend": backends or None,
                "--max-rows": max_rows,
                "--confirm": confirm,
                "--keep-cleared": keep_cleared,
            }
        )
        return None
    try:
        policy = ClearPolicy(
            statuses=allow_clear,
            min_age=min_age or timedelta(0),
            backends=backends,
            max_rows=max_rows,
        )
    except InvalidValueError as error:
        raise click.UsageError(str(error)) from error
    return ClearSettings(
        policy=policy,
        confirm="plan" if confirm == "plan" else "human",
        keep=KEEP_CLEARED if keep_cleared is None else keep_cleared,
    )


def _refuse_without_allow_clear(options: Mapping[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise click.UsageError(
            f"{', '.join(given)} says what may be cleared, and without --allow-clear nothing "
            "may be. Add --allow-clear success,failed, or leave it out."
        )
