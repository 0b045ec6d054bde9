"""The tool list_cleared."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from uniqc_mcp.clearing.cleared_models import ClearedList, ClearedTaskView, ReceiptView
from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.questions.store import ReadableStore
from uniqc_mcp.responses.base import StoreView
from uniqc_mcp.responses.text import plural
from uniqc_mcp.responses.times import duration, utc_now, wire_time, zone_notes
from uniqc_mcp.safety.display import tilde
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.settings import KEEP_CLEARED, ClearSettings
from uniqc_mcp.token_budget import ANSWER, how_many_fit
from uniqc_store import Receipt, assume_local, parse_time

_ENVELOPE_TOKENS: Final = 1_500
"""Tokens of an answer without its receipts and tasks."""

NOTHING: Final = "Nothing was cleared that could be put back."


class ClearedTools:
    """The tool that lists what was cleared. It only reads.

    Args:
        store: The store whose copies are read.
        clock: The current time.
        clearing: The operator's limits on clearing; None where this server only reads.
    """

    def __init__(
        self,
        store: ReadableStore,
        clock: Callable[[], datetime] = utc_now,
        *,
        clearing: ClearSettings | None = None,
    ) -> None:
        """Make the tool of a store."""
        self._store = store
        self._clearing = clearing
        self._clock = clock

    def list_cleared(
        self,
        *,
        receipt: Annotated[str, Field(description="Empty: list receipts.")] = "",
        limit: Annotated[int, Field(ge=1, le=100, description="Most entries on a page.")] = 20,
        cursor: Annotated[str, Field(description="next_cursor of the page before.")] = "",
    ) -> ClearedList:
        """List what was cleared and can be put back; with no arguments the receipts."""
        if receipt:
            return self._tasks(receipt, limit, cursor)
        return self._receipts(limit, cursor)

    def _receipts(self, limit: int, cursor: str) -> ClearedList:
        receipts = self._store.cleared_tasks().receipts()
        rest = receipts[_place_after(cursor, receipts) :]
        sanitizer = Sanitizer()
        views = [view_of(receipt, sanitizer, self._keep) for receipt in rest[:limit]]
        views = views[: max(1, how_many_fit((view.size for view in views), _room()))]
        total = len(receipts)
        held = sum(receipt.held for receipt in receipts)
        message = (
            f"{total} {plural('receipt', total)}, {held} {plural('task', held)} held. {self._how()}"
            if total
            else NOTHING
        )
        return ClearedList(
            message=message,
            receipts=views,
            tasks=[],
            total=total,
            next_cursor=views[-1].receipt if len(views) < len(rest) else "",
            store=self._source([]),
        )

    def _tasks(self, receipt: str, limit: int, cursor: str) -> ClearedList:
        copies, sanitizer = self._store.cleared_tasks(), Sanitizer()
        page = copies.page(receipt, limit=limit, cursor=cursor)
        views = [ClearedTaskView.of(record, sanitizer) for record in page.records]
        if (room := max(1, how_many_fit((view.size for view in views), _room()))) < len(views):
            # A second search, because only the store can say where the next page begins.
            page, views = copies.page(receipt, limit=room, cursor=cursor), views[:room]
        total = page.receipt.held
        message = (
            f"{total} {plural('task', total)} of one receipt, in the order of the clear, "
            f"{len(views)} shown. {self._how()}"
        )
        return ClearedList(
            message=message,
            receipts=[view_of(page.receipt, sanitizer, self._keep)],
            tasks=views,
            total=total,
            next_cursor=page.next_cursor,
            store=self._source(zone_notes(view.submitted_at for view in views)),
        )

    @property
    def _keep(self) -> timedelta:
        return KEEP_CLEARED if self._clearing is None else self._clearing.keep

    def _how(self) -> str:
        if self._clearing is None:
            return (
                "`uniqc-mcp restore RECEIPT`, with --task ID for single ones, puts tasks back. "
                f"A later clear drops receipts older than {_in_words(KEEP_CLEARED)}, or than its "
                "--keep-cleared says."
            )
        return (
            "undo_clear puts the tasks of a receipt back, or some of them. A later clear drops "
            f"receipts older than {_in_words(self._clearing.keep)}."
        )

    def _source(self, notes: list[str]) -> StoreView:
        """Return the view of the file of copies, which was read in place of the store."""
        copies = self._store.cleared_tasks()
        return StoreView(
            location=tilde(copies.path),
            exists=copies.exists,
            schema_version=copies.schema_version,
            read_at=wire_time(self._clock()),
            notes=notes,
        )


def view_of(receipt: Receipt, sanitizer: Sanitizer, keep: timedelta = KEEP_CLEARED) -> ReceiptView:
    """Return a receipt as an answer shows it.

    Args:
        receipt: The receipt.
        sanitizer: Makes its texts safe to show.
        keep: The time after which a clear may drop it.
    """
    return ReceiptView.of(receipt, sanitizer, undoable_until=_undoable_until(receipt, keep))


def _undoable_until(receipt: Receipt, keep: timedelta) -> str:
    cleared_at = parse_time(receipt.cleared_at)
    if cleared_at is None:
        return ""
    try:
        return wire_time((assume_local(cleared_at) + keep).astimezone(UTC))
    except OverflowError:  # a time that no datetime can hold
        return wire_time(datetime.max.replace(tzinfo=UTC))


def _room() -> int:
    return ANSWER - _ENVELOPE_TOKENS


def _in_words(keep: timedelta) -> str:
    return duration(int(keep.total_seconds()))


def _place_after(cursor: str, receipts: tuple[Receipt, ...]) -> int:
    """Return the place after the receipt that the page before ended with."""
    if not cursor:
        return 0
    for place, receipt in enumerate(receipts, 1):
        if receipt.receipt_id == cursor:
            return place
    raise InvalidArgumentError(
        "cursor: the receipt that the page before ended with is not held any more. Leave cursor "
        "out for the first page."
    )
