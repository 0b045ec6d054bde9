"""One thread reads revisions for everybody who listens, and a watch reads only what changed."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.records import StoredTask

from uniqc_mcp.lab.answers.stores import EVERYTHING, Selection
from uniqc_mcp.lab.errors import LabUnavailableError
from uniqc_mcp.lab.serving import revisions
from uniqc_mcp.lab.serving.revisions import Revisions
from uniqc_mcp.lab.serving.stores import DatabaseStores

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.conftest import Lab

TASK = StoredTask(task_id="uqt_1")


READS: list[None] = []
"""One for each time that a thread has read the revisions in the current test, or failed to."""


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "_SECONDS_BETWEEN_READS", 0.02)
    monkeypatch.setattr(revisions, "_SECONDS_BETWEEN_TRIES", 0.02)
    monkeypatch.setattr(revisions, "_SECONDS_UNASKED", 0.3)
    read = Revisions._read  # pyright: ignore[reportPrivateUsage]

    def counted(self: Revisions) -> Any:
        try:
            return read(self)
        finally:
            READS.append(None)

    READS.clear()
    monkeypatch.setattr(Revisions, "_read", counted)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_due(watch: Any) -> bool:
    """Return whether a watch is due, once the revisions were read after this call."""
    # The read that runs now may have begun earlier, and what the last one found may not be kept.
    enough = len(READS) + 3
    until(lambda: watch.poll() or len(READS) >= enough)
    return bool(watch.poll())


def settled(watch: Any) -> Any:
    """Return a watch that has read what there is."""
    watch.refresh()
    while is_due(watch):
        watch.refresh()
    return watch


def test_a_watch_is_due_after_a_change_of_what_its_person_may_see(lab: Lab) -> None:
    lab.share("alice", TASK)
    lab.share("bob", TASK)
    stores = DatabaseStores(lab.database, seconds_kept=0)
    watch = settled(stores.watch("alice", EVERYTHING))
    lab.share("bob", replace(TASK, status="success"))
    assert not is_due(watch)
    lab.share("alice", replace(TASK, status="success"))
    assert is_due(watch)
    assert watch.refresh()
    assert not is_due(watch)
    lab.share("bob", audience="lab")
    assert is_due(watch)
    assert watch.refresh()


def test_a_watch_of_one_machine_is_not_due_for_another(lab: Lab) -> None:
    lab.share("alice", TASK)
    lab.share("alice", TASK, machine="desk")
    stores = DatabaseStores(lab.database, seconds_kept=0)
    watch = settled(stores.watch("alice", Selection(store="desk")))
    lab.share("alice", replace(TASK, status="success"))
    assert not is_due(watch)
    lab.share("alice", replace(TASK, status="success"), machine="desk")
    assert is_due(watch)


def test_many_watches_ask_the_database_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.share("alice", TASK)
    stores = DatabaseStores(lab.database)
    watches = [settled(stores.watch("alice", EVERYTHING)) for _ in range(5)]
    asked = 0
    ask = lab.database.ask

    def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return ask(*arguments)

    monkeypatch.setattr(lab.database, "ask", counted)
    before = len(READS)
    until(lambda: [watch.poll() for watch in watches] and len(READS) >= before + 10)
    assert not any(watch.poll() for watch in watches)
    # A read is two statements, whoever listens. Each watch by itself would ask five times as often.
    assert 10 <= asked < 4 * (len(READS) - before)


def test_the_thread_ends_once_nobody_listens_and_begins_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.share("alice", TASK)
    stores = DatabaseStores(lab.database, seconds_kept=0)
    watch = settled(stores.watch("alice", EVERYTHING))
    until(lambda: not stores.revisions._reading)  # pyright: ignore[reportPrivateUsage]
    lab.share("alice", replace(TASK, status="success"))
    assert is_due(watch)
    watch.refresh()

    def away(*_: Any) -> None:
        raise LabUnavailableError("gone")

    monkeypatch.setattr(lab.database, "ask", away)
    assert is_due(watch), "a watch has to find out why nothing can be read"
