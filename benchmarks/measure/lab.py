"""A laboratory's shared store with 500 owners, beside a SQLite file with the same tasks."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.lab_messages import RETIRED
from benchmarks.lab_stores import BUSY_OWNER, OWNERS, QUIET_OWNER
from benchmarks.measure import lists
from benchmarks.measure.lists import PAGE, questions
from benchmarks.mix import LARGEST_FILE, Mix
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_store import TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
PAGES: Final = f".*: (?P<viewer>{'|'.join(VIEWERS)})"
"""A pattern for pages."""

BY_INDEX: Final = f"(?!.*name (?:figure|no such name) ){PAGES}"
"""A pattern for pages that no rare or absent name decides, of which no index knows."""

PLAIN: Final = rf"{lists.PLAIN}: \g<viewer>"
"""The page without a filter of the same viewer."""

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
    """Measure pages and counts, of stores of all sizes in turn."""
    with ExitStack() as stack:
        databases = {
            size: stack.enter_context(Database(stack.enter_context(setting.laboratories.of(size))))
            for size in setting.lab_sizes
        }
        return [*_measured_pages(setting, databases), *_measured_counts(setting, databases)]


def _measured_pages(setting: Setting, databases: Mapping[int, Database]) -> Iterator[Measurement]:
    asked = questions() | _RARE
    for number, (words, task_filter) in enumerate(asked.items(), 1):
        setting.tell(f"lab, {number} of {len(asked)}: {words}")
        contenders = [
            contender
            for size, database in databases.items()
            for contender in _pages(database, words, task_filter, size)
        ]
        if words not in _RARE:
            contenders += _pages_of_files(setting, words, task_filter)
        for measured in interleaved(
            GROUP, contenders, repeats=setting.repeats, seconds_each=setting.seconds_each
        ):
            if measured.who == OURS:
                yield measured
            else:
                # The page of a file is beside that of each viewer.
                yield from (replace(measured, what=f"{words}: {viewer}") for viewer in VIEWERS)


def _measured_counts(setting: Setting, databases: Mapping[int, Database]) -> Iterator[Measurement]:
    setting.tell(f"lab: {COUNTS}")
    for size, database in databases.items():
        one = partial(Contender, what=COUNTS, size=size)
        store = LabStore(database, viewer=_EVERYBODY)
        yield from interleaved(
            GROUP,
            [
                one(who=OURS, call=partial(store.read, lambda now: now.tally(TaskFilter()))),
                one(who=GROUP_BY, call=partial(database.read, _EVERYBODY, _group_by)),
            ],
            repeats=setting.repeats,
            seconds_each=setting.seconds_each * _SECONDS_OF_COUNTS,
        )


def _pages(
    database: Database, words: str, task_filter: TaskFilter, size: int
) -> Iterator[Contender]:
    for viewer, owners in VIEWERS.items():
        store = LabStore(database, viewer=Viewer(owners=owners))
        ask = partial(_first_page, store, task_filter)
        what = f"{words}: {viewer}"
        yield Contender(who=OURS, what=what, size=size, call=ask, rows=len(ask().records))


def _pages_of_files(setting: Setting, words: str, task_filter: TaskFilter) -> Iterator[Contender]:
    for size in setting.lab_sizes:
        if size <= LARGEST_FILE:
            ask = partial(_from_file, setting.stores.of(Mix(size=size)), task_filter)
            yield Contender(who=SQLITE, what=words, size=size, call=ask)


def _first_page(store: LabStore, task_filter: TaskFilter) -> Any:
    return store.read(lambda now: now.search(task_filter, limit=PAGE))


def _from_file(cache_dir: Path, task_filter: TaskFilter) -> object:
    return TaskStore(cache_dir, read_only=True).search(task_filter, limit=PAGE)


def _group_by(connection: Connection[Any]) -> object:
    statement = "SELECT status, backend, count(*) FROM task WHERE live GROUP BY status, backend"
    return connection.execute(statement).fetchall()
