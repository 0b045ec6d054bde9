"""The messages between ``uniqc-mcp share`` and the server of a laboratory, as JSON over HTTPS.

A pass of ``share`` first compares: it sends one digest of its whole file and one for each range of
task ids. The server answers with the fingerprints that it holds in the ranges that differ. Then the
pass sends those tasks that differ, and the keys of those that are no longer there.

The server takes the owner from the token of the request and from nothing else.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

VERSION = 1
"""The version of the messages. A server refuses any other, and names the versions it takes."""

COMPARE_PATH = "share/v1/compare"
"""Path of :class:`Compare` below the server's address; the message is the body of a POST."""

PUSH_PATH = "share/v1/push"
"""Path of :class:`Push`, likewise."""

MAX_RANGES = 5_000
"""Most ranges of a comparison."""

MAX_RANGE_TASKS = 1_000
"""Most tasks of a range."""

MAX_TASKS = 2_000
"""Most tasks, and most keys of tasks that are gone, in one batch."""

MAX_BATCH_BYTES = 8 * 2**20
"""Most bytes of a request's body."""

MAX_BODY_BYTES = 2**20
"""Most bytes of the metadata, or of one result, that are sent; longer ones stay on the machine."""

Fingerprint = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
"""128 bits in hexadecimal digits: of one task as it is stored and sent, with its jobs.

It is keyed by a secret of the machine, so that nobody can guess at what was redacted.
"""

StoreId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
"""A random name of one cache directory, made by ``share`` when it first runs there."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Key(_Message):
    """The name of a task in one store, where an id can be live and archived at once."""

    task_id: str
    archived: bool = False


class Held(_Message):
    """A task that the server holds, by its fingerprint."""

    key: Key
    fingerprint: Fingerprint


class Range(_Message):
    """Tasks with ids after one and up to another, in the order of their UTF-8 bytes.

    The digest is the sum of the fingerprints modulo 2**128, which no order changes. A range covers
    live and archived tasks. The last range has no end.
    """

    after: str
    upto: str | None
    count: int = Field(ge=0, le=MAX_RANGE_TASKS)
    digest: Fingerprint


class Job(_Message):
    """One platform job of a task, redacted; the fields are those of ``uniqc_store.TaskShard``."""

    shard_index: int
    platform_task_id: str
    backend: str
    circuit_count: int
    sub_index_offset: int
    status: str
    submit_time: str
    update_time: str
    error: str | None = None
    result: str | None = None
    result_bytes: int | None = None


class Task(_Message):
    """One task, redacted.

    Texts are as recorded, but for what was redacted and for NUL, which PostgreSQL can't keep.

    Attributes:
        place: The order of insertion in the file, which decides between equal times.
        submitted_at: ``submit_time`` in ISO 8601 with its offset, which the machine alone knows of
            a time without one; None if it is unreadable.
        updated_at: Likewise of ``update_time``.
        metadata: JSON text; None where it is larger than ``MAX_BODY_BYTES``, or where it could not
            be redacted.
        result: Likewise; None where there is none, too.
        result_bytes: Size of the stored result; None if there is none.
        damaged: Fields that are unreadable or were changed on the way.
    """

    key: Key
    fingerprint: Fingerprint
    place: int
    backend: str
    status: str
    shots: int
    submit_time: str
    update_time: str
    submitted_at: str | None
    updated_at: str | None
    name: str
    error: str | None
    archived_at: str | None
    metadata: str | None
    result: str | None
    result_bytes: int | None
    damaged: tuple[str, ...] = ()
    jobs: tuple[Job, ...] = ()


class Compare(_Message):
    """The tasks that a machine holds, in digests. Whoever receives it has heard from the machine.

    Attributes:
        schema_version: The ``user_version`` of the machine's file, which tells how its releases of
            uniqc wrote results.
    """

    version: int = VERSION
    store_id: StoreId
    machine: str = Field(max_length=200)
    audience: Literal["me", "lab"]
    schema_version: int = Field(default=0, ge=0, le=2**31 - 1)
    count: int = Field(ge=0)
    digest: Fingerprint
    ranges: tuple[Range, ...] = Field(default=(), max_length=MAX_RANGES)


class Compared(_Message):
    """The tasks that the server holds in ranges that differ.

    Attributes:
        epoch: A random name of the database, made when it was created. Another than before, or a
            lower revision, says that a backup was restored.
        same: True if count and digest of the whole agree; then nothing else is to be done.
        differing: The ranges that differ, at most as many as fit in an answer, each with all that
            the server holds in it. Of a range with too much for one answer it is the beginning,
            and what is left differs in the next comparison. Empty in an answer to a comparison
            without ranges.
        more: True if other ranges differ too; to be compared again after these.
    """

    epoch: str
    revision: int
    same: bool
    differing: tuple[tuple[Range, tuple[Held, ...]], ...] = ()
    more: bool = False


class Push(_Message):
    """Tasks that the server lacks or holds otherwise, and keys of tasks that are gone.

    Attributes:
        revision: The revision of the store at the server's last answer. A message that was held up
            on its way is then not taken any more: it would undo what came after it. None takes it
            at any revision.
    """

    version: int = VERSION
    store_id: StoreId
    revision: int | None = Field(default=None, ge=0)
    tasks: tuple[Task, ...] = Field(default=(), max_length=MAX_TASKS)
    gone: tuple[Key, ...] = Field(default=(), max_length=MAX_TASKS)


class Pushed(_Message):
    """The answer to :class:`Push`, once it is committed.

    Attributes:
        refused: Tasks that the server could not keep, with the reason. Everything else is kept.
    """

    epoch: str
    revision: int
    refused: tuple[tuple[Key, str], ...] = ()


class Problem(_Message):
    """The body of every answer that is not 200.

    Attributes:
        retry_after: Seconds to wait before the next try; None where trying again does not help.
    """

    error: str
    retry_after: float | None = None
