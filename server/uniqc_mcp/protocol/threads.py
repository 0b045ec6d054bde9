"""Reads on the event loop where they are short, and on a worker thread where they are not.

A round trip to a thread takes longer than most reads (70 to 140 µs), and a long read on the event
loop would delay every other call.
"""

from __future__ import annotations

import inspect
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

import anyio.from_thread
import anyio.to_thread

from uniqc_mcp.protocol.signatures import set_signature
from uniqc_store import WouldBlockError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from uniqc_mcp.questions.store import ReadableStore

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Answering(Protocol):
    """A way to make a function that answers from a store."""

    def __call__(
        self, bind: Callable[[ReadableStore], Callable[Parameters, Result]], /
    ) -> Callable[Parameters, Awaitable[Result]]:
        """Return a function with the signature of those that ``bind`` returns for a store."""
        ...


def try_inline_then_thread(
    store: ReadableStore, bind: Callable[[ReadableStore], Callable[Parameters, Result]]
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

    set_signature(call, inspect.signature(on_thread))
    return call


def call_is_cancelled() -> bool:
    """Return whether the call that this thread works for was cancelled.

    It is also cancelled when the server ends. On a thread that works for no call the answer is
    False.
    """
    try:
        anyio.from_thread.check_cancelled()
    except RuntimeError:
        return False
    except BaseException:  # the backend's cancellation; nothing else is raised here
        return True
    return False
