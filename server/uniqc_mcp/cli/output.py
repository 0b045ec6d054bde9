"""Lines on stdout, whatever its encoding."""

from __future__ import annotations

import sys

import click


def echo(text: str) -> None:
    """Write a line to stdout. Left to choose the stream, click writes UTF-8 where it is ASCII."""
    click.echo(text, file=sys.stdout)
