"""Pages of tasks, each found along an index that has their order.

A search for a part of a name or an error reads a bounded number of tasks for a page, since no
index has these. The next page goes on where it ended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.store import conditions, counts
from uniqc_mcp.lab.store.conditions import LIVE, Conditions, Parameters
from uniqc_mcp.lab.store.counts import count, total_of
from uniqc_mcp.lab.store.records import COLUMNS, JOIN_STORE, METADATA, SOURCE, task_record
from uniqc_mcp.lab.store.session import checked_limit
from uniqc_store import Page, decode_cursor, encode_cursor

if TYPE_CHECKING:
    from uniqc_mcp.lab.store.session import Row, Session
    from uniqc_store import Archived, Order, TaskFilter

MAX_SEARCHED: Final = 8_000
"""Tasks that a page of a search reads at most: some 10 ms."""

_KEYS: Final[dict[Order, str]] = {
    "newest": "submit_time",
    "oldest": "submit_time",
    "updated": "updated_order",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The last task of a page, or the last one that a search read.

    Attributes:
        values: The values of the columns of the order.
        seen: Number of tasks on the pages up to here.
    """

    values: tuple[Any, ...]
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A request for one page."""

    session: Session
    task_filter: TaskFilter
    limit: int
    order: Order
    archived: Archived
    start: _Place | None

    @property
    def kind(self) -> str:
        """The order, archive and scope that a cursor belongs to, besides the filter."""
        return f"lab {self.order} {self.archived} {self.session.scope.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the order, which tell every two tasks apart."""
        last = () if self.archived == "exclude" else ("archived",)
        return (_KEYS[self.order], "place", "owner", "store_id", *last)

    @property
    def direction(self) -> str:
        return "ASC" if self.order == "oldest" else "DESC"

    @property
    def order_by(self) -> str:
        return ", ".join(f"task.{name} {self.direction}" for name in self.columns)

    @property
    def is_search(self) -> bool:
        """True if a condition decides for which every task has to be read."""
        task_filter = self.task_filter
        texts = task_filter.name_contains or task_filter.error_contains
        return bool(texts) or (task_filter.by_update and self.order != "updated")


def search(
    session: Session,
    task_filter: TaskFilter,
    *,
    limit: int,
    cursor: str,
    order: Order,
    archived: Archived,
) -> Page:
    """Return one page of tasks; see ``StoreSnapshot.search``."""
    request = _Request(
        session=session,
        task_filter=task_filter,
        limit=checked_limit(limit),
        order=order,
        archived=archived,
        start=None,
    )
    if cursor:
        request = replace(request, start=_decode(request, cursor))
    if not request.is_search:
        return _page(request, _found(request, _where(request, conditions.matching(task_filter))))
    searched = _where(request, conditions.indexed(task_filter))
    found = _found(request, searched, among=conditions.unindexed(task_filter))
    end = _end_of_search(request) if len(found) <= request.limit else None
    return _page(request, found, end)


def _where(request: _Request, matching: Conditions) -> Conditions:
    where = request.session.scope.conditions("task")
    where.add(LIVE[request.archived])
    where += matching
    if request.start is not None:
        sign = "<" if request.direction == "DESC" else ">"
        where += _compared(request, sign, request.start, "start")
    return where


def _found(request: _Request, where: Conditions, *, among: Conditions | None = None) -> list[Row]:
    """Return the tasks of the page, and one more if there is a next page.

    Args:
        request: The request.
        where: Conditions that an index answers.
        among: Conditions for which tasks have to be read, ``MAX_SEARCHED`` of them at most.
    """
    ordered, parameters = _ordered(request, where)
    parameters |= {"limit": request.limit + 1}
    if among is not None:
        # The inner order is kept, and the walk ends with the page.
        ordered = f"""
            SELECT task.* FROM ({ordered} LIMIT {MAX_SEARCHED}) AS task
            WHERE {among.sql} ORDER BY {request.order_by}
        """
        parameters |= among.parameters
    # The page is chosen first, so that metadata are looked up for its tasks alone.
    statement = f"""
        SELECT {COLUMNS}, {SOURCE}, {METADATA} FROM ({ordered} LIMIT %(limit)s) AS task
        {JOIN_STORE} ORDER BY {request.order_by}
    """
    return request.session.rows(statement, parameters)


def _ordered(request: _Request, where: Conditions) -> tuple[str, Parameters]:
    """Return the statement of matching tasks in order, and its parameters."""
    scope = request.session.scope
    if counts.has_few_tasks(request.session):
        few, parameters = scope.of_few_tasks(where)
        return f"{few} ORDER BY {request.order_by}", parameters
    # No index has an owner's tasks in order of their last touch.
    if request.order == "updated" or not scope.merges(request.task_filter):
        ordered = f"SELECT task.* FROM task WHERE {where.sql} ORDER BY {request.order_by}"
        return ordered, {**where.parameters}
    most = MAX_SEARCHED if request.is_search else request.limit + 1
    merged, parameters = scope.of_each_owner(where, most, order_by=request.order_by)
    return f"{merged} ORDER BY {request.order_by}", parameters


def _end_of_search(request: _Request) -> _Place | None:
    """Return the last task that the page may read; None if there are fewer."""
    where = _where(request, conditions.indexed(request.task_filter))
    names = ", ".join(f"task.{name}" for name in request.columns)
    ordered, parameters = _ordered(request, where)
    statement = f"SELECT {names} FROM ({ordered} LIMIT 1 OFFSET {MAX_SEARCHED - 1}) AS task"
    row = request.session.row(statement, parameters)
    return None if row is None else _place(request, row, 0)


def _page(request: _Request, found: list[Row], end: _Place | None = None) -> Page:
    shown, more = found[: request.limit], len(found) > request.limit
    seen = (request.start.seen if request.start else 0) + len(shown)
    stop = _place(request, shown[-1], seen) if more else end and replace(end, seen=seen)
    total, exact = seen, True
    if stop is not None:
        total, exact = _total(request, seen + more)
    return Page(
        records=tuple(task_record(row) for row in shown),
        total=total,
        exact=exact,
        next_cursor="" if stop is None else _encode(request, stop),
        cut_short=stop is not None and len(shown) < request.limit,
    )


def _total(request: _Request, least: int) -> tuple[int, bool]:
    """Return the number of matching tasks, and whether it is exact."""
    if request.archived != "exclude":
        return count(request.session, request.task_filter, request.archived), True
    if request.is_search:
        return least, False
    total, exact = total_of(request.session, request.task_filter, request.archived)
    return (total, True) if exact else (max(total, least), False)


def _place(request: _Request, row: Row, seen: int) -> _Place:
    return _Place(values=tuple(row[name] for name in request.columns), seen=seen)


def _compared(request: _Request, sign: str, place: _Place, prefix: str) -> Conditions:
    """Return the condition for the tasks on one side of a place."""
    names = ", ".join(f"task.{name}" for name in request.columns)
    parameters = {f"{prefix}_{n}": value for n, value in enumerate(place.values)}
    values = ", ".join(f"%({name})s" for name in parameters)
    return Conditions([f"({names}) {sign} ({values})"], parameters)


def _encode(request: _Request, place: _Place) -> str:
    packed = json.dumps([place.seen, *place.values], ensure_ascii=False).encode()
    return encode_cursor(packed, request.task_filter, request.kind)


def _decode(request: _Request, cursor: str) -> _Place:
    packed = decode_cursor(cursor, 1, request.task_filter, request.kind)
    seen, *values = json.loads(packed)
    return _Place(values=tuple(values), seen=seen)
