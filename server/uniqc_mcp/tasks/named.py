"""Lookup of a task by its name, which several tasks may share and no index has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from uniqc_store import UNIQC_ID, TaskFilter

if TYPE_CHECKING:
    from uniqc_mcp.questions.snapshot import StoreSnapshot
    from uniqc_store import Match, TaskRecord

_MAX_READ: Final = 20
MAX_CANDIDATES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTasks:
    """The live tasks with a text as their name, or with it as a part, newest first.

    Attributes:
        records: The tasks, some of them at most.
        exact: Whether the text is their whole name, letter case aside.
        more: Whether there may be others.
    """

    records: tuple[TaskRecord, ...] = ()
    exact: bool = False
    more: bool = False

    @classmethod
    def find(cls, snapshot: StoreSnapshot, name: str) -> Self:
        """Return the tasks that a text names; none for a text that begins as an id of uniqc's."""
        if not name or name.startswith(UNIQC_ID):
            return cls()
        page = snapshot.search(TaskFilter(name_contains=name), limit=_MAX_READ)
        folded = name.casefold()
        whole = tuple(task for task in page.records if task.name.casefold() == folded)
        return cls(
            records=(whole or page.records)[:MAX_CANDIDATES],
            exact=bool(whole),
            more=bool(page.next_cursor) or len(whole or page.records) > MAX_CANDIDATES,
        )

    def only_match(self, snapshot: StoreSnapshot) -> Match | None:
        """Return the task, if it is the only one with this name and no other was left unread."""
        if not self.exact or self.more or len(self.records) != 1:
            return None
        (record,) = self.records
        found = [m for m in snapshot.find(record.task_id).found if not m.archived]
        return found[0] if len(found) == 1 and found[0].task_id == record.task_id else None
