"""Kill a clear, and an undo, inside its commits; then account for every record.

    python -m tests.faults.kill_in_commit [--step 1] [--random 0] [--seed 0]

Each clear, each undo and each undo in part is killed before its nth system call that changes a file
in the cache directory: for every n, or for every ``--step``-th. ``--random`` tries so many pairs of
a real store and an n instead. After each kill:

- a reader reads the receipts, and changes no byte
- each task is in the store, or counted by a receipt, or both for a batch that is under way
- the next clear settles it, and undoing all receipts gives the store back, row for row
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.faults.syscalls import run_traced

from uniqc_store import CLEARED_FILENAME, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

What = Literal["clear", "undo", "undo in part"]
WHATS: tuple[What, ...] = ("clear", "undo", "undo in part")
Rows = list[tuple[object, ...]]

STORES = Path(__file__).parents[1] / "data" / "stores"
EVERY_N_OF = "5-0.1.0.sqlite"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uniqc-store-kills-") as work:
        trials = Trials(Path(work).resolve())
        if options.random:
            chosen = trials.at_random(options.random, random.Random(options.seed))
        else:
            chosen = trials.every(options.step, EVERY_N_OF)
        kills = 0
        for name, what, nth in chosen:
            trials.run(name, what, nth)
            kills += 1
    print(f"{kills} kills; every record was accounted for, and came back")


class Trials:
    """Clears and undos of copies of real stores, each in a directory of its own."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._calls: dict[tuple[str, What], int] = {}
        self._ready: dict[tuple[str, What], Path] = {}

    def every(self, step: int, name: str) -> Iterator[tuple[str, What, int]]:
        """Yield each place in a clear and in both undos of one store."""
        for what in WHATS:
            for nth in range(1, self.calls(name, what) + 1, step):
                yield name, what, nth

    def at_random(self, count: int, chance: random.Random) -> Iterator[tuple[str, What, int]]:
        """Yield places in clears and undos of all stores."""
        names = sorted(path.name for path in STORES.glob("*.sqlite") if has_finished_tasks(path))
        for _ in range(count):
            name, what = chance.choice(names), chance.choice(WHATS)
            yield name, what, chance.randint(1, self.calls(name, what))

    def calls(self, name: str, what: What) -> int:
        """Return how many calls of a clear, or of an undo, change a file."""
        key = name, what
        if key not in self._calls:
            directory = self.prepared(name, what)
            self._calls[key] = run_traced(action(directory, what), directory)
            shutil.rmtree(directory)
        return self._calls[key]

    def prepared(self, name: str, what: What) -> Path:
        """Return a fresh directory with a store that can be cleared, or that was cleared."""
        key = name, what
        if key not in self._ready:
            ready = self._ready[key] = self._work / f"{what}-{name}"
            ready.mkdir()
            shutil.copy(STORES / name, ready / "tasks.sqlite")
            if what != "clear":
                clear(ready)
        directory = self._work / "trial"
        shutil.copytree(self._ready[key], directory)
        return directory

    def run(self, name: str, what: What, nth: int) -> None:
        """Kill one trial, and check what it left behind."""
        directory = self.prepared(name, what)
        before = rows(STORES / name)
        try:
            run_traced(action(directory, what), directory, kill_at=nth)
            check(directory, before)
        except BaseException as error:
            error.add_note(f"after the kill of the {what} of {name} before call {nth}")
            raise
        finally:
            shutil.rmtree(directory)


def action(directory: Path, what: What) -> Callable[[], None]:
    actions = {"clear": clear, "undo": undo_all, "undo in part": undo_in_part}
    return partial(actions[what], directory)


def clear(directory: Path) -> None:
    store = TaskStore(directory)
    store.clear(store.plan_clear(TaskFilter()))


def undo_all(directory: Path) -> None:
    store = TaskStore(directory)
    for receipt in store.receipts():
        store.undo_clear(receipt.receipt_id)


def undo_in_part(directory: Path) -> None:
    store = TaskStore(directory)
    for receipt in store.receipts():
        page = store.cleared_tasks().page(receipt.receipt_id, limit=receipt.held)
        task_ids = [record.task_id for record in page.records[::2]]
        store.undo_clear(receipt.receipt_id, task_ids=task_ids)


def check(directory: Path, before: Rows) -> None:
    """Check that each record is accounted for, and that all of them come back."""
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    held = sum(receipt.held for receipt in TaskStore(directory, read_only=True).receipts())
    for name, content in files.items():
        if name.startswith(CLEARED_FILENAME):
            assert (directory / name).read_bytes() == content, f"a reader changed {name}"
    gone = sum(row[0] == "tasks" for row in before) - TaskStore(directory).count()
    assert held == gone, f"{gone} tasks are gone and {held} are told as held"
    store = TaskStore(directory)
    store.clear(store.plan_clear(TaskFilter(status="no such status")))
    undo_all(directory)
    assert rows(directory / "tasks.sqlite") == before, "not every row came back"
    assert store.receipts() == (), "copies are held of tasks that are back"


def has_finished_tasks(path: Path) -> bool:
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tasks'").fetchone():
            return False
        statement = "SELECT 1 FROM tasks WHERE status IN ('success', 'failed', 'cancelled')"
        return connection.execute(statement).fetchone() is not None


def rows(path: Path) -> Rows:
    """Return all rows of all tables with their place, their bytes and the types of these."""
    found: Rows = []
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = _as_text
        listed = "SELECT CAST(name AS BLOB) FROM sqlite_master WHERE type = 'table' ORDER BY name"
        for (name,) in connection.execute(listed).fetchall():
            table = name.decode()
            found += [
                (table, *row)
                for row in connection.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid")
            ]
    return found


def _as_text(stored: bytes) -> tuple[str, bytes]:
    return "text", stored


if __name__ == "__main__":
    main()
