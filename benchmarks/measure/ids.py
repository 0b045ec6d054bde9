"""One task, by each kind of id, in one process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure.uniqc_store import UNIQC, UniqcStore, load
from benchmarks.recording import OURS, Contender, Measurement, interleaved
from uniqc_store import Match, Snapshot, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.setting import Setting

GROUP = "ids"
UNKNOWN = "uqt_" + "0" * 32
PLACE = 1000
"""The place of the task whose ids are looked up, counted from the newest."""


def measure(setting: Setting) -> list[Measurement]:
    """Measure every kind of id at every size, and uniqc's own store if it knows the kind."""
    setting.tell("tasks by their ids")
    contenders = [
        contender
        for size, cache_dir in setting.caches().items()
        for contender in _contenders(setting, size, cache_dir)
    ]
    return interleaved(
        GROUP, contenders, repeats=setting.repeats, seconds_each=setting.seconds_each
    )


def example_ids(cache_dir: Path) -> dict[str, str]:
    """Return an id of each kind, of an old task that succeeded."""
    store = TaskStore(cache_dir, read_only=True)

    def find(snapshot: Snapshot) -> dict[str, str]:
        page = snapshot.search(TaskFilter(status="success"), limit=PLACE)
        task_id = page.records[-1].task_id
        (shard,) = snapshot.shards(snapshot.find(task_id).found[0])
        return {
            "uniqc's id": task_id,
            "a platform's id": shard.platform_task_id,
            "the first 12 characters": task_id[:12],
            "an unknown id": UNKNOWN,
        }

    return store.read(find)


def _contenders(setting: Setting, size: int, cache_dir: Path) -> Iterator[Contender]:
    store = TaskStore(cache_dir, read_only=True)
    theirs = load(setting.environments.uniqc_store(), cache_dir)
    for kind, reference in example_ids(cache_dir).items():
        ask = partial(store.read, partial(_task, reference=reference))
        yield Contender(what=f"by {kind}", who=OURS, size=size, call=ask)
        if not kind.startswith("the first"):
            by_uniqc = partial(_of_uniqc, theirs, reference)
            yield Contender(what=f"by {kind}", who=UNIQC, size=size, call=by_uniqc)


def _task(snapshot: Snapshot, reference: str) -> object:
    """Return all that get_task reads of a task, except its result."""
    found: tuple[Match, ...] = snapshot.find(reference).found
    return [(snapshot.record(match), snapshot.shards(match)) for match in found]


def _of_uniqc(store: UniqcStore, reference: str) -> object:
    """Look up an id of either kind, as uniqc's own commands do."""
    found = store.get(reference)
    if found is None and (task_id := store.find_uniqc_id_by_platform_id(reference)):
        return store.get(task_id)
    return found
