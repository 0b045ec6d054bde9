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
from uniqc_mcp.lab.serving.stores import DatabaseStores

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.conftest import Lab

TASK = StoredTask(task_id="uqt_1")


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "_SECONDS_BETWEEN_READS", 0.02)
    monkeypatch.setattr(revisions, "_SECONDS_BETWEEN_TRIES", 0.02)
    monkeypatch.setattr(revisions, "_SECONDS_UNASKED", 0.3)


def within_a_second(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def is_due(watch: Any) -> bool:
    return within_a_second(watch.poll)


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
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        assert not any(watch.poll() for watch in watches)
        time.sleep(0.01)
    assert 2 <= asked <= 60  # two statements in 0.02 s at most, whoever listens


def test_the_thread_ends_once_nobody_listens_and_begins_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.share("alice", TASK)
    stores = DatabaseStores(lab.database, seconds_kept=0)
    watch = settled(stores.watch("alice", EVERYTHING))
    assert within_a_second(lambda: not stores.revisions._reading)  # pyright: ignore[reportPrivateUsage]
    lab.share("alice", replace(TASK, status="success"))
    assert is_due(watch)
    watch.refresh()

    def away(*_: Any) -> None:
        raise LabUnavailableError("gone")

    monkeypatch.setattr(lab.database, "ask", away)
    assert is_due(watch), "a watch has to find out why nothing can be read"
