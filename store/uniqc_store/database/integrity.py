"""The check whether the indexes of the file agree with its tables.

One flipped bit in an index gives a wrong count, and SQLite reports no error. So a small file is
checked whole, once for each state of it. In a larger one, counts compare the indexes that they
read anyway (``query.counts``), a clear compares all of them first, and ``uniqc-mcp doctor`` checks
the rest.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uniqc_store.database import index_comparison
from uniqc_store.errors import primary_code

if TYPE_CHECKING:
    from uniqc_store.database.connection import Session

MAX_BYTES_PER_READ = 2 * 2**20
"""The largest file that is checked before it is read, which then takes 3 ms at the most."""

MAX_BYTES_PER_CLEAR = 64 * 2**20
"""The largest file that is checked whole before a clear, which then takes some 0.2 s."""

_MAX_PROBLEMS = 100
_SOUND = "ok"
# SQLite reports these of a value that some program stored; the file itself is sound.
_ABOUT_VALUES = re.compile(r"NULL value in|CHECK constraint|\w+ value in")
_INDEX = re.compile(r"index (\w+)")
_MALFORMED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# A name is text of the file, which may hold anything: only names like uniqc's own are repeated.
_INDEXES = """
    SELECT name, tbl_name FROM sqlite_master
    WHERE type = 'index' AND name NOT GLOB '*[^a-z0-9_]*' AND length(name) < 64
        AND tbl_name IN ('tasks', 'archived_tasks', 'task_shards', 'archived_task_shards')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The result of a check.

    Attributes:
        sound: True if SQLite found nothing wrong.
        indexes: The indexes that are damaged, by name; empty if SQLite names none.
    """

    sound: bool = True
    indexes: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """A phrase on the damage; empty without any."""
        if self.sound:
            return ""
        match self.indexes:
            case ():
                return "SQLite's own check finds it malformed"
            case (index,):
                return f"its index {index} differs from its table"
            case _:
                return f"its indexes {', '.join(self.indexes)} differ from their tables"


def damage_of(session: Session) -> str:
    """Return the damage that a check of a small file finds, in words; empty without any.

    A file of more than ``MAX_BYTES_PER_READ`` is not checked.
    """
    if not session.exists:
        return ""
    return session.cache.get_or_compute(damage_of, lambda: _damage_of(session))


def damage_before_clear(session: Session) -> str:
    """Return the damage that a check before a clear finds, in words; empty without any.

    A file of more than ``MAX_BYTES_PER_CLEAR`` is not read whole: its indexes are compared.
    """
    if not session.exists:
        return ""
    return session.cache.get_or_compute(
        damage_before_clear,
        lambda: (
            check(session).in_words
            if size_of(session) <= MAX_BYTES_PER_CLEAR
            else index_comparison.disagreement_of(session)
        ),
    )


def check(session: Session) -> Integrity:
    """Check the whole file, which is read in full: a gigabyte takes some seconds."""
    try:
        indexes: dict[str, str] = {row["name"]: row["tbl_name"] for row in session.rows(_INDEXES)}
        lines = [line for (line,) in session.rows(f"PRAGMA integrity_check({_MAX_PROBLEMS:d})")]
    except sqlite3.DatabaseError as error:
        if primary_code(error) not in _MALFORMED:
            raise
        return Integrity(sound=False)
    problems = [line for line in lines if line != _SOUND and not _ABOUT_VALUES.match(line)]
    damaged = {name for line in problems for name in _INDEX.findall(line)} & indexes.keys()
    if problems and not damaged:
        damaged = {name for name, table in indexes.items() if _fails(session, table, name)}
    return Integrity(sound=not problems, indexes=tuple(sorted(damaged)))


def _fails(session: Session, table: str, index: str) -> bool:
    """Return True if an index can't be read from its beginning to its end."""
    try:
        # Names of uniqc's own tables and, by _INDEXES, of letters and digits only.
        session.number(f"SELECT COUNT(*) FROM {table} INDEXED BY {index}")  # noqa: S608
    except sqlite3.DatabaseError as error:
        return primary_code(error) in _MALFORMED
    return False


def size_of(session: Session) -> int:
    """Return the bytes of the database."""
    return session.number("PRAGMA page_count") * session.number("PRAGMA page_size")


def _damage_of(session: Session) -> str:
    return "" if size_of(session) > MAX_BYTES_PER_READ else check(session).in_words


def indexes_disagree(found: int, total: int) -> sqlite3.DatabaseError:
    """Return the error for two indexes that count the same tasks differently.

    It is SQLite's class for a malformed file, so that it becomes a ``StoreDamagedError``.
    """
    return sqlite3.DatabaseError(f"its indexes disagree: {found} tasks by one, {total} by another")
