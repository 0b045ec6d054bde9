"""Errors of a laboratory's commands, as a user reads them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Generator

_DRIVER = "psycopg"
_MAX_MESSAGE = 1_000

NOT_INSTALLED = (
    "This command needs more than was installed. Install it with: pip install 'uniqc-mcp[lab]'"
)


@contextmanager
def lab_errors() -> Generator[None]:
    """Turn an error of the database, the settings or the installation into a sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in (_DRIVER, f"{_DRIVER}_pool"):
            raise
        raise click.ClickException(NOT_INSTALLED) from error
    except StoreError as error:
        # The database's words may have its address, and that a password.
        raise click.ClickException(safe_text(str(error), limit=_MAX_MESSAGE).text) from error
