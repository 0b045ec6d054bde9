"""Lines on stdout, whatever its encoding."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TextIO


def echo(text: str) -> None:
    """Write a line to stdout. Left to choose the stream, click writes UTF-8 where it is ASCII."""
    with told_if_unwritable():
        click.echo(text, file=sys.stdout)


def check_stdout() -> None:
    """Raise an error if this process began with a closed stdout, as after ``>&-``."""
    if sys.stdout is None:
        raise click.ClickException("stdout is closed, so nothing can be written to it.")


@contextmanager
def told_if_unwritable() -> Generator[None]:
    """Turn a stdout that is closed or can't be written, as on a full disk, into a sentence.

    A reader that leaves is another matter: it raises BrokenPipeError still.
    """
    check_stdout()
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(sys.stdout)
        raise click.ClickException(
            f"stdout can't be written ({error.strerror}), so output is missing."
        ) from error


def discard(stream: TextIO) -> None:
    """Send what is left of a stream nowhere, so that flushing it at exit does not raise again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
