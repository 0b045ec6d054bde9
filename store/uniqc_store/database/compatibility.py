"""The check that a file is uniqc's, with a schema that this release can read or write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_store.database import schema
from uniqc_store.errors import StoreDamagedError, StoreForeignError, StoreNewerError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from uniqc_store.database.schema import Layout


def check_compatible(connection: sqlite3.Connection, path: Path, *, to_write: bool) -> Layout:
    """Return the layout of a file, once it is certain that it is uniqc's and of a known schema.

    Runs no statement that writes. A file with nothing in it passes: a uniqc that is killed before
    its first commit leaves one.

    Raises:
        StoreForeignError: The file has another program's application id, or tables without one.
        StoreNewerError: Its schema is newer than this release may write, or read.
        StoreDamagedError: It has uniqc's application id and no complete table of tasks.
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
