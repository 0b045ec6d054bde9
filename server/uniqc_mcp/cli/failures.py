"""Failures of a command, and the exit statuses that stand for them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from uniqc_mcp.cli.output import check_stdout, discard, told_if_unwritable
from uniqc_mcp.errors import explain_store_error
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Generator

BROKEN_PIPE: Final = 128 + 13
"""The exit status that a shell reports for SIGPIPE, which Windows does not have."""


@contextmanager
def store_errors() -> Generator[None]:
    """Turn a store error into one sentence on stderr and exit status 1."""
    try:
        yield
    except StoreError as error:
        raise click.ClickException(explain_store_error(error)) from error


@contextmanager
def quiet_broken_pipe() -> Generator[None]:
    """End with the status of SIGPIPE, and without a word, if the reader of stdout leaves."""
    check_stdout()
    try:
        yield
        with told_if_unwritable():
            sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)
        sys.exit(BROKEN_PIPE)
