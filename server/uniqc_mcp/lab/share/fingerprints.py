"""Fingerprints: short values that differ where two records of a task differ."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from uniqc_mcp.lab.exchange import VERSION

if TYPE_CHECKING:
    from uniqc_store import StoredTask, StoredValue

REDACTION: Final = 3
"""The version of what is sent for a stored row. Raise it when redaction finds more than before.

Every task then has another fingerprint, and is sent again by the next pass.
"""

MODULUS: Final = 1 << 128
"""Sums of fingerprints are modulo this number."""

_BYTES: Final = 16
_FIRST_COLUMN: Final = 3
_AFTER_COLUMNS: Final = 12
_FIRST_JOB_COLUMN: Final = 2


class Fingerprints:
    """The fingerprints of one store, keyed by its secret.

    Whoever has fingerprints and not the secret can't test a guess at what was redacted.

    Args:
        secret: At most 64 random bytes.
    """

    def __init__(self, secret: bytes) -> None:
        """Keep the secret."""
        self._keyed = blake2b(
            key=secret, digest_size=_BYTES, person=b"share %d %d" % (VERSION, REDACTION)
        )

    def of(self, task: StoredTask) -> int:
        """Return the fingerprint of a stored task and its jobs: of every column, type and byte."""
        values: list[StoredValue] = [*task[_FIRST_COLUMN:_AFTER_COLUMNS]]
        for job in task.jobs:
            values += job[_FIRST_JOB_COLUMN:]
        # The length keeps the bytes of two neighbouring texts apart. Anything else is in brackets,
        # so that a number is never taken for a length.
        shape = [
            f"{len(value)}" if type(value) is bytearray else f"({value!r},)" for value in values
        ]
        texts = [value for value in values if type(value) is bytearray]
        digest = self._keyed.copy()
        digest.update(f"[{task.row}, {', '.join(shape)}]".encode())
        digest.update(b"".join(texts))
        return int.from_bytes(digest.digest())


def hexadecimal(number: int) -> str:
    """Return a fingerprint, or a sum of them, as the messages have it."""
    return f"{number % MODULUS:032x}"
