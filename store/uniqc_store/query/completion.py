"""What the beginning of an id or a label may be completed to, soon, however large the store is.

Somebody is typing, and asks anew at each letter. So what is looked at is bounded: the newest
tasks along the index on the submit time, of which the names are known too, and the ids that
begin like the text along their own index. The newest tasks are remembered for as long as nobody
writes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from uniqc_store.errors import WouldBlockError
from uniqc_store.query import completion_statements, pagination, statements
from uniqc_store.rows import readable
from uniqc_store.tasks import UNIQC_ID

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import TaskFilter
    from uniqc_store.query.statements import TaskTable

MAX_RECENT: Final = 2_000
"""Newest tasks, whose ids come first and whose names are searched."""

MAX_BEGINNING: Final = 300
"""Ids that begin like a text and are looked up in one index."""

MAX_BACKENDS: Final = 1_000
"""Labels that are looked at for a part of them."""

_NAMES_SECONDS: Final = 0.1
"""So long are names read: SQLite walks through all of a large result to what comes behind it."""

_NAMES_BETWEEN_LOOKS: Final = 8
"""Names that are read before the clock is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """What a text may be completed to.

    Attributes:
        values: The likeliest first, each once.
        whole: Whether there is certain to be nothing else.
    """

    values: tuple[str, ...]
    whole: bool

    @classmethod
    def first(cls, found: Iterable[str], limit: int, *, whole: bool) -> Self:
        """Of all that was found, in order; what can't be read stands there as empty."""
        once = tuple(dict.fromkeys(filter(None, found)))
        return cls(values=once[:limit], whole=whole and len(once) <= limit)


def complete_id(
    session: Session, text: str, *, among: TaskFilter, limit: int, tables: Sequence[TaskTable]
) -> Completions:
    """See ``Snapshot.complete_id``; *tables* are those that the file has, the live tasks first."""
    if among.by_label:
        recent = _filtered(session, among, limit=limit)
    elif not text:
        recent = _Recent(ids=_newest_ids(session, limit + 1))
    else:
        read = _newest if text.startswith(UNIQC_ID) else _newest_with_names
        # Reading so many takes longer than who can't wait may wait.
        if session.nonblocking and read not in session.cache:
            raise WouldBlockError
        recent = session.cache.get_or_compute(read, lambda: read(session))
    found = [task_id for task_id in recent.ids if task_id.startswith(text)]
    whole = recent.no_more_names
    if text and len(found) <= limit:
        for statement in _by_beginning(session, tables):
            rows = session.rows(statement, _beginning(text, limit=MAX_BEGINNING + 1))
            whole = whole and len(rows) <= MAX_BEGINNING
            found += [_text(row[0]) for row in rows if among.lets_label_through(row[1], row[2])]
        found += recent.with_name(text)
    return Completions.first(found, limit, whole=whole)


def complete_backend(session: Session, text: str, *, limit: int) -> Completions:
    """See ``Snapshot.complete_backend``."""
    labels = session.rows(
        completion_statements.BACKENDS_BEGINNING, _beginning(text, limit=limit + 1)
    )
    begins = [label for label in _with_platforms(labels) if label.startswith(text)]
    every = session.cache.get_or_compute(
        complete_backend,
        lambda: _with_platforms(session.rows(statements.BACKENDS, {"limit": MAX_BACKENDS})),
    )
    part = text.casefold()
    holds = [label for label in every if part in label.casefold()]
    return Completions.first(begins + holds, limit, whole=len(every) < MAX_BACKENDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recent:
    """The newest tasks.

    Attributes:
        ids: Theirs; empty where it can't be read.
        names: Theirs, of as many as there was time for.
        no_more_names: Whether all were read that are wanted.
    """

    ids: Sequence[str]
    names: Sequence[str | None] = ()
    no_more_names: bool = True

    def with_name(self, text: str) -> list[str]:
        """Ids of those whose name the text is part of, in any case."""
        part = text.casefold()
        named = zip(self.ids, self.names, strict=False)
        return [task_id for task_id, name in named if name and part in name.casefold()]


def _newest(session: Session) -> _Recent:
    return _Recent(ids=_newest_ids(session, MAX_RECENT))


def _newest_with_names(session: Session) -> _Recent:
    ids: list[str] = []
    names: list[str | None] = []
    deadline = time.monotonic() + _NAMES_SECONDS
    statement = completion_statements.NEWEST_WITH_NAMES
    for task_id, name in session.connection.execute(statement, {"limit": MAX_RECENT + 1}):
        ids.append(_text(task_id))
        names.append(name)
        if len(names) % _NAMES_BETWEEN_LOOKS == 0 and time.monotonic() > deadline:
            return _Recent(ids=_newest_ids(session, MAX_RECENT), names=names, no_more_names=False)
    return _Recent(ids=ids, names=names, no_more_names=len(ids) <= MAX_RECENT)


def _newest_ids(session: Session, limit: int) -> list[str]:
    return [_text(row[0]) for row in session.rows(statements.NEWEST_IDS, {"limit": limit})]


def _filtered(session: Session, among: TaskFilter, *, limit: int) -> _Recent:
    page = pagination.page(session, among, limit=limit, start=None)
    return _Recent(
        ids=["" if "task_id" in task.damaged else task.task_id for task in page.records],
        names=[task.name for task in page.records],
        no_more_names=not page.next_cursor,
    )


def _by_beginning(session: Session, tables: Sequence[TaskTable]) -> Iterator[str]:
    for table in tables:
        yield completion_statements.ids_beginning(table)
    for table in tables:
        if session.layout.has(statements.shard_table(table)):
            yield completion_statements.platform_ids_beginning(table)


def _beginning(text: str, *, limit: int) -> dict[str, object]:
    # The highest code point ends the range of all texts that begin like this.
    return {"text": text, "text_end": text + "\U0010ffff", "limit": limit}


def _with_platforms(rows: Iterable[sqlite3.Row]) -> list[str]:
    labels = [_text(row[0]) for row in rows]
    return sorted({part for label in labels for part in (label, label.partition(":")[0])})


def _text(stored: object) -> str:
    """What is stored, if it is text that can be asked for; empty if not."""
    text, intact = readable(stored)
    return text if intact else ""
