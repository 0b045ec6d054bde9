"""The call that this thread works for."""

from __future__ import annotations

import anyio.from_thread


def call_is_cancelled() -> bool:
    """Whether the client has cancelled it, or the server is ending.

    False where this thread works for no call: a function called by itself, as in a test.
    """
    try:
        anyio.from_thread.check_cancelled()
    except RuntimeError:
        return False
    except BaseException:  # the backend's own kind of cancellation; nothing else comes
        return True
    return False
