"""Whose file it is, and whether this release may read or write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.database import schema
from uniqc_store.errors import StoreDamagedError, StoreForeignError, StoreNewerError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from uniqc_store.database.schema import Layout


def check_compatible(connection: sqlite3.Connection, path: Path, *, to_write: bool) -> Layout:
    """What the file has, once it is certain that it is uniqc's and that we know it.

    Runs no statement that writes. A file with nothing in it counts as ours: uniqc, killed
    before its first commit, leaves such.

    Raises:
        StoreForeignError: Another program's application id, or tables without one.
        StoreNewerError: A schema beyond what this release may write, or read.
        StoreDamagedError: Stamped as uniqc's, but without a table of tasks.
    """
    application_id = schema.read_application_id(connection)
    if application_id not in (0, schema.APPLICATION_ID):
        raise StoreForeignError(
            path,
            f"belongs to another program (application id 0x{application_id & 0xFFFFFFFF:08x})",
            found=application_id,
        )
    layout = schema.read_layout(connection)
    if application_id == 0 and (layout.version or schema.has_objects(connection)):
        raise StoreForeignError(
            path, "is a database that uniqc did not make (application id 0)", found=0
        )
    _check_layout(layout, path, to_write=to_write)
    return layout


def _check_layout(layout: Layout, path: Path, *, to_write: bool) -> None:
    complete = layout.columns("tasks") >= schema.REQUIRED_COLUMNS
    known = schema.newest_known()
    if layout.version > known and (to_write or not complete):
        problem = "it can be read, not written" if complete else "its tasks can't be read"
        raise StoreNewerError(path, problem, found=layout.version, known=known)
    if layout.version > 0 and not complete:
        raise StoreDamagedError(path, "its table of tasks is missing or incomplete")
