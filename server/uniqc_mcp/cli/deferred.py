"""The first call of a client, whose modules are imported when it comes."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from uniqc_mcp.opening.recording import CallAnswer
    from uniqc_mcp.settings import Settings
    from uniqc_store import TaskStore


class FirstCall:
    """The answer to a client's first call.

    Args:
        settings: The settings of the server.

    Attributes:
        store: The store that was read for it, which the server then goes on with; None before.
    """

    def __init__(self, settings: Settings) -> None:
        self.store: TaskStore | None = None
        self._settings = settings

    def __call__(self, name: str, arguments: dict[str, Any]) -> CallAnswer | None:
        """Return the answer of a tool; None where the server has to answer."""
        with no_garbage_collection():
            # 0.3 s of a server that nobody asks
            from uniqc_mcp.cli.first_call import answer_first_call  # noqa: PLC0415
            from uniqc_store import TaskStore  # noqa: PLC0415

        self.store = TaskStore(self._settings.cache_dir, read_only=True)
        clears = self._settings.clearing is not None
        return answer_first_call(self.store, name, arguments, clears=clears)


@contextmanager
def no_garbage_collection() -> Generator[None]:
    """Collect no garbage meanwhile, and exempt what is there at the end from later collections.

    A start takes a tenth less time, as imports produce hardly any garbage:
    ``python -m benchmarks --only starts``.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
