"""A laboratory's shared store with 500 owners, beside a SQLite file with the same tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.lab_messages import RETIRED
from benchmarks.lab_stores import BUSY_OWNER, OWNERS, QUIET_OWNER, lab_of
from benchmarks.measure import lists
from benchmarks.measure.lists import PAGE, questions
from benchmarks.mix import LARGEST_FILE, Mix
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
    "50 owners": frozenset(OWNERS[-50:]),
    "three owners": frozenset({OWNERS[100], OWNERS[300], QUIET_OWNER}),
    "the busiest owner": frozenset({BUSY_OWNER}),
    "the quietest owner": frozenset({QUIET_OWNER}),
}
PAGES: Final = f".*: (?:{'|'.join(VIEWERS)})"
"""A pattern for pages."""

BY_INDEX: Final = f"(?!.*name (?:figure|no such name) ){PAGES}"
"""A pattern for pages that no rare or absent name decides, of which no index knows."""

PLAIN: Final = f"{lists.PLAIN}: all 500 owners"
_RETIRED: Final = RETIRED.partition(":")[0]
_RARE: Final = {
    "a platform retired long ago": TaskFilter(backend=_RETIRED),
    "a platform retired long ago, failed": TaskFilter(backend=_RETIRED, status="failed"),
    "a platform retired long ago, finished": TaskFilter(backend=_RETIRED, status="finished"),
    "a platform retired long ago, active": TaskFilter(backend=_RETIRED, status="active"),
    "a chip retired long ago, failed": TaskFilter(backend=RETIRED, status="failed"),
    "a chip retired long ago, active": TaskFilter(backend=RETIRED, status="active"),
    "dummy, cancelled": TaskFilter(backend="dummy", status="cancelled"),
}
"""Filters for few tasks, or for old ones, of a store of many. No file has the retired platform."""

_SECONDS_OF_COUNTS: Final = 6
_EVERYBODY: Final = Viewer(owners=VIEWERS["all 500 owners"])


def measure(setting: Setting) -> list[Measurement]:
    """Measure pages and counts at every size; a million tasks, or ten, take minutes to load."""
    return [one for size in setting.sizes for one in _measured(setting, size)]


def _measured(setting: Setting, size: int) -> Iterator[Measurement]:
    cache_dir = setting.stores.of(Mix(size=size)) if size <= LARGEST_FILE else None
    tell = partial(_tell_progress, setting, size)
    with lab_of(size, progress=tell) as address, Database(address) as database:
        asked = questions() | _RARE
        for number, (words, task_filter) in enumerate(asked.items(), 1):
            setting.tell(f"lab, {number} of {len(asked)}: {words}")
            beside = None if words in _RARE else cache_dir
            yield from interleaved(
                GROUP,
                [*_pages(database, beside, words, task_filter, size)],
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
    database: Database, cache_dir: Path | None, words: str, task_filter: TaskFilter, size: int
) -> Iterator[Contender]:
    for viewer, owners in VIEWERS.items():
        store = LabStore(database, viewer=Viewer(owners=owners))
        ask = partial(_first_page, store, task_filter)
        one = partial(Contender, what=f"{words}: {viewer}", size=size)
        yield one(who=OURS, call=ask, full=len(ask().records) == PAGE)
        if cache_dir is not None:
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
