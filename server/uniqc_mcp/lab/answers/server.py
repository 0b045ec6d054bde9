"""The server of a laboratory: the one place that joins the parts of its answers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp.server.request_state import RequestStateSecurity

from uniqc_mcp.cancelled_waits import CancelledWaits
from uniqc_mcp.completions import Completable
from uniqc_mcp.context import Connections, ConnectionState, ServerContext
from uniqc_mcp.lab.access.requester import requesting_owner
from uniqc_mcp.lab.answers.answering import SELECTION, RequesterAnswering
from uniqc_mcp.lab.answers.completions import selection_values
from uniqc_mcp.lab.answers.instructions import lab_instructions
from uniqc_mcp.lab.answers.stores import EVERYTHING
from uniqc_mcp.lab.answers.tools import LabTools
from uniqc_mcp.lab.answers.watchers import Watchers
from uniqc_mcp.prompts import PROMPTS, add_prompts
from uniqc_mcp.resources import LIST_PARAMETERS, RESOURCES, ReadResources, ResourceSpec
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.settings import MAX_WAIT
from uniqc_mcp.subscriptions.subscriber import Subscriptions
from uniqc_mcp.task_server import TaskServer, add_completions, add_resource, new_server
from uniqc_mcp.tool_registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from mcp.server import MCPServer

    from uniqc_mcp.lab.answers.stores import LabStores
    from uniqc_mcp.prompts import PromptSpec
    from uniqc_mcp.questions.store import ReadableStore

_CLEARS_NOTHING = (
    "A laboratory's server clears nothing and keeps no copies of what was cleared. Each person "
    "clears on their own machine, with the uniqc-mcp there."
)
_OFF = {spec.name: _CLEARS_NOTHING for spec in TOOLS if spec.writes or spec.reads_copies}
_PARAMETERS = (*LIST_PARAMETERS, *SELECTION)

LAB_PROMPTS = tuple(spec for spec in PROMPTS if spec.name != "tidy_up")
"""The prompts of a laboratory's server, which clears nothing."""


def _lab_resources() -> tuple[ResourceSpec, ...]:
    wanted = (spec for spec in RESOURCES if not spec.method.startswith("cleared"))
    filters, with_selection = ",".join(LIST_PARAMETERS), ",".join(_PARAMETERS)
    return tuple(replace(one, uri=one.uri.replace(filters, with_selection)) for one in wanted)


LAB_RESOURCES = _lab_resources()
"""The resources of a laboratory's server."""


class LabServer(TaskServer):
    """The server of a laboratory, of which each requester sees another part."""

    tools_off: Mapping[str, str] = _OFF
    prompt_specs: Sequence[PromptSpec] = LAB_PROMPTS
    list_parameters: Sequence[str] = _PARAMETERS


def build_lab_server(
    stores: LabStores,
    *,
    clock: Callable[[], datetime] = utc_now,
    max_wait: int = MAX_WAIT,
    state_key: bytes | None = None,
) -> LabServer:
    """Return a server over the stores of a laboratory, which it only reads.

    Args:
        stores: The stores.
        clock: Returns the present.
        max_wait: The longest wait for tasks, in seconds.
        state_key: The key of the state that clients carry between two parts of a request, which
            the workers of a server share; None for a key of this process.
    """
    answering, watchers = RequesterAnswering(stores), Watchers(stores)
    server = new_server(
        LabServer,
        LabTools(stores, watchers, answering, clock).all(max_wait=max_wait),
        title="UnifiedQuantum tasks of a laboratory",
        instructions=lab_instructions(clock()),
        lifespan=_lifespan(stores, watchers),
        request_state=None if state_key is None else RequestStateSecurity(keys=[state_key]),
    )
    for spec in LAB_RESOURCES:
        add_resource(server, spec, _reader(spec, answering, clock))
    add_prompts(server, answering, clock=clock, specs=LAB_PROMPTS)
    completable = Completable.of(LAB_PROMPTS, LAB_RESOURCES)
    add_completions(server, answering, completable, selection_values(stores))
    return server


def _reader(
    spec: ResourceSpec, answering: RequesterAnswering, clock: Callable[[], datetime]
) -> Callable[..., Awaitable[str]]:
    """Return the function that reads a resource as its requester may see it."""

    def bind(store: ReadableStore, scope: str = "") -> Callable[..., str]:
        method: Callable[..., str] = getattr(ReadResources(store, clock, scope=scope), spec.method)
        return method

    if spec.method == "tasks":
        return answering.selecting(bind, texts=True)
    return answering(bind)


def _lifespan(
    stores: LabStores, watchers: Watchers
) -> Callable[[MCPServer[ServerContext]], AbstractAsyncContextManager[ServerContext]]:
    def begin() -> ConnectionState:
        # The SDK lets nobody else use a connection, so that it is one person's to its end.
        requester = requesting_owner()
        watcher = watchers.watcher(requester, EVERYTHING)
        return ConnectionState(
            watcher=watcher,
            subscriptions=Subscriptions(stores.store(requester, EVERYTHING), watcher),
            cancelled_waits=CancelledWaits(),
        )

    @asynccontextmanager
    async def lifespan(_: MCPServer[ServerContext]) -> AsyncGenerator[ServerContext]:
        async with watchers.running():
            yield ServerContext(connections=Connections(begin), clearing=None, pending_plans=None)

    return lifespan
