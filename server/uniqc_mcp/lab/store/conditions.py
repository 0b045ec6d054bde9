"""A filter as SQL conditions. Values are always parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.database.tables import ACTIVE
from uniqc_mcp.lab.database.values import microseconds
from uniqc_store import AFTER_EVERY_DIGIT, text_after, text_before

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import Archived, TaskFilter

Parameters = dict[str, Any]

FINISHED: Final = "(status IN ('cancelled', 'failed', 'success')) IS TRUE"
"""True of a finished task. ``IS TRUE`` hides it from the index of statuses.

Nearly all tasks are finished, so that the index would be read for the few of some owners.
"""

_WITH_SUCCESSES: Final = frozenset({"success", "finished"})

LIVE: Final[dict[Archived, str]] = {
    "exclude": "task.live",
    "only": "task.archived AND task.gone_at IS NULL",
    "include": "task.gone_at IS NULL",
}
"""The tasks that are there at all, by whether archived ones are asked for."""

_NONE: Final = "FALSE"

NO_DATE: Final = f"(submit_time < '0' OR submit_time >= '{AFTER_EVERY_DIGIT}')"
"""True of a task whose submit time does not begin with a digit."""


@dataclass(slots=True)
class Conditions:
    """Conditions that are joined by AND, and the values of their parameters."""

    texts: list[str] = field(default_factory=list[str])
    parameters: Parameters = field(default_factory=dict[str, Any])

    def add(self, condition: str, **parameters: object) -> None:
        """Add a condition with the values of its parameters."""
        self.texts.append(condition)
        self.parameters.update(parameters)

    @property
    def sql(self) -> str:
        """The conditions; true of every row if there are none."""
        return " AND ".join(self.texts) or "TRUE"

    def __add__(self, other: Conditions) -> Conditions:
        """Return both together. A parameter's name has one value."""
        return Conditions([*self.texts, *other.texts], self.parameters | other.parameters)


def matching(task_filter: TaskFilter) -> Conditions:
    """Return all that a filter says."""
    return indexed(task_filter) + unindexed(task_filter)


def indexed(task_filter: TaskFilter) -> Conditions:
    """Return the conditions for which indexes find the tasks."""
    return labels(task_filter) + _times(task_filter) + _ids(task_filter.task_ids)


def undated(task_filter: TaskFilter) -> Conditions:
    """Return the conditions without those of the submit time, for times that are no dates."""
    found = labels(task_filter) + _ids(task_filter.task_ids) + unindexed(task_filter)
    found.add(NO_DATE)
    return found


def labels(task_filter: TaskFilter) -> Conditions:
    """Return what a filter says of the status and the backend of tasks."""
    found = of_status(task_filter) + of_backend(task_filter)
    platform, colon, _ = task_filter.backend.casefold().partition(":")
    if colon and excludes_successes(task_filter):
        # The index of these tasks begins with the platform. Of other tasks the planner would take
        # the two conditions for independent, and expect too few.
        _add_text(found, "platform_folded = %(platform)s", platform=platform)
    return found


def excludes_successes(task_filter: TaskFilter) -> bool:
    """Return whether a filter is for few tasks, of which there are indexes of their own."""
    return task_filter.by_status and _WITH_SUCCESSES.isdisjoint(task_filter.statuses)


def of_status(task_filter: TaskFilter) -> Conditions:
    """Return what a filter says of the status."""
    found = Conditions()
    if not task_filter.by_status:
        return found
    groups = {"active": ACTIVE, "finished": FINISHED}
    either = [groups[one] for one in task_filter.statuses if one in groups]
    exact = [one for one in task_filter.statuses if one not in groups and "\0" not in one]
    if len(exact) == 1:
        either.append("status = %(status)s")
        found.parameters["status"] = exact[0]
    elif exact:
        either.append("status = ANY(%(statuses)s::text[])")
        found.parameters["statuses"] = exact
    found.texts.append(either[0] if len(either) == 1 else f"({' OR '.join(either) or _NONE})")
    return found


def of_backend(task_filter: TaskFilter) -> Conditions:
    """Return what a filter says of the backend: whole labels, or platforms, in any case."""
    found = Conditions()
    if wanted := task_filter.backend.casefold():
        column = "backend_folded" if ":" in wanted else "platform_folded"
        _add_text(found, f"{column} = %(backend)s", backend=wanted)
    excepted = [one.casefold() for one in task_filter.except_backends if "\0" not in one]
    if whole := [one for one in excepted if ":" in one]:
        found.add("backend_folded <> ALL(%(except_labels)s::text[])", except_labels=whole)
    if platforms := [one for one in excepted if ":" not in one]:
        found.add(
            "platform_folded <> ALL(%(except_platforms)s::text[])", except_platforms=platforms
        )
    return found


def unindexed(task_filter: TaskFilter) -> Conditions:
    """Return the conditions for which every task has to be read."""
    found = Conditions()
    if part := task_filter.name_contains.casefold():
        _add_text(found, "strpos(name_folded, %(name)s) > 0", name=part)
    if part := task_filter.error_contains.casefold():
        _add_text(found, "strpos(error_folded, %(error)s) > 0", error=part)
    if (after := task_filter.updated_after) is not None:
        found.add("updated_order >= %(updated_after)s", updated_after=microseconds(after))
    if (before := task_filter.updated_before) is not None:
        found.add(
            "updated_order < %(updated_before)s AND updated_us IS NOT NULL",
            updated_before=microseconds(before),
        )
    return found


def _times(task_filter: TaskFilter) -> Conditions:
    """Return the filter's submit times, exactly, and as ranges of the text that indexes have."""
    found = Conditions()
    if (after := task_filter.submitted_after) is not None:
        found.add("submitted_us >= %(after)s", after=microseconds(after))
        found.add("submit_time >= %(after_text)s", after_text=text_before(after))
    if (before := task_filter.submitted_before) is not None:
        found.add("submitted_us < %(before)s", before=microseconds(before))
        found.add("submit_time < %(before_text)s", before_text=text_after(before))
    return found


def _ids(task_ids: Sequence[str]) -> Conditions:
    found = Conditions()
    if task_ids:
        known = [one for one in task_ids if "\0" not in one]
        found.add("task.task_id = ANY(%(task_ids)s::text[])", task_ids=known)
    return found


def _add_text(found: Conditions, condition: str, **parameters: str) -> None:
    """Add a condition on a text; no task has one with a NUL, which no parameter may hold."""
    if any("\0" in value for value in parameters.values()):
        found.add(_NONE)
    else:
        found.add(condition, **parameters)
