"""The tool that compares tasks, as a method that tests can call directly."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from uniqc_mcp.comparing import FEWEST, MOST
from uniqc_mcp.comparing.lookup import newest_tasks, tasks_by_id
from uniqc_mcp.comparing.models import TaskComparison
from uniqc_mcp.errors import InvalidArgumentError
from uniqc_mcp.questions.store import ReadableStore
from uniqc_mcp.responses.text import plural
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.tasks.filter_arguments import as_list


class CompareTools:
    """The tool that compares tasks."""

    def __init__(self, store: ReadableStore, clock: Callable[[], datetime] = utc_now) -> None:
        """Make the tool of a store.

        Args:
            store: The store, opened for reading at least.
            clock: The source of the current time.
        """
        self._store = store
        self._clock = clock

    def compare_tasks(
        self,
        *,
        task_ids: Annotated[
            Sequence[str],
            BeforeValidator(as_list),
            Field(description=f"{FEWEST} to {MOST} ids."),
        ] = (),
        name: Annotated[str, Field(description="Or newest of this name.")] = "",
        newest: Annotated[int, Field(ge=FEWEST, le=MOST, description="How many.")] = 2,
    ) -> TaskComparison:
        """Compare tasks, with no arguments the two newest: records, outcomes, distances, chance."""
        if task_ids and name:
            raise InvalidArgumentError(
                "Give task_ids or name, not both: of a name the newest tasks are compared."
            )
        if task_ids:
            if not FEWEST <= len(task_ids) <= MOST:
                number = len(task_ids)
                raise InvalidArgumentError(
                    f"task_ids has {number} {plural('id', number)}; give {FEWEST} to {MOST}."
                )
            tasks = tasks_by_id(self._store, task_ids)
            matching = f"{len(tasks)} tasks"
        else:
            tasks = newest_tasks(self._store, name, newest)
            of_name = f" with the name {quoted(name)}" if name else ""
            matching = f"the {len(tasks)} newest tasks{of_name}"
        return TaskComparison.of(tasks, self._clock(), matching=matching)
