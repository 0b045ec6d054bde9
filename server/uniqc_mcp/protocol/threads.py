"""How a call is answered: at once where that takes a moment, and else on a thread of its own.

Handing a question to a thread and its answer back takes longer than most questions do, and a
long one on the event loop would keep all others waiting.
"""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import anyio.from_thread
import anyio.to_thread

from uniqc_store import WouldBlockError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def try_inline_then_thread(
    inline: Callable[Parameters, Answer], on_thread: Callable[Parameters, Answer]
) -> Callable[Parameters, Awaitable[Answer]]:
    """A function that tries the one, and calls the other where that takes too long.

    Args:
        at_once: Reads through ``TaskStore.nonblocking``.
        patiently: The same through the store itself; the signature and docstring are its.
    """

    @wraps(on_thread)
    async def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        try:
            return inline(*args, **kwargs)
        except WouldBlockError:
            return await anyio.to_thread.run_sync(partial(on_thread, *args, **kwargs))

    return call


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
