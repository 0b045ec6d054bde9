"""Flip single bits of a store and compare every total with that of the whole file.

By hand, 3,000 flips on two stores, which takes some ten minutes::

    python -m tests.faults.flip_bits --flips 3000

Half of the flips are in pages of indexes, which are a small part of a file. Totals by name are left
out: names stand in the table alone, so that nothing in the file shows that one has changed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.store.conftest import STORES, insert_all, make_store

from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import DB_FILENAME, StoreDamagedError, StoreError, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = 100
LONG_AGO = (1e9, 1e9)
LARGE = 10_000
"""Tasks of a store of more than 2 MiB, which is not checked at each read."""
INTERIOR_PAGE_OF_INDEX = 2
STATUSES = (*["success"] * 12, *["failed"] * 4, "cancelled", "running", "running", "pending")
BACKENDS = ("originq:WK_C180", "originq:WK_C60", "ibm:ibm_fez", "quark:Baihua")
FILTERS: tuple[dict[str, Any], ...] = (
    *({"status": status} for status in ("any", "active", "finished", "success", "failed")),
    {"status": "any", "backend": "originq"},
    {"status": "any", "backend": "originq:WK_C180"},
    {"status": "failed", "backend": "originq"},
    {"status": "any", "submitted_after": "2026-06-01"},
    {"status": "failed", "submitted_before": "2026-06-01"},
)


def made_store(directory: Path, size: int = SIZE) -> None:
    """Create a store with random tasks, the same each time."""
    numbers = random.Random(18)
    make_store(directory)
    insert_all(
        directory,
        (
            {
                "task_id": f"uqt_{numbers.getrandbits(128):032x}",
                "status": numbers.choice(STATUSES),
                "backend": numbers.choice(BACKENDS),
                "submit_time": f"2026-{numbers.randrange(1, 11):02}-{numbers.randrange(1, 28):02}"
                f"T{numbers.randrange(24):02}:00:00+00:00",
            }
            for _ in range(size)
        ),
    )


def large_store(directory: Path) -> None:
    """Create a store of more than 2 MiB."""
    made_store(directory, LARGE)


def real_store(directory: Path) -> None:
    """Copy a file that uniqc 0.1.0 wrote."""
    shutil.copyfile(STORES / "5-0.1.0.sqlite", directory / DB_FILENAME)


@dataclass
class Outcome:
    """The outcome of the flips.

    Attributes:
        flips: Their number.
        answers: How many answers were right, marked as damaged, or an error of the store.
        wrong: Each total that was wrong and not marked.
    """

    flips: int = 0
    answers: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])


def flip_bits(make: Callable[[Path], None], *, flips: int, seed: int) -> Outcome:
    """Flip one bit after the other, each in an otherwise whole file, and ask for all totals."""
    numbers, outcome = random.Random(seed), Outcome(flips=flips)
    with tempfile.TemporaryDirectory(prefix="uniqc-faults-") as name:
        directory = Path(name)
        make(directory)
        file = directory / DB_FILENAME
        whole, index_pages = file.read_bytes(), _index_pages(file)
        os.utime(file, LONG_AGO)
        right = dict(_totals(directory))
        for number in range(flips):
            place = numbers.choice(index_pages)[numbers.randrange(4096)]
            if number % 2:
                place = numbers.randrange(len(whole))
            damaged = whole[place] ^ 1 << numbers.randrange(8)
            file.write_bytes(whole[:place] + bytes([damaged]) + whole[place + 1 :])
            os.utime(file, LONG_AGO)
            for asked, answer in _totals(directory):
                _judge(outcome, f"byte {place}: {asked}", answer, right[asked])
    return outcome


def _judge(outcome: Outcome, asked: str, answer: str, right: str) -> None:
    if answer in {"marked", "error"}:
        outcome.answers[answer] += 1
    elif answer == right:
        outcome.answers["right"] += 1
    else:
        outcome.wrong.append(f"{asked}: {answer} in place of {right}")


def _totals(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield each question, and its total, "marked" or "error" for its answer."""
    tools = ReadTools(TaskStore(directory, read_only=True, busy_timeout=0.1))
    for arguments in FILTERS:
        yield f"list {arguments}", _total(partial(tools.list_tasks, **arguments))
        yield f"count {arguments}", _total(partial(tools.count_tasks, **arguments))
    yield "backends", _total(partial(tools.count_tasks, group_by="backend"))
    yield "both", _total(partial(tools.count_tasks, group_by="status_backend"))


def _total(ask: Callable[[], Any]) -> str:
    try:
        answer = ask()
    except StoreDamagedError:
        return "marked"
    except StoreError:
        return "error"
    if "damaged" in answer.text():
        return "marked"
    groups = answer.structured().get("groups", [])
    return f"{answer.total} {sorted(map(str, groups))}"


def _index_pages(file: Path) -> list[range]:
    """Return the bytes of each page of an index of tasks."""
    with closing(sqlite3.connect(file)) as connection:
        roots = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'tasks'"
        ).fetchall()
    content = file.read_bytes()
    pages = [page for (root,) in roots for page in _tree(content, root)]
    return [range(4096 * (page - 1), 4096 * page) for page in pages]


def _tree(content: bytes, page: int) -> Iterator[int]:
    """Yield the numbers of the pages of an index, from its root on."""
    yield page
    start = 4096 * (page - 1)
    if content[start] != INTERIOR_PAGE_OF_INDEX:
        return
    cells = int.from_bytes(content[start + 3 : start + 5])
    places = [start + 12 + 2 * cell for cell in range(cells)]
    pointers = [start + int.from_bytes(content[place : place + 2]) for place in places]
    for pointer in (*pointers, start + 8):  # the last pointer to a child is in the header
        yield from _tree(content, int.from_bytes(content[pointer : pointer + 4]))


def main() -> None:
    """Flip bits in two stores, and print what became of them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--flips", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--large", action="store_true", help="flip in a file of 2.4 MiB instead")
    options = parser.parse_args()
    wrong = 0
    stores = (large_store,) if options.large else (made_store, real_store)
    for make in stores:
        outcome = flip_bits(make, flips=options.flips // len(stores), seed=options.seed)
        print(f"{make.__name__}: {outcome.flips} flips, {dict(outcome.answers)}")
        print("\n".join(f"WRONG {line}" for line in outcome.wrong), end="")
        wrong += len(outcome.wrong)
    print(f"\nwrong totals without a mark: {wrong}")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
