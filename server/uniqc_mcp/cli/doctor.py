"""The file that a server would read, and the problems with it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from uniqc_mcp.cli.store_facts import Facts, facts_and_notes
from uniqc_mcp.errors import explain_store_error
from uniqc_mcp.responses.store_notes import fallback_note
from uniqc_mcp.safety.display import tilde, without_home
from uniqc_store import (
    Integrity,
    StoreError,
    StoreNewerError,
    StoreUnwritableError,
    TaskStore,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from uniqc_mcp.settings import Settings

MAX_CHECKED_BYTES = 2**30
"""The largest file that is checked for damage, which reads all of it."""

_CHECK = "SQLite does that: `PRAGMA integrity_check`, while no uniqc process runs."


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The condition of one cache.

    Attributes:
        location: The path of the file, with ``~`` for the home directory.
        ok: True if a server would work, as it does without a file.
        exists: True if there is a file.
        size_bytes: The size of the file; 0 if there is none.
        writable: True if this user could write the file. A server does not, unless it clears.
        facts: Facts that were read from the file; None if it could not be read.
        may_clear: What a server with these options may clear, in words; empty if nothing.
        problems: Reasons why a server would not work, each with what to do.
        notes: Anything else that is unusual about the file.
    """

    location: str
    ok: bool
    exists: bool
    size_bytes: int
    writable: bool
    facts: Facts | None = None
    may_clear: str = ""
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as values that JSON can hold."""
        return asdict(self)

    def text(self) -> str:
        """Return the diagnosis as lines for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from self._file_lines()
        if self.facts is not None:
            yield from _facts_lines(self.facts)
        if self.may_clear:
            yield f"clearing  {self.may_clear}"
        for problem in self.problems:
            yield f"problem   {problem}"
        for note in self.notes:
            yield f"note      {note}"
        yield self._verdict

    @property
    def _verdict(self) -> str:
        if self.ok:
            return "A server works with this."
        if self.facts is None:
            return "A server does not work with this."
        return "A server reads this, but what it answers may be wrong."

    def _file_lines(self) -> Iterator[str]:
        yield f"file      {self.location}"
        if not self.exists:
            yield f"          is not there{': uniqc has kept no tasks here yet' if self.ok else ''}"
            return
        use = "may clear" if self.may_clear else "only reads"
        permission = "may be written by this user" if self.writable else "may not be written"
        yield f"          {self.size_bytes:,} bytes, {permission}; the server {use}"


def _facts_lines(facts: Facts) -> Iterator[str]:
    yield f"schema    {facts.schema_version}, written by {facts.written_by}"
    yield f"tasks     {facts.tasks}, {facts.active} active, {facts.archived} more archived"
    for status, count in facts.by_status.items():
        yield f"          {count:>7} {status}"


def examine(settings: Settings) -> Diagnosis:
    """Return the diagnosis of a cache, which is only read."""
    store = TaskStore(settings.cache_dir, read_only=True)
    facts: Facts | None = None
    problems: list[str] = []
    notes: list[str] = []
    try:
        facts, notes = store.read(facts_and_notes)
    except StoreError as error:
        problems.append(explain_store_error(error, advice=""))
    cleared_problems, cleared_notes = _problems_and_notes_of_cleared(store, settings)
    problems += cleared_problems
    notes += cleared_notes
    if settings.clearing and (reason := _why_not_clearable(store)):
        notes.append(f"Nothing can be cleared here. {reason}")
    if (size := _size(store.db_path)) > MAX_CHECKED_BYTES:
        notes.append(f"The file has {size:,} bytes and was not checked for damage. {_CHECK}")
    else:
        found = _check(store)
        if not found.sound and (found.indexes or not problems):
            problems.append(_damage(store.db_path, found))
    if note := fallback_note(store.db_path):
        notes.append(without_home(note))
    return Diagnosis(
        location=tilde(store.db_path),
        ok=not problems,
        exists=_exists(store.db_path),
        size_bytes=size,
        writable=_writable(store.db_path),
        facts=facts,
        problems=problems,
        may_clear=settings.clearing.in_words() if settings.clearing else "",
        notes=notes,
    )


def _problems_and_notes_of_cleared(
    store: TaskStore, settings: Settings
) -> tuple[list[str], list[str]]:
    """Return what is wrong or unusual about the file of cleared tasks.

    A server that does not clear works without it.
    """
    try:
        receipts = store.receipts()
    except StoreError as error:
        told = [explain_store_error(error, advice="")]
        return (told, []) if settings.clearing else ([], told)
    if not receipts:
        return [], []
    tasks = sum(receipt.held for receipt in receipts)
    note = f"Cleared tasks that can be put back: {tasks}. `uniqc-mcp cleared` lists the receipts."
    if interrupted := sum(receipt.state == "open" for receipt in receipts):
        note += f" Clears that were interrupted, or are under way: {interrupted}."
    return [], [note]


def _why_not_clearable(store: TaskStore) -> str:
    """Return why tasks can be read and not cleared; empty if they can be cleared."""
    try:
        store.check_clearable()
    except (StoreNewerError, StoreUnwritableError) as error:
        return explain_store_error(error, advice="")
    except StoreError:
        pass  # The file can't be read either, which is a problem already.
    return ""


def _check(store: TaskStore) -> Integrity:
    """Return the result of checking the whole file."""
    try:
        return store.read(lambda snapshot: snapshot.check())
    except StoreError:
        return Integrity()  # the file can't be read at all, which is a problem already


def _damage(path: Path, found: Integrity) -> str:
    """Return a problem on damage, with the cure."""
    file = tilde(path)
    return (
        f"{file} is damaged: {found.in_words}. End all uniqc processes and copy the file. "
        f"Then rebuild its indexes: `sqlite3 {file} REINDEX`. If doctor still finds damage "
        "after that, try SQLite's own `.recover` on the copy."
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # it may exist; a problem in the diagnosis says more


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _writable(path: Path) -> bool:
    """Return True if this user may write the file and, for its WAL, the directory."""
    # By the effective user, whose permissions the system applies; by default it is the real one.
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))
