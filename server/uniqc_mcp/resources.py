"""The resources. Each is a method that can be called without a server."""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Literal, ParamSpec, TypeVar, get_args
from urllib.parse import parse_qs, quote

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.exceptions import MCPError

from uniqc_mcp.argument_errors import explain_unknown
from uniqc_mcp.clearing.listing import ClearedTools
from uniqc_mcp.errors import RequestError, UnknownTaskError, explain_store_error
from uniqc_mcp.protocol.errors import explain_unexpected, invalid
from uniqc_mcp.protocol.signatures import set_signature
from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_mcp.questions.store import ReadableStore
from uniqc_mcp.records.related_rows import notes_on_active
from uniqc_mcp.responses.base import Answer, StoreView
from uniqc_mcp.responses.text import is_or_are, plural
from uniqc_mcp.responses.times import local_zone, utc_now
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.settings import ClearSettings
from uniqc_mcp.tasks.circuits import StageWithUri
from uniqc_mcp.tasks.cleared_lookup import read_task
from uniqc_mcp.tasks.count_models import StoreSummary, largest_groups
from uniqc_mcp.tasks.filter_arguments import (
    STATUSES,
    Status,
    filters_from_texts,
    parts,
    spell_out_filters,
)
from uniqc_mcp.tasks.lookup import METADATA_ELSEWHERE, FoundTask, stored_result
from uniqc_mcp.tasks.policy_model import PolicyView
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_mcp.tasks.whole_parts import whole_result, whole_stage
from uniqc_store import (
    TERMINAL_STATUSES,
    Archived,
    InvalidValueError,
    Order,
    StoreError,
    TaskFilter,
    UnknownReceiptError,
)

Parameters = ParamSpec("Parameters")
Known = TypeVar("Known")

_LIST_LIMIT = 100
_LIST = "uniqc://tasks"
_ARCHIVED: tuple[Archived, ...] = get_args(Archived)
_ORDERS: tuple[Order, ...] = get_args(Order)
_ACTIVE = "uniqc://tasks/active"
_ONE_CLEAR = "uniqc://cleared/"
_WITHOUT_FILTERS = ("uniqc://store", _ACTIVE, "uniqc://task/", "uniqc://cleared")


class ReadResources:
    """The resources of one store, as JSON text."""

    def __init__(
        self,
        store: ReadableStore,
        clock: Callable[[], datetime] = utc_now,
        *,
        clearing: ClearSettings | None = None,
        scope: str = "",
    ) -> None:
        self._store = store
        self._clearing = clearing
        self._clock = clock
        self._tools = ReadTools(store, clock, clears=clearing is not None, scope=scope)
        self._cleared = ClearedTools(store, clock, clearing=clearing)

    def store(self) -> str:
        """The task cache: where it is, its schema, its tasks by status, what may be cleared."""
        now = self._clock()

        def answer(snapshot: StoreSnapshot) -> str:
            groups = snapshot.tally(TaskFilter(), by=("status",))
            shown, notes = largest_groups(groups, Sanitizer())
            active = sum(group.count for group in groups if group.status not in TERMINAL_STATUSES)
            notes += notes_on_active(snapshot, TaskFilter(), active=active)
            if archived := snapshot.archived():
                more = f"{archived} more {plural('task', archived)} {is_or_are(archived)}"
                notes.append(f"{more} in uniqc's archive.")
            notes.append(f"This machine's time zone: {local_zone(now)}.")
            return _json(
                StoreSummary(
                    matching="tasks",
                    total=sum(group.count for group in groups),
                    groups=shown,
                    policy=None if self._clearing is None else PolicyView.of(self._clearing),
                    store=StoreView.of(snapshot.state, now, notes),
                )
            )

        return self._store.read(answer)

    def active(self) -> str:
        """The tasks that are not finished, the newest 100; more has the address of the next."""
        return self.active_page()

    def active_page(self, *, cursor: str = "") -> str:
        """A page of the tasks that are not finished, newest first."""
        page = self._tools.list_tasks(status="active", limit=_LIST_LIMIT, cursor=cursor)
        if page.next_cursor:
            more = f"read {_ACTIVE}?cursor={quote(page.next_cursor, safe='')}"
            page = page.model_copy(update={"more": more})
        return _json(page)

    @spell_out_filters
    def tasks(
        self,
        *,
        status: str = "",
        archived: str = "",
        order: str = "",
        limit: str = "",
        cursor: str = "",
        **filters: str,
    ) -> str:
        """A page of tasks of any status, as the tool list_tasks gives it; it takes its filters."""
        limit = limit or "20"
        # Digits of other scripts match too; int() reads them.
        if not re.fullmatch(r"\d{1,4}", limit) or not 1 <= int(limit) <= _LIST_LIMIT:
            raise invalid(f"limit must be an integer from 1 to {_LIST_LIMIT}")
        # not_heard_for asks for active tasks by itself.
        any_status: Sequence[Status] = () if filters.get("not_heard_for") else ("any",)
        return _json(
            self._tools.list_tasks(
                status=_each_one_of("status", parts(status), STATUSES) or any_status,
                archived=_each_one_of("archived", [archived or "exclude"], _ARCHIVED)[0],
                order=_each_one_of("order", [order or "newest"], _ORDERS)[0],
                limit=int(limit),
                cursor=cursor,
                **filters_from_texts(filters),
            )
        )

    def cleared(self) -> str:
        """The receipts of what was cleared and can be put back, the newest 100."""
        return _json(self._cleared.list_cleared(limit=_LIST_LIMIT))

    def cleared_by(self, *, receipt: str, cursor: str = "") -> str:
        """A page of the tasks of one receipt, as the tool list_cleared gives it."""
        if not receipt:
            raise invalid("receipt must not be empty")
        page = self._cleared.list_cleared(receipt=receipt, limit=_LIST_LIMIT, cursor=cursor)
        return _json(page)

    def task(self, *, task_id: str) -> str:
        """One task whole, as the tool get_task gives it."""
        return _json(self._tools.get_task(task_id=task_id))

    def result(self, *, task_id: str) -> str:
        r"""The whole result of a task as stored, without credentials; null if none is stored.

        Of a batch that has none yet, or that failed, the results of its finished jobs, with null
        for each circuit without one. Unseen characters are escaped, such as \u202e, and NaN and
        infinity are strings.
        """
        stored, _ = read_task(self._store, task_id, stored_result)
        return whole_result(stored).text

    def outcomes(self, *, task_id: str) -> str:
        """The outcomes of each circuit of a task, as they are drawn, the most frequent first.

        Of each its bits, count and probability; up to 4,096 of a circuit, 16,384 in all.
        """
        from uniqc_mcp.tasks.all_outcomes import all_outcomes  # noqa: PLC0415 - 0.02 s of a start

        task, _ = read_task(self._store, task_id, FoundTask.of)
        return json.dumps(all_outcomes(task, self._clock()), ensure_ascii=False)

    def circuit(self, *, task_id: str) -> str:
        """The source circuit of a task, of a batch each; of a cloud's batch, as submitted."""
        return self._circuits(task_id, "source")

    def compiled_circuit(self, *, task_id: str) -> str:
        """The circuit that uniqc compiled for the backend."""
        return self._circuits(task_id, "compiled")

    def executed_circuit(self, *, task_id: str) -> str:
        """The circuit that ran, as far as uniqc recorded it: on dummies that imitate a chip."""
        return self._circuits(task_id, "executed")

    def _circuits(self, task_id: str, stage: StageWithUri) -> str:
        record, _ = read_task(self._store, task_id, lambda snapshot, match: snapshot.record(match))
        if record.metadata_elsewhere:
            raise RequestError(METADATA_ELSEWHERE)
        return whole_stage(record, stage).text


def check_query(uri: str, list_parameters: Sequence[str]) -> None:
    """Refuse an unknown query parameter, and a repeated one, which the SDK would drop.

    Args:
        uri: The address.
        list_parameters: The parameters of a list of tasks.

    Raises:
        MCPError: Invalid params; the message says what the address takes.
    """
    # Not urlsplit(), which raises for some addresses that are unknown but valid.
    address, _, query = uri.partition("#")[0].partition("?")
    given = parse_qs(query, keep_blank_values=True)
    known = tuple(list_parameters) if address == _LIST else ()
    if address == _ACTIVE or address.startswith(_ONE_CLEAR):
        known = ("cursor",)
    wrong = next((name for name in given if name not in known), "")
    if wrong and address.startswith(_WITHOUT_FILTERS):
        takes = f"no parameters but {known[0]}" if known else "no parameters"
        raise invalid(
            f"{quoted(address)} takes {takes}; read it without {quoted(wrong)}. "
            "Only uniqc://tasks has filters, such as uniqc://tasks?status=failed"
        )
    for name, values in given.items() if known else ():
        if name not in known:
            raise invalid(explain_unknown(name, known, kind="parameter"))
        if len(values) > 1:
            raise invalid(f"{name} is given {len(values)} times; give it once")


LIST_PARAMETERS = tuple(inspect.signature(ReadResources.tasks).parameters)[1:]
"""The parameters of a list of tasks."""


def _each_one_of(name: str, values: Sequence[str], known: Sequence[Known]) -> Sequence[Known]:
    """Return the values, each of which has to be a known one."""
    found: Sequence[Known] = [choice for value in values for choice in known if choice == value]
    if len(found) < len(values):
        raise invalid(f"{name} must be one of {', '.join(map(str, known))}")
    return found


def _json(answer: Answer) -> str:
    return json.dumps(answer.structured(), ensure_ascii=False)


def with_protocol_errors(
    read: Callable[Parameters, Awaitable[str]],
) -> Callable[Parameters, Awaitable[str]]:
    """Return a reading function that raises the errors of the protocol."""

    @wraps(read)
    async def reading(*args: Parameters.args, **kwargs: Parameters.kwargs) -> str:
        try:
            return await read(*args, **kwargs)
        except (UnknownTaskError, UnknownReceiptError) as error:
            raise ResourceNotFoundError(str(error)) from error
        except RequestError as error:
            raise invalid(str(error)) from error
        except InvalidValueError as error:
            raise invalid(explain_store_error(error)) from error
        except StoreError as error:
            raise ResourceError(explain_store_error(error)) from error
        except (MCPError, ResourceError):
            raise
        except Exception as error:
            raise ResourceError(explain_unexpected("The resource", error)) from error

    set_signature(reading, inspect.signature(read))
    return reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpec:
    """One resource, or a template of resources.

    Attributes:
        uri: The address, or a template of addresses (RFC 6570).
        method: The method of ``ReadResources`` that reads it.
        title: The name that people see.
    """

    uri: str
    method: Literal[
        "store",
        "active",
        "active_page",
        "tasks",
        "task",
        "result",
        "outcomes",
        "circuit",
        "compiled_circuit",
        "executed_circuit",
        "cleared",
        "cleared_by",
    ]
    title: str


RESOURCES = (
    ResourceSpec(uri="uniqc://store", method="store", title="The task cache"),
    ResourceSpec(uri=_ACTIVE, method="active", title="Active tasks"),
    ResourceSpec(uri=f"{_ACTIVE}{{?cursor}}", method="active_page", title="A page of active tasks"),
    ResourceSpec(uri="uniqc://task/{task_id}", method="task", title="A task"),
    ResourceSpec(uri="uniqc://task/{task_id}/result", method="result", title="A task's result"),
    ResourceSpec(
        uri="uniqc://task/{task_id}/outcomes", method="outcomes", title="A task's outcomes"
    ),
    ResourceSpec(uri="uniqc://task/{task_id}/circuit", method="circuit", title="A task's circuit"),
    ResourceSpec(
        uri="uniqc://task/{task_id}/circuit/compiled",
        method="compiled_circuit",
        title="A task's compiled circuit",
    ),
    ResourceSpec(
        uri="uniqc://task/{task_id}/circuit/executed",
        method="executed_circuit",
        title="A task's executed circuit",
    ),
    ResourceSpec(
        uri=f"{_LIST}{{?{','.join(LIST_PARAMETERS)}}}", method="tasks", title="Tasks by filter"
    ),
    ResourceSpec(uri="uniqc://cleared", method="cleared", title="Cleared tasks"),
    ResourceSpec(
        uri="uniqc://cleared/{receipt}{?cursor}", method="cleared_by", title="Tasks of one clear"
    ),
)
