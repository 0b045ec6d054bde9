"""Options that several commands share: the cache directory, and what may be cleared in it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from uniqc_mcp.cli.directories import CacheDirectory
from uniqc_mcp.responses.times import requested_duration
from uniqc_mcp.settings import KEEP_CLEARED, MAX_WAIT, ClearSettings
from uniqc_store import DEFAULT_CACHE_DIR, TERMINAL_STATUSES, ClearPolicy, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Command = TypeVar("Command", bound="Callable[..., Any]")


class StrictOption(click.Option):
    """An option whose variable must not be empty.

    click takes an empty variable for an absent one. A client's template leaves a variable empty
    where a user fills in nothing, and a limit on clearing would then be off without a word.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the variable, or None if it is not set."""
        names = (self.envvar,) if isinstance(self.envvar, str) else self.envvar or ()
        for name in names:
            value = os.environ.get(name)
            if value is not None and not value.strip():
                raise click.BadParameter(
                    "it is set, but empty; give it a value, or unset it.", ctx=ctx, param=self
                )
        return super().resolve_envvar_value(ctx)


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
    """Return finished statuses that are separated by commas; ``finished`` is all of them."""
    if value is None:
        return None
    parts = tuple(part.strip() for part in value.split(","))
    statuses = tuple(
        status for part in parts for status in (TERMINAL_STATUSES if part == "finished" else [part])
    )
    for status in statuses:
        if status not in TERMINAL_STATUSES:
            allowed = ", ".join((*TERMINAL_STATUSES, "finished"))
            raise click.BadParameter(f"{status!r} is not one of {allowed}.")
    return tuple(dict.fromkeys(statuses))


cache_dir_option = click.option(
    "--cache-dir",
    cls=StrictOption,
    type=CacheDirectory(),
    envvar="UNIQC_MCP_CACHE_DIR",
    default=DEFAULT_CACHE_DIR,
    show_default="~/.uniqc/cache",
    show_envvar=True,
    help="The directory that holds uniqc's tasks.sqlite.",
)


def not_empty(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """Return a text, which is empty where its option is not given; refuse an empty one.

    A script's variable may be empty, and an empty text would be no filter at all.
    """
    if value == "":
        raise click.BadParameter("it is empty; give it a value, or leave it out.")
    return value or ""


json_option = click.option("--json", "as_json", is_flag=True, help="For scripts.")

max_wait_option = click.option(
    "--max-wait",
    cls=StrictOption,
    type=click.IntRange(min=1, max=MAX_WAIT),
    envvar="UNIQC_MCP_MAX_WAIT",
    default=MAX_WAIT,
    metavar="SECONDS",
    show_default=True,
    show_envvar=True,
    help="The longest that wait_for_tasks waits: a second less than the client's limit on calls.",
)

eager_option = click.option(
    "--eager",
    cls=StrictOption,
    is_flag=True,
    envvar="UNIQC_MCP_EAGER",
    show_envvar=True,
    help="Load everything at the start, and not for the first message that needs it.",
)

_CLEAR_OPTIONS = (
    click.option(
        "--allow-clear",
        cls=StrictOption,
        callback=_statuses,
        metavar="STATUS[,STATUS...]",
        envvar="UNIQC_MCP_ALLOW_CLEAR",
        show_envvar=True,
        help="Let tasks with these finished statuses be cleared. Without it, nothing can be. "
        "finished stands for all three.",
    ),
    click.option(
        "--min-age",
        cls=StrictOption,
        callback=_duration,
        metavar="DURATION",
        envvar="UNIQC_MCP_MIN_AGE",
        show_envvar=True,
        help="Clear only what was not touched for this long, such as 7d.",
    ),
    click.option(
        "--clear-backend",
        "clear_backends",
        cls=StrictOption,
        multiple=True,
        envvar="UNIQC_MCP_CLEAR_BACKEND",
        show_envvar=True,
        help="Clear only on this label or platform. May be given several times.",
    ),
    click.option(
        "--max-rows",
        cls=StrictOption,
        type=click.IntRange(min=1),
        envvar="UNIQC_MCP_MAX_ROWS",
        show_envvar=True,
        help="Clear at most so many tasks at a time.",
    ),
    click.option(
        "--confirm",
        cls=StrictOption,
        type=click.Choice(["human", "plan"]),
        envvar="UNIQC_MCP_CONFIRM",
        show_envvar=True,
        help="Who consents: the client's user is asked (human, the default), or the plan "
        "suffices, for unattended agents (plan).",
    ),
    click.option(
        "--keep-cleared",
        cls=StrictOption,
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
    clear_backends: tuple[str, ...],
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
                "--clear-backend": clear_backends or None,
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
            backends=clear_backends,
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
