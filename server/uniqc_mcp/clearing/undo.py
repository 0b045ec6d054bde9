"""The tool undo_clear."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Unpack

from mcp.server.mcpserver import Context
from pydantic import Field

from uniqc_mcp.clearing.messages import undo_message
from uniqc_mcp.clearing.undo_models import UndoAnswer
from uniqc_mcp.context import ServerContext
from uniqc_mcp.protocol.progress import report_progress
from uniqc_mcp.protocol.threads import call_is_cancelled
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.tasks.filter_arguments import SelectionArguments, StatusFilter, spell_out_filters
from uniqc_mcp.tasks.filters import requested_filter
from uniqc_store import TaskFilter, TaskStore

_ANY_TASK = TaskFilter()


class UndoTools:
    """The tool that puts cleared tasks back.

    Args:
        store: The store, read-only. One that can write is opened for each undo.
        clock: The current time.
    """

    def __init__(self, store: TaskStore, clock: Callable[[], datetime] = utc_now) -> None:
        """Create the tool of one server."""
        self._store = store
        self._clock = clock

    @spell_out_filters
    def undo_clear(
        self,
        *,
        receipt: Annotated[str, Field(description="From clear_tasks or list_cleared.")],
        status: StatusFilter = ("any",),
        context: Context[ServerContext, Any],
        **filters: Unpack[SelectionArguments],
    ) -> UndoAnswer:
        """Put back the tasks that a clear removed, just as they were.

        Or those that task_ids and filters leave: the rest stays held, and so
        does a task whose id is in the cache again.
        """
        # The ids are given apart, so that those which the receipt does not hold are named.
        task_ids = filters.pop("task_ids", ())
        return self.undo(
            receipt,
            task_ids=task_ids,
            task_filter=requested_filter(self._clock(), status=status or ("any",), **filters),
            progress=partial(report_progress, context),
        )

    def undo(
        self,
        receipt: str,
        *,
        task_ids: Sequence[str] = (),
        task_filter: TaskFilter = _ANY_TASK,
        progress: Callable[[int, int], None],
    ) -> UndoAnswer:
        """Put back the tasks that a receipt holds, or some of them."""
        self._store.check_receipt(receipt)
        result = TaskStore(self._store.cache_dir).undo_clear(
            receipt,
            task_ids=task_ids,
            task_filter=task_filter,
            progress=progress,
            should_stop=call_is_cancelled,
        )
        message = undo_message(result)
        return UndoAnswer.of(
            result,
            self._store.read(lambda snapshot: snapshot.state),
            self._clock(),
            message=message,
        )
