"""The figures of each task that a summary is made of, read in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from uniqc_store.query import planner, statements
from uniqc_store.query.conditions import filter_sql
from uniqc_store.rows import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store.database.connection import Session
    from uniqc_store.filters import TaskFilter


class Measures(NamedTuple):
    """The figures of one task, as they are stored, except the number of shots.

    Attributes:
        task_id: Its id.
        status: Its status.
        backend: Its backend.
        shots: Shots of all its circuits together; 0 where no number is stored.
        submit_time: The submit time as text.
        update_time: The time of uniqc's last write to the row as text.
        name: ``metadata.task_name``; empty if it has none, or if names were not asked for.
    """

    task_id: str
    status: str
    backend: str
    shots: int
    submit_time: str
    update_time: str
    name: str


def measures(session: Session, task_filter: TaskFilter, *, names: bool) -> Iterator[Measures]:
    """Yield the figures of the tasks that pass, in no order.

    Args:
        session: The session; the generator is valid as long as it.
        task_filter: The filter.
        names: Whether to read the names, which takes as long as all else together.
    """
    sql = filter_sql(session, task_filter)
    choice = planner.choose_index(session, sql)
    where = sql.where(index=choice.index if choice else None)
    statement = statements.measures(session.layout, where, names=names)
    for task_id, status, backend, shots, circuits, submit_time, update_time, name in session.stream(
        statement, where.parameters
    ):
        yield Measures(
            # A call of readable() for each of five texts takes a tenth of a summary.
            task_id if type(task_id) is str else readable(task_id)[0],
            status if type(status) is str else readable(status)[0],
            backend if type(backend) is str else readable(backend)[0],
            shots * circuits if type(shots) is int and shots > 0 else 0,
            submit_time if type(submit_time) is str else readable(submit_time)[0],
            update_time if type(update_time) is str else readable(update_time)[0],
            name,
        )
