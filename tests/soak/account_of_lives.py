"""The account of every task that the processes of uniqc saved in one round."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from uniqc_life import Deed

from uniqc_store import CLEARED_FILENAME, DB_FILENAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_SECONDS = 1.0
_TABLES = ((DB_FILENAME, "tasks"), (DB_FILENAME, "archived_tasks"))
_COPIES = (CLEARED_FILENAME, "cleared_tasks")
_LEGACY = "legacy_platform_id"

Version = tuple[str, str]
"""The status and the update time of a task, which differ in every save."""


@dataclass(slots=True)
class Ledger:
    """What the processes of uniqc did.

    Attributes:
        saves: The saves of each task, in their order.
        removals: The removals of the whole file.
        cancelled: The removals of all cancelled tasks.
        opened: The openings of the file, of which the first by a newer release upgrades it.
    """

    saves: dict[str, list[Deed]] = field(default_factory=lambda: defaultdict(list))
    removals: list[Deed] = field(default_factory=list[Deed])
    cancelled: list[Deed] = field(default_factory=list[Deed])
    opened: list[Deed] = field(default_factory=list[Deed])

    def add(self, deed: Deed) -> None:
        """Add one call."""
        match deed.kind:
            case "save":
                self.saves[deed.task_id].append(deed)
            case "clear all":
                self.removals.append(deed)
            case "clear cancelled":
                self.cancelled.append(deed)
            case "open":
                self.opened.append(deed)
            case _:
                pass

    def removed_by_uniqc(self, last: Deed) -> bool:
        """Return True if uniqc removed a task after its last save, or may have."""
        if any(removal.began >= last.ended for removal in self.removals):
            return True
        return last.status == "cancelled" and any(
            removal.ended > last.began for removal in self.cancelled
        )

    def replaced_by_upgrade(self, last: Deed) -> bool:
        """Return True if the last save fell into an upgrade, which writes the rows it has read."""
        return any(one.began < last.ended and last.began < one.ended for one in self.opened)


def account(directory: Path, cache_dir: Path) -> Counter[str]:
    """Return the numbers of tasks by what became of them, and of what went wrong."""
    ledger, counts, longest = Ledger(), Counter[str](), (0.0, "")
    for path in sorted(directory.glob("life-*.json")):
        report = json.loads(path.read_text())
        for logged in report["deeds"]:
            ledger.add(Deed(*logged))
        for trouble, times in report["trouble"].items():
            counts[f"WRONG: uniqc {path.stem}: {trouble}"] += times
        counts["archived twins not restored"] += report["twins"]
        counts["WRONG: a call of uniqc took longer than a second"] += (
            report["longest"][0] > MAX_SECONDS
        )
        longest = max(longest, tuple(report["longest"]))
    print(f"longest call of uniqc: {longest[0]:.2f} s, {longest[1]}", flush=True)
    found = versions_found(cache_dir)
    return counts + _compared(ledger, found)


def _compared(ledger: Ledger, found: dict[str, set[Version]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for task_id, saves in ledger.saves.items():
        last = max(saves, key=lambda save: save.ended)
        counts["tasks saved by uniqc"] += 1
        if (last.status, last.update_time) in found.get(task_id, set()):
            counts["tasks found in their last version"] += 1
        elif ledger.removed_by_uniqc(last):
            counts["tasks removed by uniqc"] += 1
        elif ledger.replaced_by_upgrade(last):
            counts["tasks whose last save fell into an upgrade by uniqc"] += 1
        else:
            counts["lost"] += 1
            print(f"lost: {last}, found {found.get(task_id)}")
    for task_id, versions in found.items():
        saved = {(save.status, save.update_time) for save in ledger.saves.get(task_id, [])}
        for version in versions - saved:
            counts["invented"] += 1
            print(f"invented: {task_id} {version}")
    return counts


def versions_found(cache_dir: Path) -> dict[str, set[Version]]:
    """Return the versions of each task in the store, the archive and the receipts.

    A task that an upgrade gave a new id is found by its old one.
    """
    found: dict[str, set[Version]] = defaultdict(set)
    for file, table in (*_TABLES, _COPIES):
        for task_id, status, update_time, metadata in _rows(cache_dir / file, table):
            known = json.loads(metadata or "{}").get(_LEGACY, task_id)
            found[known].add((status, update_time))
    return found


def _rows(path: Path, table: str) -> Iterator[tuple[str, str, str, str | None]]:
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as connection:
        columns = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall()
        # The table of copies gets its columns with the first copy.
        if ("update_time",) in columns:
            yield from connection.execute(
                f"SELECT task_id, status, update_time, metadata_json FROM {table}"
            )
