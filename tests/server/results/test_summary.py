"""Summaries of stored results, in each shape that uniqc writes and any other JSON."""

from __future__ import annotations

import json
import math
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniqc_mcp.results.summary import Outcome, Results, ResultSummary, summarise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_store import JsonValue

STORES = Path(__file__).parents[2] / "data" / "stores"
TABLES = ("tasks", "archived_tasks", "task_shards", "archived_task_shards")
STORED = "The probabilities are the stored ones, not count / total."
NONE_COMPUTED = "No probabilities are computed from such counts."

texts = st.text(max_size=5)
keys = st.one_of(
    st.sampled_from(["0", "1", "00", "01 10", "3", "0x0", "0x3", "0x03", "error", "error_message"]),
    st.sampled_from(["counts", "probabilities", "key", "value", "raw_result"]),
    texts,
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 1000),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.floats(0, 1),
    st.sampled_from(["12", "-1", "1.5", "٣"]),
    keys,
)


def row(pair: tuple[str, JsonValue]) -> JsonValue:
    return {"key": pair[0], "value": pair[1]}


def nested(inner: st.SearchStrategy[JsonValue]) -> st.SearchStrategy[JsonValue]:
    rows = st.lists(st.tuples(keys, inner).map(row), max_size=4)
    return st.one_of(st.lists(inner, max_size=4), rows, st.dictionaries(keys, inner, max_size=4))


anything: st.SearchStrategy[JsonValue] = st.recursive(scalars, nested, max_leaves=20)
histograms = st.dictionaries(
    st.integers(0, 31).map("{:05b}".format), st.integers(0, 50), min_size=1, max_size=32
)


def results(
    result: JsonValue, *, top: int = 10, shots: int | None = None, max_circuits: int = 10
) -> Results:
    return summarise(result, top=top, shots=shots, max_circuits=max_circuits)


def single(result: JsonValue, *, top: int = 10, shots: int | None = None) -> ResultSummary:
    summary = results(result, top=top, shots=shots)
    assert not summary.batch
    assert summary.total_circuits == 1
    return summary.circuits[0]


def values_of(summary: ResultSummary) -> list[tuple[str, int | float | None]]:
    """Return the outcomes in order, each with its count or else its probability."""
    return [(o.bits, o.probability if o.count is None else o.count) for o in summary.outcomes]


def stored(name: str, task_id: str) -> tuple[JsonValue, int]:
    """Return the result and the shots of a task in a real file."""
    with closing(sqlite3.connect(f"file:{STORES / name}?immutable=1", uri=True)) as connection:
        row: tuple[str, int] = connection.execute(
            "SELECT result_json, shots FROM tasks WHERE task_id = ?", (task_id,)
        ).fetchone()
    return json.loads(row[0]), row[1]


def all_stored() -> Iterator[tuple[str, JsonValue]]:
    for path in sorted(STORES.glob("*.sqlite")):
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for table in sorted({name for (name,) in tables}.intersection(TABLES)):
                rows = connection.execute(
                    f"SELECT result_json FROM {table} WHERE result_json IS NOT NULL"
                )
                yield from ((f"{path.name} {table}", json.loads(text)) for (text,) in rows)


def test_every_result_in_the_real_files_is_understood() -> None:
    kinds: Counter[str] = Counter()
    for where, result in all_stored():
        for circuit in results(result).circuits:
            assert circuit.kind != "unknown", (where, result)
            kinds[circuit.kind] += 1
    assert kinds.keys() == {"counts", "probabilities", "error", "empty"}
    assert kinds.total() > 600


def test_a_real_result_with_counts_and_probabilities_is_kept_as_stored() -> None:
    result, shots = stored("1-0.0.5.sqlite", "e2b21b46eb7953d9")
    summary = single(result, top=3, shots=shots)
    assert summary.outcomes == (
        Outcome(bits="000", count=63, probability=0.49501664446031035),
        Outcome(bits="111", count=63, probability=0.49501664446031035),
    )
    assert (summary.kind, summary.distinct, summary.shown, summary.total) == ("counts", 2, 2, 126)
    assert summary.remaining_probability == 2 * 0.004983355539689592
    assert summary.notes == (
        "The counts add up to 126, the task's shots are 128.",
        "Outcomes stored with a count of 0: 2.",
        STORED,
    )


def test_a_real_flat_result_gets_its_probabilities_from_its_counts() -> None:
    result, shots = stored("1-0.0.7.post1.sqlite", "f143d5c22ae28974")
    summary = single(result, top=2, shots=shots)
    assert summary.outcomes == (
        Outcome(bits="00", count=507, probability=507 / 1024),
        Outcome(bits="11", count=507, probability=507 / 1024),
    )
    assert (summary.total, summary.remaining_probability) == (1024, 10 / 1024)
    assert (summary.notes, summary.fields, summary.error) == ((), (), "")


def test_a_real_result_of_quark_names_its_raw_result_as_a_field() -> None:
    result, shots = stored("3-0.0.11.post1.sqlite", "2605000001022")
    summary = single(result, shots=shots)
    assert values_of(summary) == [("00", 244), ("11", 244), ("01", 14), ("10", 10)]
    assert (summary.fields, summary.notes) == (("raw_result",), ())


def test_a_real_result_with_nan_beside_the_counts_names_the_other_fields() -> None:
    result, shots = stored("5-0.1.0.sqlite", "nan-result")
    summary = single(result, shots=shots)
    assert values_of(summary) == [("0", 10)]
    assert (summary.fields, summary.notes) == (("expectation", "upper"), ())


def test_a_lost_circuit_of_a_real_batch_counts_as_without_outcomes() -> None:
    result, shots = stored("5-0.0.14.post1.sqlite", "batch-result")
    summary = results(result, shots=shots)
    assert [circuit.kind for circuit in summary.circuits] == ["counts", "counts", "empty"]
    assert (summary.batch, summary.total_circuits, summary.without_outcomes) == (True, 3, 1)


def test_a_count_as_large_as_sqlite_can_hold_is_exact() -> None:
    result, shots = stored("5-0.1.0.sqlite", "big-shots")
    summary = single(result, shots=shots)
    assert summary.outcomes == (Outcome(bits="0", count=2**62, probability=1.0),)
    assert (summary.total, summary.notes) == (2**62, ())
    assert single({"0": 2**63 - 1}).total == 2**63 - 1
    assert single({"0": 2**63}).kind == "unknown"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"0": 1, "1": 2}, [("1", 2), ("0", 1)]),
        ({"counts": {"0": 1, "1": 2}}, [("1", 2), ("0", 1)]),
        ({"counts": {"up": 1, "down": 2}}, [("down", 2), ("up", 1)]),
        ({"counts": {"0": "4", "1": "12"}}, [("1", 12), ("0", 4)]),
        ({"0": "4", "1": 5.0}, [("1", 5), ("0", 4)]),
        ({"0": 1.0, "1": 1.0}, [("0", 1), ("1", 1)]),
        ({"0": 1}, [("0", 1)]),
        ({"01 10": 2, "00 10": 2}, [("00 10", 2), ("01 10", 2)]),
        ({"3": 1, "12": 2}, [("12", 2), ("3", 1)]),
        ({"0x0": 1, "0x3": 2, "0x10": 3}, [("10000", 3), ("00011", 2), ("00000", 1)]),
        ({"0x0": 1}, [("0", 1)]),
        ({"0x3": 1, "0x03": 2}, [("0x03", 2), ("0x3", 1)]),
        ({"0x3": 1, "00": 2}, [("00", 2), ("0x3", 1)]),
        ({"0x" + "f" * 65: 1}, [("0x" + "f" * 65, 1)]),
        ([{"key": "0x0", "value": 3}, {"key": "0x1", "value": 4}], [("1", 4), ("0", 3)]),
        ({"key": ["0x0", "0x2"], "value": [3, 4]}, [("10", 4), ("00", 3)]),
        ({"counts": [{"key": "0", "value": 3}]}, [("0", 3)]),
    ],
)
def test_counts_are_read_from_each_layout(
    result: JsonValue, expected: list[tuple[str, int]]
) -> None:
    summary = single(result)
    assert summary.kind == "counts"
    assert values_of(summary) == expected
    assert summary.total == sum(count for _, count in expected)
    assert (summary.fields, summary.error) == ((), "")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"0": 0.25, "1": 0.75}, [("1", 0.75), ("0", 0.25)]),
        ({"0": 1.0}, [("0", 1.0)]),
        ({"0": 0.0, "1": 1.0}, [("1", 1.0)]),
        ({"0": 0, "1": 1.0}, [("1", 1.0)]),
        ({"0": 1.0000000000000002}, [("0", 1.0000000000000002)]),
        ({"probabilities": {"0": 1, "1": 0}}, [("0", 1.0)]),
        ({"counts": {}, "probabilities": {"0": 1.0}}, [("0", 1.0)]),
        (
            [{"key": "0x0", "value": 0.25}, {"key": "0x3", "value": 0.75}],
            [("11", 0.75), ("00", 0.25)],
        ),
        ({"key": ["0x0", "0x3"], "value": [0.25, 0.75]}, [("11", 0.75), ("00", 0.25)]),
    ],
)
def test_probabilities_are_read_from_each_layout(
    result: JsonValue, expected: list[tuple[str, float]]
) -> None:
    summary = single(result, shots=1000)
    assert summary.kind == "probabilities"
    assert [(o.bits, o.probability) for o in summary.outcomes] == expected
    assert all(o.count is None for o in summary.outcomes)
    assert (summary.total, summary.remaining_probability) == (None, 0.0)
    assert (summary.fields, summary.error) == ((), "")


@pytest.mark.parametrize(
    ("result", "note", "fields"),
    [
        ("00", "A text that is not understood as outcomes.", ()),
        (5, "A single value that is not understood as outcomes.", ()),
        (math.nan, "A single value that is not understood as outcomes.", ()),
        (False, "A single value that is not understood as outcomes.", ()),
        (
            [0.5, 0.5],
            "A list (entries: 2, all numbers) that is not understood as outcomes.",
            (),
        ),
        ({"shots": 5}, "An object (entries: 1) that is not understood as outcomes.", ("shots",)),
        ({"0": True}, "An object (entries: 1) that is not understood as outcomes.", ("0",)),
        ({"0": math.nan}, "An object (entries: 1) that is not understood as outcomes.", ("0",)),
        ({"0": 10**400}, "An object (entries: 1) that is not understood as outcomes.", ("0",)),
        ({"0": 1.5}, "An object (entries: 1) that is not understood as outcomes.", ("0",)),
        ({"0": {"1": 1}}, "An object (entries: 1) that is not understood as outcomes.", ("0",)),
        ({" 0": 1}, "An object (entries: 1) that is not understood as outcomes.", (" 0",)),
        ({"counts": {"0": 0.5}, "a": 1}, "The counts are left out: not understood.", ("a",)),
        ({"counts": 7}, "The counts are left out: not understood.", ()),
        ({"probabilities": [1.0]}, "The probabilities are left out: not understood.", ()),
        (
            {"key": ["0x0"], "value": [1, 2]},
            "An object (entries: 2) that is not understood as outcomes.",
            ("key", "value"),
        ),
    ],
)
def test_an_unknown_result_is_described_by_its_shape(
    result: JsonValue, note: str, fields: tuple[str, ...]
) -> None:
    summary = single(result)
    assert (summary.kind, summary.notes, summary.fields) == ("unknown", (note,), fields)
    assert (summary.outcomes, summary.distinct, summary.total) == ((), 0, None)
    assert (summary.error, summary.remaining_probability) == ("", None)


def test_rows_with_a_repeated_key_are_not_one_circuit() -> None:
    rows: list[JsonValue] = [{"key": "0x0", "value": 5}, {"key": "0x1", "value": 5}]
    summary = single(rows * 2)
    assert summary.kind == "unknown"
    assert summary.notes == (
        "A list (entries: 4, all objects) that is not understood as outcomes.",
    )


@pytest.mark.parametrize(
    "result",
    [None, {}, [], {"counts": {}}, {"counts": None, "error": ""}, {"key": [], "value": []}],
)
def test_a_result_that_holds_nothing_is_empty(result: JsonValue) -> None:
    summary = results(result)
    assert (summary.batch, summary.without_outcomes) == (False, 1)
    assert summary.circuits[0].kind == "empty"
    assert summary.circuits[0].notes == ()


def test_an_error_is_returned_unchanged() -> None:
    summary = single({"error": "Job failed \x00 on cloud", "code": 7})
    assert (summary.kind, summary.error) == ("error", "Job failed \x00 on cloud")
    assert summary.fields == ("code",)
    assert single({"error": "", "error_message": "late"}).error == "late"


def test_an_error_that_is_not_a_string_is_only_named() -> None:
    summary = single({"error": {"code": 7}})
    assert (summary.kind, summary.error, summary.fields) == ("error", "", ("error",))


def test_an_error_and_the_counts_beside_it_are_both_returned() -> None:
    summary = results({"counts": {"0": 3}, "error_message": "one shot was lost"})
    assert summary.without_outcomes == 0
    assert summary.circuits[0].error == "one shot was lost"
    assert values_of(summary.circuits[0]) == [("0", 3)]


def test_negative_counts_are_shown_without_probabilities() -> None:
    summary = single({"00": -1995, "01": 1000, "11": 2000}, shots=1005)
    assert values_of(summary) == [("11", 2000), ("01", 1000), ("00", -1995)]
    assert all(o.probability is None for o in summary.outcomes)
    assert (summary.total, summary.remaining_probability) == (1005, None)
    assert summary.notes == ("Counts below zero: 1.", NONE_COMPUTED)


def test_counts_that_are_all_zero_have_no_probabilities() -> None:
    summary = single({"0": 0, "1": 0}, top=1)
    assert (summary.outcomes, summary.distinct) == ((), 0)
    assert (summary.total, summary.remaining_probability) == (0, None)
    assert summary.notes == ("Outcomes stored with a count of 0: 2.", NONE_COMPUTED)


def test_stored_probabilities_are_shown_beside_negative_counts() -> None:
    summary = single({"counts": {"0": -1, "1": 3}, "probabilities": {"0": 0.4, "1": 0.6}}, top=1)
    assert summary.outcomes == (Outcome(bits="1", count=3, probability=0.6),)
    assert summary.remaining_probability == 0.4
    assert summary.notes == ("Counts below zero: 1.", STORED)


def test_probabilities_of_uncounted_outcomes_are_in_the_remainder() -> None:
    summary = single({"counts": {"0": 4}, "probabilities": {"0": 0.75, "1": 0.25}})
    assert summary.outcomes == (Outcome(bits="0", count=4, probability=0.75),)
    assert (summary.distinct, summary.remaining_probability) == (1, 0.25)


def test_stored_probabilities_of_other_outcomes_are_left_out() -> None:
    summary = single({"counts": {"00": 3, "11": 1}, "probabilities": {"0x0": 0.7, "0x3": 0.3}})
    assert [o.probability for o in summary.outcomes] == [0.75, 0.25]
    assert summary.notes == ("The probabilities are left out: not understood.",)


def test_counts_that_are_not_understood_do_not_hide_the_probabilities() -> None:
    summary = single({"counts": {"0": 0.5}, "probabilities": {"0": 1.0}})
    assert summary.kind == "probabilities"
    assert summary.notes == ("The counts are left out: not understood.",)


def test_probabilities_that_do_not_add_up_to_1_are_noted() -> None:
    assert single({"0": 0.5, "1": 0.499}).notes == ("The probabilities add up to 0.999, not to 1.",)
    assert single({"0": 0.7, "1": 0.5}).notes == ("The probabilities add up to 1.2, not to 1.",)


def test_probabilities_below_zero_have_no_remainder() -> None:
    summary = single({"probabilities": {"0": 1.25, "1": -0.25}}, top=1)
    assert values_of(summary) == [("0", 1.25)]
    assert summary.remaining_probability is None
    assert summary.notes == ("Probabilities below zero: 1.",)


def test_a_width_taken_from_hex_keys_is_noted() -> None:
    assert single({"0x0": 1, "0x5": 1}).notes == (
        "Hex keys have no width: they are written as 3 bits, as the largest needs.",
    )


def test_stored_probabilities_also_set_the_width_of_hex_keys() -> None:
    summary = single({"counts": {"0x0": 4}, "probabilities": {"0x0": 0.75, "0x3": 0.25}})
    assert values_of(summary) == [("00", 4)]


def test_the_fields_beside_columns_are_named() -> None:
    summary = single({"key": ["0", "1"], "value": [1, 3], "chip": "WK_C180"})
    assert (values_of(summary), summary.fields) == ([("1", 3), ("0", 1)], ("chip",))


def test_a_batch_holds_circuits_of_any_shape_in_order() -> None:
    batch: JsonValue = [
        {"0": 2},
        {"error": "no calibration"},
        [{"key": "0x0", "value": 0.25}, {"key": "0x3", "value": 0.75}],
        {"key": ["0x1"], "value": [4]},
        [{"counts": {"1": 7}}],
        [{"key": "0x1", "value": 7}],
        {},
        "lost",
    ]
    summary = results(batch)
    assert (summary.batch, summary.total_circuits, summary.without_outcomes) == (True, 8, 2)
    assert [values_of(circuit) for circuit in summary.circuits] == [
        [("0", 2)],
        [],
        [("11", 0.75), ("00", 0.25)],
        [("1", 4)],
        [("1", 7)],
        [("1", 7)],
        [],
        [],
    ]
    assert [circuit.kind for circuit in summary.circuits] == [
        *("counts", "error", "probabilities", "counts", "counts", "counts", "empty", "unknown")
    ]


def test_shots_are_compared_with_each_circuit_of_a_batch() -> None:
    notes = [circuit.notes for circuit in results([{"0": 100}, {"0": 98}], shots=100).circuits]
    assert notes == [(), ("The counts add up to 98, the task's shots are 100.",)]


@pytest.mark.parametrize("batch", [[{"0": 1}], [None], [{"key": ["0"], "value": [1]}]])
def test_a_list_of_one_circuit_is_that_circuit(batch: list[JsonValue]) -> None:
    assert results(batch) == results(batch[0])
    assert (results(batch).batch, results(batch).total_circuits) == (False, 1)


def test_circuits_beyond_the_limit_are_included_in_the_totals() -> None:
    done: list[JsonValue] = [{"0": 1}]
    late: list[JsonValue] = [{"error": "late"}]
    summary = results(done * 900 + late * 100, max_circuits=3)
    assert len(summary.circuits) == 3
    assert (summary.total_circuits, summary.without_outcomes) == (1000, 100)
    assert results([{"0": 1}, {"1": 1}], max_circuits=-1).circuits == ()


def test_a_histogram_of_twenty_qubits_takes_no_quadratic_time() -> None:
    rng = random.Random(20)
    counts = {f"{key:020b}": rng.randrange(9) for key in rng.sample(range(2**20), 10**5)}
    stored: JsonValue = {**counts}
    start = time.process_time()
    summary = single(stored, top=5)
    # Quadratic time would be more than a minute.
    assert time.process_time() - start < 20
    outcomes = sum(map(bool, counts.values()))
    assert (summary.distinct, summary.shown) == (outcomes, 5)
    assert [o.count for o in summary.outcomes] == [8] * 5


@settings(deadline=None)
@given(histograms, st.integers(-1, 40))
def test_the_outcomes_with_the_highest_counts_are_shown(counts: dict[str, int], top: int) -> None:
    summary = single({**counts}, top=top)
    counted = {key: count for key, count in counts.items() if count}
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    assert values_of(summary) == ranked[: max(top, 0)]
    assert (summary.distinct, summary.total) == (len(counted), sum(counts.values()))
    if summary.total:
        hidden = sum(count for _, count in ranked[max(top, 0) :])
        assert summary.remaining_probability == hidden / summary.total


@settings(deadline=None)
@given(histograms)
def test_the_layout_of_a_histogram_does_not_matter(counts: dict[str, int]) -> None:
    rows: JsonValue = [{"key": key, "value": count} for key, count in counts.items()]
    columns: JsonValue = {"key": [*counts], "value": [*counts.values()]}
    backwards: JsonValue = dict(reversed(counts.items()))
    layouts: list[JsonValue] = [rows, columns, backwards]
    labelled = replace(single({"counts": {**counts}}), labelled=False)
    assert {labelled, *map(single, layouts)} == {single({**counts})}


@settings(deadline=None)
@given(
    anything, st.integers(-1, 3), st.none() | st.integers(-(2**63), 2**63 - 1), st.integers(-1, 3)
)
def test_any_json_gets_a_consistent_summary(
    result: JsonValue, top: int, shots: int | None, most: int
) -> None:
    before = repr(result)
    summary = summarise(result, top=top, shots=shots, max_circuits=most)
    assert repr(result) == before
    assert len(summary.circuits) == min(max(most, 0), summary.total_circuits)
    whole = summarise(result, top=top, shots=shots, max_circuits=summary.total_circuits)
    assert repr(summary.circuits) == repr(whole.circuits[: max(most, 0)])
    absent = [circuit.kind in {"error", "empty"} for circuit in whole.circuits]
    assert summary.without_outcomes == sum(absent)
    for circuit in whole.circuits:
        assert circuit.shown == min(max(top, 0), circuit.distinct)
        assert len({outcome.bits for outcome in circuit.outcomes}) == circuit.shown
        assert circuit.distinct == 0 or circuit.kind in {"counts", "probabilities"}
        assert (circuit.sort != "") == (circuit.kind in {"counts", "probabilities"})
        assert (circuit.total is not None) == (circuit.kind == "counts")
        numbers = [outcome.probability for outcome in circuit.outcomes]
        for number in [*numbers, circuit.remaining_probability]:
            assert number is None or (type(number) is float and math.isfinite(number))
        assert all(outcome.count != 0 for outcome in circuit.outcomes)
        allowed = {int, float} if circuit.sort == "mitigated counts" else {int, type(None)}
        assert all(type(outcome.count) in allowed for outcome in circuit.outcomes)
        assert all(note.isascii() and len(note) < 120 for note in circuit.notes)
