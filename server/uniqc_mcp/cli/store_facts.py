"""Facts of the file that doctor tells, and what is unusual about its tasks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from uniqc_mcp.records.related_rows import notes_on_active
from uniqc_mcp.responses.store_notes import why_empty
from uniqc_mcp.responses.times import utc_now
from uniqc_mcp.safety.display import quoted
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_store import NEWEST_RELEASED_SCHEMA, TaskFilter, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store import Snapshot

_MAX_LISTED = 10

_WRITTEN_BY = {
    0: "a uniqc that was stopped before it saved anything",
    1: "uniqc 0.0.4 to 0.0.7",
    2: "uniqc 0.0.8 to 0.0.10",
    3: "uniqc 0.0.11",
    4: "an upgrade that was interrupted; uniqc finishes it when it next runs",
    5: "uniqc 0.0.12 to 0.1.1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts that were read from the file.

    Attributes:
        schema_version: The ``user_version`` of the file.
        written_by: The releases of uniqc that write such files.
        tasks: The number of tasks, without archived ones.
        by_status: The number of tasks by status.
        active: The number of tasks that are not finished.
        archived: The number of tasks in uniqc's archive.
    """

    schema_version: int
    written_by: str
    tasks: int
    by_status: dict[str, int]
    active: int
    archived: int


def facts_and_notes(snapshot: Snapshot) -> tuple[Facts | None, list[str]]:
    """Return the facts of a file, None if there is none, and notes on what is unusual."""
    if not snapshot.state.exists:
        no_directory = not snapshot.state.path.parent.is_dir()
        return None, [why_empty(snapshot.state)] if no_directory else []
    version = snapshot.state.schema_version
    groups = snapshot.tally(TaskFilter(), by=("status",))
    sanitizer = Sanitizer()
    by_status: Counter[str] = Counter()
    for group in groups:
        by_status[sanitizer.one_line("status", group.status)] += group.count
    newer = f"a uniqc newer than this release knows ({NEWEST_RELEASED_SCHEMA})"
    facts = Facts(
        schema_version=version,
        written_by=_WRITTEN_BY.get(version, newer),
        tasks=sum(group.count for group in groups),
        by_status=dict(by_status),
        active=snapshot.count(TaskFilter(status="active")),
        archived=snapshot.archived(),
    )
    return facts, list(_unusual(snapshot, facts))


def _unusual(snapshot: Snapshot, facts: Facts) -> Iterator[str]:
    if snapshot.state.blank:
        yield why_empty(snapshot.state)
    if facts.schema_version > NEWEST_RELEASED_SCHEMA:
        yield "What this release does not know of the file is not shown; update uniqc-mcp."
    known = {status.value for status in TaskStatus}
    if unknown := [status for status in facts.by_status if status not in known]:
        shown = ", ".join(map(quoted, unknown[:_MAX_LISTED]))
        more = f" and {len(unknown) - _MAX_LISTED} more" if len(unknown) > _MAX_LISTED else ""
        yield f"Statuses that uniqc does not know count as active: {shown}{more}."
    if undated := snapshot.undated():
        yield f"Tasks without a readable submit time, which no time filter finds: {undated}"
    yield from notes_on_active(snapshot, TaskFilter(), active=facts.active)
    if twins := snapshot.twins():
        yield f"Ids of both a live and an archived task: {twins}. get_task shows the live one."
    if ahead := snapshot.count_later_than(utc_now() + timedelta(minutes=1)):
        yield (
            f"Tasks with a time in the future by this machine's clock: {ahead}; answers leave "
            "their age out. Check the clock of this machine and of those that run uniqc."
        )
    if doubled := snapshot.doubled():
        yield (
            f"Tasks that are copies of others: {doubled}. Two uniqc processes upgraded the file at "
            "once. The copies share metadata.legacy_platform_id."
        )
