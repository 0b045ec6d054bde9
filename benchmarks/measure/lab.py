"""A laboratory's shared store with 500 owners, beside a SQLite file with the same tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.lab_stores import BUSY_OWNER, OWNERS, QUIET_OWNER, lab_of
from benchmarks.measure.lists import PAGE, questions
from benchmarks.mix import Mix
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection

    from benchmarks.setting import Setting

GROUP: Final = "lab"
SQLITE: Final = "SQLite file"
GROUP_BY: Final = "GROUP BY"
COUNTS: Final = "counts by status and backend"
VIEWERS: Final = {
    "all 500 owners": frozenset(OWNERS),
    "the busiest owner": frozenset({BUSY_OWNER}),
    "the quietest owner": frozenset({QUIET_OWNER}),
}
_SECONDS_OF_COUNTS: Final = 6
_EVERYBODY: Final = Viewer(owners=VIEWERS["all 500 owners"])


def measure(setting: Setting) -> list[Measurement]:
    """Measure pages and counts at every size; a store of a million tasks takes minutes to make."""
    return [one for size in setting.sizes for one in _measured(setting, size)]


def _measured(setting: Setting, size: int) -> Iterator[Measurement]:
    mix = Mix(size=size)
    cache_dir = setting.stores.of(mix)
    tell = partial(_tell_progress, setting, size)
    with lab_of(mix, progress=tell) as address, Database(address) as database:
        asked = questions()
        for number, (words, task_filter) in enumerate(asked.items(), 1):
            setting.tell(f"lab, {number} of {len(asked)}: {words}")
            yield from interleaved(
                GROUP,
                [*_pages(database, cache_dir, words, task_filter, size)],
                repeats=setting.repeats,
                seconds_each=setting.seconds_each,
            )
        setting.tell(f"lab: {COUNTS}")
        one = partial(Contender, what=COUNTS, size=size)
        store = LabStore(database, viewer=_EVERYBODY)
        yield from interleaved(
            GROUP,
            [
                one(who=OURS, call=lambda: store.read(lambda now: now.tally(TaskFilter()))),
                one(who=GROUP_BY, call=lambda: database.read(_EVERYBODY, _group_by)),
            ],
            repeats=setting.repeats,
            seconds_each=setting.seconds_each * _SECONDS_OF_COUNTS,
        )


def _pages(
    database: Database, cache_dir: Path, words: str, task_filter: TaskFilter, size: int
) -> Iterator[Contender]:
    for viewer, owners in VIEWERS.items():
        store = LabStore(database, viewer=Viewer(owners=owners))
        ask = partial(_first_page, store, task_filter)
        one = partial(Contender, what=f"{words}: {viewer}", size=size)
        yield one(who=OURS, call=ask, full=len(ask().records) == PAGE)
        yield one(who=SQLITE, call=partial(_from_file, cache_dir, task_filter))


def _first_page(store: LabStore, task_filter: TaskFilter) -> Any:
    return store.read(lambda now: now.search(task_filter, limit=PAGE))


def _from_file(cache_dir: Path, task_filter: TaskFilter) -> object:
    return TaskStore(cache_dir, read_only=True).search(task_filter, limit=PAGE)


def _group_by(connection: Connection[Any]) -> object:
    statement = "SELECT status, backend, count(*) FROM task WHERE live GROUP BY status, backend"
    return connection.execute(statement).fetchall()


def _tell_progress(setting: Setting, size: int, done: int) -> None:
    setting.tell(f"lab: {done:,} of {size:,} tasks are loaded")
