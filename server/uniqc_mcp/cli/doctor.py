"""The file that a server would read, and the problems with it."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from uniqc_mcp.cli.diagnosis import Diagnosis
from uniqc_mcp.cli.share_facts import share_facts
from uniqc_mcp.cli.store_facts import facts_and_notes
from uniqc_mcp.errors import explain_store_error
from uniqc_mcp.responses.store_notes import fallback_file, fallback_note
from uniqc_mcp.responses.times import wire_time
from uniqc_mcp.safety.display import tilde, without_home
from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import (
    Integrity,
    StoreError,
    StoreNewerError,
    StoreUnwritableError,
    TaskStore,
)

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_mcp.cli.store_facts import Facts
    from uniqc_mcp.settings import Settings

MAX_CHECKED_BYTES = 2**30
"""The largest file that is checked for damage, which reads all of it."""

_CHECK = "SQLite does that: `PRAGMA integrity_check`, while no uniqc process runs."


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
    if _size(store.db_path) > MAX_CHECKED_BYTES:
        notes.append(f"The file was not checked for damage, as it is large. {_CHECK}")
    elif damage := _damage_beyond(problems, store):
        problems.append(damage)
    share, share_notes = share_facts(store)
    notes += share_notes
    if note := fallback_note(store.db_path):
        notes.append(without_home(note))
    return Diagnosis(
        **_of_the_file(store.db_path),
        **_of_the_fallback(),
        ok=not problems,
        receipts=_number_of_receipts(store),
        facts=facts,
        share=share,
        problems=problems,
        may_clear=settings.clearing.in_words() if settings.clearing else "",
        notes=notes,
    )


class _FileFacts(TypedDict):
    location: str
    exists: bool | None
    size_bytes: int
    readable: bool
    last_write: str
    writable: bool


class _FallbackFacts(TypedDict):
    fallback: str
    fallback_last_write: str


def _of_the_file(path: Path) -> _FileFacts:
    return _FileFacts(
        location=tilde(path),
        exists=_exists(path),
        size_bytes=_size(path),
        last_write=_last_write(path),
        readable=_has_access(os.R_OK, path),
        # The directory too, for the WAL.
        writable=_has_access(os.W_OK, path, path.parent),
    )


def _of_the_fallback() -> _FallbackFacts:
    path = fallback_file()
    return _FallbackFacts(
        fallback="" if path is None else safe_text(tilde(path)).text,
        fallback_last_write="" if path is None else _last_write(path),
    )


def _number_of_receipts(store: TaskStore) -> int | None:
    """Return how many clears can be undone; None if that can't be read, which is noted."""
    try:
        return len(store.receipts())
    except StoreError:
        return None


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


def _damage_beyond(problems: list[str], store: TaskStore) -> str:
    """Return the damage of the file, unless the problems are because of it; empty for none."""
    found = _check(store)
    is_news = not found.sound and (found.indexes or not problems)
    return _damage(store.db_path, found) if is_news else ""


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


def _exists(path: Path) -> bool | None:
    try:
        return path.exists()
    except OSError:
        return None  # it may exist; a problem in the diagnosis says more


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _last_write(path: Path) -> str:
    """Return when a file, or its WAL, was last written; empty if that can't be known."""
    found: list[float] = []
    for each in (path, path.with_name(f"{path.name}-wal")):
        with suppress(OSError):
            found.append(each.stat().st_mtime)
    return wire_time(datetime.fromtimestamp(max(found), UTC)) if found else ""


def _has_access(mode: int, *paths: Path) -> bool:
    """Return True if this user may read or write all of some paths."""
    # By the effective user, whose permissions the system applies; by default it is the real one.
    effective = os.access in os.supports_effective_ids
    return all(os.access(path, mode, effective_ids=effective) for path in paths)
