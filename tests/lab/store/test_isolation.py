"""A viewer sees what a store of their tasks alone would hold, whatever others keep beside them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract import records
from tests.contract.postgres_loader import PostgresLoader, shared_database
from tests.contract.sqlite_loader import SqliteLoader
from tests.lab.messages import compare_of, push_of
from tests.lab.store.questions import ABOUT_THE_STORE, comparable, questions

from uniqc_mcp.lab.database.audience import viewer_of
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.store.conditions import Conditions
from uniqc_mcp.lab.store.lab_store import LabStore
from uniqc_mcp.lab.store.scope import Scope
from uniqc_mcp.lab.store.watch import LabWatch
from uniqc_mcp.questions.snapshot import StoreSnapshot
from uniqc_store import TaskFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest
    from tests.contract.records import StoredTask
    from tests.lab.fixtures import LabDatabase

    from uniqc_mcp.questions.store import ReadableStore

NOBODY = Viewer(owners=frozenset())


def some(seed: int, number: int) -> tuple[StoredTask, ...]:
    """Return generated records; their ids are in the range of those of another seed."""
    made = records.generated(random.Random(seed), number)
    # Some ids are those of everybody else, as ids of dummies up to 0.0.11 are.
    return tuple(
        replace(task, task_id=f"uqt_shared{place:03}") if place % 4 == 0 else task
        for place, task in enumerate(made)
        if place % 4 or not task.archived
    )


def forgotten(_scope: Scope, _table: str) -> Conditions:
    """Stand for the conditions of a statement that forgets whose tasks it is about."""
    return Conditions(["TRUE"])


@dataclass(frozen=True)
class Both:
    """Alice's store beside Bob's, and her records alone in a file."""

    shared: LabStore
    alone: ReadableStore
    asked: Sequence[StoredTask]

    def check(self) -> None:
        for name, ask in questions(self.asked).items():
            assert comparable(self.shared.read(ask)) == comparable(self.alone.read(ask)), name


def both(directory: Path, *, database: Database, seed: int = 1, number: int = 32) -> Both:
    alice, bob = some(seed, number), some(seed + 1, number)
    alone = SqliteLoader(directory).load(alice)
    hers, his = PostgresLoader(directory), PostgresLoader(directory)
    hers.load(alice)
    his.load(bob)
    shared = LabStore(database, viewer=hers.viewer)
    return Both(shared=shared, alone=alone, asked=(*alice, *bob))


def test_every_question_of_the_protocol_is_asked() -> None:
    methods = {name for name in vars(StoreSnapshot) if not name.startswith("_")}
    assert methods == questions([]).keys() | ABOUT_THE_STORE


def test_a_viewer_gets_the_answers_of_their_tasks_alone(tmp_path: Path) -> None:
    both(tmp_path, database=shared_database()).check()


def test_policies_hold_alone_where_a_statement_forgets_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = both(tmp_path, database=shared_database(), seed=3)
    monkeypatch.setattr(Scope, "conditions", forgotten)
    found.check()


def test_statements_hold_alone_where_a_role_is_above_all_policies(tmp_path: Path) -> None:
    name = shared_database_name()
    from tests.lab.postgres import server  # noqa: PLC0415

    with Database(server().address(name), max_connections=2) as above:
        both(tmp_path, database=above, seed=5).check()


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), number=st.integers(0, 40))
def test_any_records_are_seen_as_a_store_of_them_alone(
    seed: int, number: int, tmp_path: Path
) -> None:
    with TemporaryDirectory(dir=tmp_path) as directory:
        place = type(tmp_path)(directory)
        both(place, database=shared_database(), seed=seed, number=number).check()


def test_without_a_viewer_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = both(tmp_path, database=shared_database(), seed=7, number=20)
    nobody = LabStore(shared_database(), viewer=NOBODY)
    assert nobody.read(lambda now: now.count(TaskFilter())) == 0
    monkeypatch.setattr(Scope, "conditions", forgotten)
    assert nobody.read(lambda now: now.tally(TaskFilter())) == ()
    ids = [task.task_id for task in found.asked]
    assert not any(nobody.read(lambda now: [now.find(one).found for one in ids]))
    watch = LabWatch(shared_database(), NOBODY)
    watch.refresh()
    assert watch.active() == ()


def test_a_private_machine_of_somebody_who_shares_another_stays_private(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = Ingest(database)
    task = records.StoredTask(task_id="uqt_shared")
    for store_id, audience in (("d" * 32, "lab"), ("1" * 32, "me")):
        ingest.compare("alice", compare_of([], store_id=store_id, audience=audience))
        own = replace(task, task_id=f"uqt_{audience}")
        ingest.push("alice", push_of([(0, own)], store_id=store_id))
    for_bob = LabStore(database, viewer=viewer_of(database, "bob"))
    assert for_bob.read(lambda now: now.newest_ids(9)) == ("uqt_lab",)
    monkeypatch.setattr(Scope, "conditions", forgotten)
    assert for_bob.read(lambda now: now.newest_ids(9)) == ("uqt_lab",)


def test_an_owner_and_a_machine_select_among_what_is_visible(database: Database) -> None:
    ingest = Ingest(database)
    for owner, machine in (("alice", "desk"), ("alice", "laptop"), ("bob", "desk")):
        store_id = f"{len(owner)}{len(machine)}" * 16
        ingest.compare(owner, compare_of([], store_id=store_id, machine=machine))
        one = records.StoredTask(task_id=f"uqt_{owner}_{machine}")
        ingest.push(owner, push_of([(0, one)], store_id=store_id))
    viewer = Viewer(owners=frozenset({"alice", "bob"}))

    def ids(owner: str = "", store: str = "") -> set[str]:
        chosen = LabStore(database, viewer=viewer, owner=owner, store=store)
        assert chosen.read(lambda now: now.count(TaskFilter())) == len(
            chosen.read(lambda now: now.newest_ids(9))
        )
        return set(chosen.read(lambda now: now.newest_ids(9)))

    assert ids() == {"uqt_alice_desk", "uqt_alice_laptop", "uqt_bob_desk"}
    assert ids(owner="alice") == {"uqt_alice_desk", "uqt_alice_laptop"}
    assert ids(store="desk") == {"uqt_alice_desk", "uqt_bob_desk"}
    assert ids(owner="bob", store="34" * 16) == {"uqt_bob_desk"}
    assert ids(owner="carol") == ids(store="no such") == set()


def test_a_watch_tells_a_viewer_nothing_of_others(lab_database: LabDatabase) -> None:
    with Database(lab_database.address, max_connections=2) as database:
        ingest = Ingest(database)
        watch = LabWatch(database, Viewer(owners=frozenset({"alice"})))
        watch.refresh()
        cursor = watch.since().cursor
        ingest.push("bob", push_of([(0, records.StoredTask(task_id="uqt_b"))]))
        assert not watch.refresh()
        assert not watch.since(cursor).store_changed
        ingest.push("alice", push_of([(0, records.StoredTask(task_id="uqt_a"))]))
        assert watch.refresh()
        assert watch.since(cursor).task_ids == {"uqt_a"}


def test_two_streams_of_one_read_do_not_meet(database: Database) -> None:
    pushed = push_of(enumerate(some(11, 20)))
    Ingest(database).push("alice", pushed)
    store = LabStore(database, viewer=Viewer(owners=frozenset({"alice"})))
    pairs = store.read(lambda now: [*zip(now.measures(), now.measures(names=True), strict=True)])
    assert len(pairs) == len([one for one in pushed.tasks if not one.key.archived])
    assert all(one.task_id == other.task_id for one, other in pairs)


def shared_database_name() -> str:
    viewer = Viewer(owners=frozenset())
    found = shared_database().read(
        viewer, lambda now: now.execute("SELECT current_database()").fetchone()
    )
    assert found is not None
    return str(found[0])
