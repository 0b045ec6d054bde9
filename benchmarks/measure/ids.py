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


def measure(setting: Setting) -> list[Measurement]:
    """Every kind of id at every size, beside uniqc's own store where it knows the kind."""
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
    """An id of each kind; the task is an old one that succeeded."""
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


PLACE = 1000
"""How far from the newest the task is that ids are looked up of."""


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
    """What a reader of one task needs, but for its result."""
    found: tuple[Match, ...] = snapshot.find(reference).found
    return [(snapshot.record(match), snapshot.shards(match)) for match in found]


def _of_uniqc(store: UniqcStore, reference: str) -> object:
    """As uniqc's own commands look up either kind."""
    found = store.get(reference)
    if found is None and (task_id := store.find_uniqc_id_by_platform_id(reference)):
        return store.get(task_id)
    return found
