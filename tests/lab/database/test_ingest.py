"""The receipt of tasks: what is sent is kept once, counted, and nothing is ever removed."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.records import StoredJob, StoredTask, records_of
from tests.lab.messages import STORE, compare_of, digest_of, key_of, message_of, push_of

from uniqc_mcp.lab.database import comparison, values
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.database.viewer import Viewer
from uniqc_mcp.lab.errors import LabRefusedError
from uniqc_mcp.lab.exchange import MAX_BODY_BYTES, Compare, Key, Push, Range
from uniqc_store import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.fixtures import LabDatabase

    from uniqc_mcp.lab.database.pool import Database

A = StoredTask(task_id="uqt_a")
B = StoredTask(task_id="uqt_b", status="success", jobs=(StoredJob(platform_task_id="job-1"),))


@pytest.fixture
def ingest(database: Database) -> Ingest:
    return Ingest(database)


def kept(database: Database, query: str, owner: str = "alice") -> list[tuple[Any, ...]]:
    viewer = Viewer(owners=frozenset({owner}))
    return database.read(viewer, lambda now: now.execute(query.encode()).fetchall())


def push_all(ingest: Ingest, tasks: Sequence[StoredTask], owner: str = "alice") -> None:
    assert ingest.push(owner, push_of(enumerate(tasks))).refused == ()


def is_consistent(database: Database) -> bool:
    """Return whether count, digest and tally of the store are those of its rows."""
    held = "SELECT fingerprint, archived, status, backend FROM task WHERE gone_at IS NULL"
    rows = kept(database, held)
    total = sum(int(row[0], 16) for row in rows) % 2**128
    (store,) = kept(database, "SELECT task_count, digest FROM store")
    counted = Counter(row[1:] for row in rows)
    of_tally = "SELECT archived, status, backend, tasks FROM tally WHERE tasks <> 0"
    tally = {row[:3]: row[3] for row in kept(database, of_tally)}
    return store == (len(rows), f"{total:032x}") and tally == dict(counted)


def test_what_was_pushed_is_the_same_in_the_next_comparison(
    ingest: Ingest, database: Database
) -> None:
    tasks = records_of("generated-1")
    first = ingest.compare("alice", compare_of(tasks))
    assert (first.same, first.revision) == (False, 0)
    push_all(ingest, tasks)
    second = ingest.compare("alice", compare_of(tasks))
    assert (second.same, second.revision, second.differing) == (True, 1, ())
    assert second.epoch == first.epoch
    assert is_consistent(database)


def test_a_task_that_did_not_change_is_not_written_again(ingest: Ingest) -> None:
    push_all(ingest, [A, B])
    assert ingest.push("alice", push_of(enumerate([A, B]))).revision == 1
    assert ingest.push("alice", push_of([(0, replace(A, status="success"))])).revision == 2


def test_a_task_that_is_gone_is_hidden_and_its_record_stays(
    ingest: Ingest, database: Database
) -> None:
    push_all(ingest, [A, B])
    answer = ingest.push("alice", push_of([], [key_of(B), Key(task_id="uqt_unknown")]))
    assert (answer.revision, answer.refused) == (2, ())
    assert ingest.compare("alice", compare_of([A])).same
    assert kept(database, "SELECT task_id, live FROM task WHERE gone_at IS NOT NULL") == [
        (B.task_id, False)
    ]
    assert len(kept(database, "SELECT 1 FROM body")) == 2
    assert is_consistent(database)
    push_all(ingest, [A, B])
    assert ingest.compare("alice", compare_of([A, B])).same
    assert is_consistent(database)


def test_the_ranges_that_differ_are_answered_with_all_that_is_held(ingest: Ingest) -> None:
    tasks = [replace(A, task_id=f"uqt_{number:03}") for number in range(40)]
    push_all(ingest, tasks)
    now = [*tasks[:5], replace(tasks[5], status="lost"), *tasks[6:30], *tasks[31:]]
    answer = ingest.compare("alice", compare_of(now, range_tasks=10))
    found = {asked.after: [one.key.task_id for one in held] for asked, held in answer.differing}
    assert found == {
        "": [task.task_id for task in tasks[:10]],
        "uqt_029": [task.task_id for task in tasks[30:]],
    }
    assert not answer.more


def test_a_range_with_too_much_in_it_is_answered_by_its_beginning(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "_MAX_HELD", 10)
    monkeypatch.setattr(comparison, "_CHUNK", 4)
    live = [replace(A, task_id=f"uqt_{number:03}") for number in range(40)]
    archived = [replace(task, archived_at="2026-08-01") for task in live[::3]]
    push_all(ingest, [*live, *archived])
    gone: list[Key] = []
    for _ in range(20):
        answer = ingest.compare("alice", compare_of([]))
        if answer.same:
            break
        ((asked, held),) = answer.differing
        assert (asked.after, asked.upto) == ("", None)
        assert answer.more == (len(held) == 10)
        gone += [one.key for one in held]
        ingest.push("alice", push_of([], [one.key for one in held]))
    assert sorted(gone, key=str) == sorted(map(key_of, [*live, *archived]), key=str)


def test_ranges_with_others_between_them_are_compared_by_themselves(ingest: Ingest) -> None:
    tasks = [replace(A, task_id=f"uqt_{number:03}") for number in range(40)]
    tasks += [replace(task, archived_at="2026-08-01") for task in tasks]
    push_all(ingest, tasks)
    whole = compare_of([*tasks[:-1]], range_tasks=10)
    some = whole.model_copy(update={"ranges": (*whole.ranges[1:3], whole.ranges[5])})
    assert ingest.compare("alice", some).differing == ()
    last = whole.model_copy(update={"ranges": whole.ranges[-1:]})
    ((asked, held),) = ingest.compare("alice", last).differing
    assert asked == whole.ranges[-1]
    assert len(held) == asked.count + 1


def test_ranges_are_in_the_order_of_bytes(ingest: Ingest) -> None:
    # As UTF-16 they would be the other way round.
    tasks = [replace(A, task_id=one) for one in ("\U0001f600", "\uffee", "a", "A", "é", "~")]
    push_all(ingest, tasks)
    assert ingest.compare("alice", compare_of(tasks, range_tasks=1)).same
    changed = [replace(tasks[0], status="lost"), *tasks[1:]]
    ((asked, held),) = ingest.compare("alice", compare_of(changed, range_tasks=1)).differing
    assert [one.key.task_id for one in held] == ["\U0001f600"]
    assert asked.upto is None


@pytest.mark.parametrize(
    "ends",
    [
        [("", "b"), ("a", None)],
        [("", "b"), ("b", "a"), ("a", None)],
        [("", None), ("a", None)],
        [("", "a"), ("a", "a")],
        [("", "\ud800")],
        [("\0", None)],
    ],
)
def test_ranges_that_overlap_or_are_not_of_ids_are_refused(
    ingest: Ingest, ends: list[tuple[str, str | None]]
) -> None:
    ranges = [Range(after=a, upto=b, count=0, digest="0" * 32) for a, b in ends]
    message = compare_of([A]).model_copy(update={"ranges": tuple(ranges)})
    with pytest.raises(LabRefusedError, match="range"):
        ingest.compare("alice", message)


def test_messages_of_another_version_and_unnamed_owners_are_refused(ingest: Ingest) -> None:
    later: tuple[Compare, Push] = (
        compare_of([]).model_copy(update={"version": 2}),
        push_of([]).model_copy(update={"version": 2}),
    )
    with pytest.raises(LabRefusedError, match="version 2"):
        ingest.compare("alice", later[0])
    with pytest.raises(LabRefusedError, match="version 2"):
        ingest.push("alice", later[1])
    for owner in ("", "a\nb", "x" * 201):
        with pytest.raises(InvalidValueError, match="owner"):
            ingest.push(owner, push_of([]))


def test_revisions_have_no_gap_where_many_push_at_once(database: Database) -> None:
    def push(number: int) -> int:
        task = replace(A, task_id=f"uqt_{number % 7}", shots=number)
        return Ingest(database).push("alice", push_of([(0, task)])).revision

    with ThreadPoolExecutor(4) as pool:
        revisions = list(pool.map(push, range(60)))
    assert sorted(revisions) == list(range(1, 61))
    assert is_consistent(database)


def test_a_bad_task_never_blocks_the_others(
    ingest: Ingest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [replace(A, task_id=f"uqt_{number}") for number in range(6)]
    messages = [message_of(task, place) for place, task in enumerate(good)]
    bad = [
        messages[0].model_copy(update={"place": 2**63, "key": Key(task_id="place")}),
        messages[0].model_copy(update={"shots": 2**64, "key": Key(task_id="shots")}),
        messages[0].model_copy(update={"name": "\ud800", "key": Key(task_id="name")}),
        messages[0].model_copy(update={"submitted_at": "soon", "key": Key(task_id="time")}),
        messages[0].model_copy(update={"key": Key(task_id="nul\0")}),
        messages[0].model_copy(update={"key": Key(task_id="")}),
        # Too long for an index, and not known to be so: the database itself refuses it.
        messages[0].model_copy(
            update={"backend": "".join(map(chr, range(0x4E00, 0x5E00))), "key": Key(task_id="big")}
        ),
    ]
    monkeypatch.setattr(values, "MAX_KEY_BYTES", {"task_id": 512})
    mixed = (*(one for pair in zip(messages, bad, strict=False) for one in pair), bad[6])
    answer = ingest.push("alice", Push(store_id=STORE, tasks=mixed, gone=(Key(task_id="\ud800"),)))
    assert {key.task_id for key, _ in answer.refused} == {one.key.task_id for one in bad}
    assert {row[0] for row in kept(database, "SELECT task_id FROM task")} == {
        task.task_id for task in good
    }
    assert is_consistent(database)


def test_a_long_label_is_refused_before_the_database_is_asked(ingest: Ingest) -> None:
    long = replace(A, backend="x" * 513)
    ((key, reason),) = ingest.push("alice", push_of([(0, long)])).refused
    assert (key, reason) == (key_of(long), "backend: is longer than 512 bytes")


def test_a_body_that_is_too_large_stays_at_home(ingest: Ingest, database: Database) -> None:
    large = replace(B, result='"' + "1" * MAX_BODY_BYTES + '"')
    push_all(ingest, [A, large])
    assert kept(database, "SELECT task_id, result_bytes, damaged FROM task ORDER BY 1") == [
        (A.task_id, None, ""),
        (B.task_id, MAX_BODY_BYTES + 2, "result"),
    ]
    assert kept(database, "SELECT metadata, result FROM body WHERE task_id = 'uqt_b'") == [
        ("{}", None)
    ]


def test_nul_is_left_out_and_told(ingest: Ingest, database: Database) -> None:
    push_all(ingest, [replace(A, error="a\0b", result='{"\0": 1}')])
    assert kept(database, "SELECT error, damaged FROM task") == [("ab", "result error")]


def test_bodies_without_a_credential_are_kept_byte_for_byte(
    ingest: Ingest, database: Database
) -> None:
    results = ['{"0":1,  "1": NaN}', "{not JSON", "", "[1e400]", '"\\ud800"', "\u200b é 量"]
    push_all(ingest, [replace(A, task_id=f"uqt_{n}", result=one) for n, one in enumerate(results)])
    found = kept(database, "SELECT result FROM body ORDER BY task_id")
    assert [row[0] for row in found] == results


SECRET = "gh" + "p_" + "a1B2" * 9


def test_no_credential_is_kept_of_a_machine_that_does_not_redact(
    ingest: Ingest, lab_database: LabDatabase
) -> None:
    task = StoredTask(
        task_id="uqt_leak",
        backend=f"ibm:{SECRET}",
        status=f"x {SECRET}",
        result=f'{{"a": "Bearer {SECRET}", "a": "harmless"}}',
        metadata=json.dumps({"task_name": SECRET, "api_key": SECRET, "n": [{"auth": SECRET}]}),
        error=f"HTTP 401 token={SECRET}",
        archived_at=SECRET,
        jobs=(StoredJob(platform_task_id="j", result=f"{{cut {SECRET}", error=SECRET),),
    )
    push_all(ingest, [task])
    with psycopg.connect(lab_database.admin_address) as connection:
        dump = "".join(
            repr(connection.execute(f"SELECT * FROM {table}".encode()).fetchall())
            for table in ("store", "task", "body", "job", "tally", "audience")
        )
    assert "uqt_leak" in dump
    assert SECRET.casefold() not in dump.casefold()


def test_a_store_of_the_same_id_belongs_to_each_owner_by_itself(
    ingest: Ingest, database: Database
) -> None:
    push_all(ingest, [A, B], owner="alice")
    push_all(ingest, [replace(A, status="failed")], owner="bob")
    ingest.push("bob", push_of([], [key_of(B)]))
    assert ingest.compare("alice", compare_of([A, B])).same
    assert kept(database, "SELECT task_id, status FROM task", "bob") == [(A.task_id, "failed")]


def test_a_comparison_notes_who_was_heard_from(ingest: Ingest, database: Database) -> None:
    ingest.compare("alice", compare_of([], machine="la\0ptop"))
    ingest.compare("alice", compare_of([], machine="desk", audience="lab"))
    recent = "heard_at > now() - interval '1 min'"
    found = kept(database, f"SELECT machine, schema_version, {recent} FROM store")
    assert found == [("desk", 5, True)]
    assert kept(database, "SELECT owner, audience FROM audience") == [("alice", "lab")]


_IDS = st.sampled_from([f"uqt_{number}" for number in range(6)])
_TASKS = st.builds(
    StoredTask,
    task_id=_IDS,
    backend=st.sampled_from(["dummy", "originq:a"]),
    status=st.sampled_from(["running", "success"]),
    archived_at=st.sampled_from([None, "2026-08-01"]),
    shots=st.integers(0, 2),
)
Steps = list[tuple[list[StoredTask], list[tuple[str, bool]]]]
_STEPS = st.lists(
    st.tuples(st.lists(_TASKS, max_size=4), st.lists(st.tuples(_IDS, st.booleans()), max_size=3)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_sums_are_those_of_the_rows_whatever_is_pushed(database: Database, steps: Steps) -> None:
    ingest = Ingest(database)
    held: dict[Key, StoredTask] = {}
    # Begins with whatever the examples before left.
    known = kept(database, "SELECT task_id, archived FROM task WHERE gone_at IS NULL")
    everything = [Key(task_id=task_id, archived=archived) for task_id, archived in known]
    ingest.push("alice", push_of([], everything))
    for tasks, gone in steps:
        keys = [Key(task_id=task_id, archived=archived) for task_id, archived in gone]
        ingest.push("alice", push_of(enumerate(tasks), keys))
        sent = {key_of(task): task for task in tasks}
        held = {key: task for key, task in held.items() if key not in keys} | sent
        assert is_consistent(database)
    (store,) = kept(database, "SELECT task_count, digest FROM store")
    assert store == (len(held), digest_of(held.values()))
    assert ingest.compare("alice", compare_of([*held.values()])).same
