"""Options of a command from the arguments of a tool, so that both are defined once."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    TypeVar,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
)

import click
from pydantic.fields import FieldInfo

from uniqc_mcp.cli.answers.words import for_command_line, option

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

Command = TypeVar("Command", bound="Callable[..., Any]")

_SEVERAL: Final = "May be given several times."


def arguments_of(tool: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of a tool's arguments by their names, with their descriptions."""
    arguments: dict[str, Any] = {}
    for name, hint in get_type_hints(tool, include_extras=True).items():
        if get_origin(hint) is Unpack:
            arguments |= get_type_hints(get_args(hint)[0], include_extras=True)
        elif name != "return":
            arguments[name] = hint
    return arguments


def options_for(
    tool: Callable[..., Any], *, without: Collection[str] = ()
) -> Callable[[Command], Command]:
    """Return a decorator that adds an option for each argument of a tool, except some.

    The command gets the values by the names of the arguments: None, or an empty tuple, where an
    option is not given, so that the tool's own default holds (:func:`given`).
    """
    arguments = arguments_of(tool)

    def decorate(command: Command) -> Command:
        for name in reversed([name for name in arguments if name not in without]):
            command = _option(name, arguments)(command)
        return command

    return decorate


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, as arguments of a tool."""
    return {name: value for name, value in options.items() if value is not None and value != ()}


def _option(name: str, arguments: Mapping[str, Any]) -> Callable[[Command], Command]:
    kind, repeats = _kind(arguments[name])
    description = for_command_line(_description(arguments[name]), arguments)
    return click.option(
        option(name),
        name,
        type=kind,
        multiple=repeats,
        callback=_checked(_most(arguments[name])),
        help=f"{description} {_SEVERAL}".lstrip() if repeats else description,
    )


def _kind(hint: Any) -> tuple[click.ParamType[Any], bool]:
    """Return the type of an option, and whether it may be given several times.

    Raises:
        TypeError: No option is known for such an argument.
    """
    if get_origin(hint) is Annotated:
        return _kind(get_args(hint)[0])
    if hint is str:
        return click.STRING, False
    if get_origin(hint) is Literal:
        return click.Choice(get_args(hint), case_sensitive=False), False
    if isinstance(get_origin(hint), type) and len(get_args(hint)) == 1:
        return _kind(*get_args(hint))[0], True
    raise TypeError(hint)


def _fields(hint: Any) -> Iterator[FieldInfo]:
    parts = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return (part for part in parts if isinstance(part, FieldInfo))


def _description(hint: Any) -> str:
    return next((field.description for field in _fields(hint) if field.description), "")


def _most(hint: Any) -> int | None:
    """Return how many values an argument takes; None for any number."""
    bounds = (bound for field in _fields(hint) for bound in field.metadata)
    limits = (getattr(bound, "max_length", None) for bound in bounds)
    return next((limit for limit in limits if limit is not None), None)


def _checked(most: int | None) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a callback that refuses an empty text and too many values.

    A script's variable may be empty, and an empty text would be no filter at all.
    """

    def check(
        _: click.Context, __: click.Parameter, value: str | tuple[str, ...] | None
    ) -> str | tuple[str, ...] | None:
        if value == "" or (isinstance(value, tuple) and "" in value):
            raise click.BadParameter("it is empty; give it a value, or leave it out.")
        if most is not None and isinstance(value, tuple) and len(value) > most:
            raise click.BadParameter(f"give it {most} times at most.")
        return value

    return check
