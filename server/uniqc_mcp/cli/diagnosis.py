"""The condition of one cache, as ``doctor`` tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.cli.share_facts import ShareFacts
    from uniqc_mcp.cli.store_facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The condition of one cache.

    Attributes:
        location: The path of the file, with ``~`` for the home directory.
        ok: True if a server would work, as it does without a file.
        exists: True if there is a file; None where that can't be seen.
        size_bytes: The size of the file; 0 if there is none.
        last_write: Time at which the file, or its WAL, was last written; empty if there is none.
        readable: True if this user may read the file.
        writable: True if this user could write the file. A server does not, unless it clears.
        receipts: Number of clears that can be undone; None if that could not be read.
        facts: Facts that were read from the file; None if it could not be read.
        fallback: The path of the other file, in which uniqc works if it can't open its own; empty
            where the system has no directory for it.
        fallback_last_write: Time at which that was last written; empty if it is not there.
        share: The state of sharing the cache with a laboratory; None if it never was.
        may_clear: What a server with these options may clear, in words; empty if nothing.
        problems: Reasons why a server would not work, each with what to do.
        notes: Anything else that is unusual about the file.
    """

    location: str
    ok: bool
    exists: bool | None
    size_bytes: int
    readable: bool
    writable: bool
    last_write: str = ""
    receipts: int | None = 0
    facts: Facts | None = None
    fallback: str = ""
    fallback_last_write: str = ""
    share: ShareFacts | None = None
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
        if self.receipts is not None:
            yield f"receipts  {self.receipts}"
        if self.fallback:
            yield from self._fallback_lines()
        if self.share is not None:
            yield from self.share.lines()
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
        if self.exists is None:
            yield "          can't be seen by this user"
            return
        if not self.exists:
            yield f"          is not there{': uniqc has kept no tasks here yet' if self.ok else ''}"
            return
        use = "may clear" if self.may_clear else "only reads"
        yield f"          {self.size_bytes:,} bytes, {self._permission}; the server {use}"
        yield f"          last written {self.last_write}"

    @property
    def _permission(self) -> str:
        if not self.readable:
            return "may not be read by this user"
        return "may be written by this user" if self.writable else "may not be written"

    def _fallback_lines(self) -> Iterator[str]:
        written = self.fallback_last_write
        yield f"fallback  {self.fallback}, {f'last written {written}' if written else 'not there'}"
        yield "          uniqc keeps tasks there while it can't open ~/.uniqc/cache/tasks.sqlite"


def _facts_lines(facts: Facts) -> Iterator[str]:
    yield f"schema    {facts.schema_version}, written by {facts.written_by}"
    yield f"tasks     {facts.tasks}, {facts.active} active, {facts.archived} more archived"
    for status, count in facts.by_status.items():
        yield f"          {count:>7} {status}"
