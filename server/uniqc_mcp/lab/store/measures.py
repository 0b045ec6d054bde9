"""The figures of each task that a summary is made of, and the digest of many tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uniqc_mcp.lab.store import conditions
from uniqc_mcp.lab.store.conditions import LIVE, Conditions
from uniqc_store import Measures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.lab.store.session import Session
    from uniqc_store import TaskFilter


def measures(session: Session, task_filter: TaskFilter, *, names: bool) -> Iterator[Measures]:
    """Yield the figures of the tasks that match, in no order; valid as long as the session."""
    where = _where(session, task_filter)
    statement = f"""
        SELECT task_id, status, backend, shots, circuits, submit_time, update_time,
            {"name" if names else "''"}
        FROM task WHERE {where.sql}
    """
    for task_id, status, backend, shots, circuits, submitted, updated, name in session.stream(
        statement, where.parameters
    ):
        total = shots * circuits if shots > 0 else 0
        yield Measures(task_id, status, backend, total, submitted, updated, name)


def digest(session: Session, task_filter: TaskFilter) -> str:
    """Return the sum of the fingerprints of the tasks that match, in 32 hexadecimal digits."""
    where = _where(session, task_filter)
    statement = f"SELECT fingerprint FROM task WHERE {where.sql}"
    found = session.stream(statement, where.parameters)
    return f"{sum(int(fingerprint, 16) for (fingerprint,) in found) % 2**128:032x}"


def _where(session: Session, task_filter: TaskFilter) -> Conditions:
    where = session.scope.conditions("task")
    where.add(LIVE["exclude"])
    return where + conditions.matching(task_filter)
