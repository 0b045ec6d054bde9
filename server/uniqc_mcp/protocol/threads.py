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

    from uniqc_store import TaskStore

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def try_inline_then_thread(
    store: TaskStore, bind: Callable[[TaskStore], Callable[Parameters, Result]]
) -> Callable[Parameters, Awaitable[Result]]:
    """Return a function that answers on the event loop, or on a thread where it would block.

    Args:
        store: The store to read; the first try reads its non-blocking view.
        bind: Returns the same function over the store that it is given. It is called twice.
    """
    inline, on_thread = bind(store.nonblocking()), bind(store)

    @wraps(on_thread)
    async def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
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
