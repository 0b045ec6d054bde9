"""Gaps between reads, in which a writer can begin its WAL from the start again.

SQLite does so only at a moment when no connection reads the WAL. Where many processes read one
after the other there is no such moment, although each read is short, and the WAL grows with every
commit: by 1.2 MiB a second beside ten readers and a hundred commits a second. So once the WAL is
large, no read begins in the first part of each second. All processes have the same clock, and
so leave the same gap.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from uniqc_store.database.files import companion_of
from uniqc_store.errors import WouldBlockError

if TYPE_CHECKING:
    from uniqc_store.database.connection import Access

LARGE_WAL_BYTES: Final = 16 << 20
"""Size of the WAL from which on there are gaps; uniqc begins it again at 4 MiB if it can."""

_PERIOD: Final = 1.0
_GAP: Final = 0.2
"""Length of a gap, in seconds: reads that began before it have to end within it."""


def wait_until_gap_is_over(access: Access) -> None:
    """Wait until a read may begin: at once, unless the WAL is large and this is a gap.

    Raises:
        WouldBlockError: The caller cannot wait.
    """
    try:
        size = companion_of(access.path, "-wal").stat().st_size
    except OSError:  # no WAL, or the read itself will tell
        return
    passed = time.time() % _PERIOD
    if size < LARGE_WAL_BYTES or passed >= _GAP:
        return
    if access.nonblocking:
        raise WouldBlockError
    time.sleep(_GAP - passed)
