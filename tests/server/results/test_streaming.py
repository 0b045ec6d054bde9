"""Summaries of large results, streamed from their text in little memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.results.test_summary import anything, histograms

from uniqc_mcp.results import histogram as reading
from uniqc_mcp.results.streaming import summarise_text
from uniqc_mcp.results.summary import Results, summarise

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_store import JsonValue

numbers = st.one_of(
    st.integers(-3, 50),
    st.floats(0, 1),
    st.sampled_from([0.0, 1.0, 5.0, 1e-7, 2**53, 10**400, 1e300, -0.0, -1.0, -0.25, 1.25, 2.0]),
)
written = st.sampled_from([None, (",", ":"), (" ,\n", ":\t")])


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read small results in several pieces, and compare their keys in several slices."""
    monkeypatch.setattr(reading, "_PIECE_OUTCOMES", 2)
    monkeypatch.setattr(reading, "_MAX_COMPARED", 5)


def streamed(text: str, *, top: int = 4, shots: int | None = 1000, most: int = 3) -> Results | None:
    return summarise_text(text, top=top, shots=shots, max_circuits=most)


def parsed(text: str, *, top: int = 4, shots: int | None = 1000, most: int = 3) -> Results:
    return summarise(json.loads(text), top=top, shots=shots, max_circuits=most)


def rows(histogram: dict[str, float]) -> JsonValue:
    return [{"key": key, "value": value} for key, value in histogram.items()]


def shares(histogram: dict[str, int]) -> dict[str, float]:
    total = sum(histogram.values()) or 1
    return {key: count / total for key, count in histogram.items()}


def in_hex(histogram: dict[str, float]) -> dict[str, float]:
    return {hex(int(key, 2)): value for key, value in histogram.items()}


@settings(deadline=None)
@given(histograms, st.integers(-1, 40), written)
def test_a_streamed_summary_equals_that_of_the_parsed_result(
    counts: dict[str, int], top: int, separators: tuple[str, str] | None
) -> None:
    probabilities = shares(counts)
    shapes: list[JsonValue] = [
        {**counts},
        {**probabilities},
        {**in_hex({**counts})},
        rows(in_hex(probabilities)),
        rows({**counts}),
        {"counts": {**counts}},
        {"chip": {"a": [1]}, "counts": {**counts}, "error": "late", "raw_result": [1, {"2": 3}]},
        {"counts": {**counts}, "probabilities": {**probabilities}},
        {"probabilities": {**in_hex(probabilities)}, "counts": {**in_hex({**counts})}},
        [{**counts}, {"error": "lost"}, None, [{**probabilities}], {}, 3],
    ]
    for shape in shapes:
        text = json.dumps(shape, separators=separators)
        assert streamed(text, top=top) == parsed(text, top=top)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["0", "1", "00", "0x0", "0X1", "0x00", "1 0", "7", "0b1"]), numbers
    ),
    st.integers(0, 5),
)
def test_any_numbers_are_summarised_as_if_parsed_or_not_at_all(
    histogram: dict[str, float], top: int
) -> None:
    shapes: list[JsonValue] = [
        {**histogram},
        rows(histogram),
        {"counts": {**histogram}},
        {"counts": {"0": 1}, "probabilities": {**histogram}},
    ]
    for shape in shapes:
        text = json.dumps(shape)
        assert streamed(text, top=top) in (None, parsed(text, top=top))


@settings(deadline=None)
@given(anything)
def test_any_json_is_summarised_as_if_parsed_or_not_at_all(result: JsonValue) -> None:
    text = json.dumps(result)
    summary = streamed(text)
    assert summary is None or repr(summary) == repr(parsed(text))


@settings(deadline=None)
@given(histograms, st.data())
def test_invalid_json_is_never_summarised(counts: dict[str, int], data: st.DataObject) -> None:
    text = json.dumps({"counts": counts, "raw_result": [1]})
    at = data.draw(st.integers(0, len(text) - 1))
    broken = text[:at] + data.draw(st.sampled_from(["", "{", ",", '"', "x", "]"])) + text[at + 1 :]
    try:
        expected: Results | None = parsed(broken)
    except ValueError:
        expected = None
    assert streamed(broken) in (None, expected)


@pytest.mark.parametrize(
    "text",
    [
        '{"0": 1, "1": 2, "0": 3}',
        '{"0": 1, "10": 2, "11": 3, "100": 4, "101": 5, "0": 6}',
        '{"0x1": 1, "0x2": 5, "0x01": 3}',
        '{"counts": {"0": 1}, "counts": {"0": 2}}',
        '[{"key": "0", "value": 1}, {"key": "0", "value": 2}]',
        '{"counts": {"0X1": 1}, "probabilities": {"0x1": 1.0}}',
        '{"0": 1} {"0": 2}',
        '[{"0": 1}] 1',
        "[1, 2, 3]",
    ],
)
def test_repeated_keys_and_unknown_shapes_are_left_to_parsing(text: str) -> None:
    assert streamed(text) is None


def peak_memory(text: str) -> int:
    tracemalloc.start()
    try:
        assert streamed(text, top=8) is not None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def histogram_text(outcomes: int) -> str:
    rng = random.Random(20)
    keys = rng.sample(range(2**20), outcomes)
    return json.dumps({f"{key:020b}": rng.randrange(1, 99) for key in keys})


def test_memory_grows_no_faster_than_the_text_of_a_histogram(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    smaller, larger = histogram_text(50_000), histogram_text(250_000)
    constant = peak_memory(smaller)
    assert constant < 8 * 2**20
    # The keys of the larger histogram are compared in two slices of limited size.
    assert peak_memory(larger) < constant + len(larger) - len(smaller) + 8 * 2**20


async def test_get_task_streams_a_large_result(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    text = histogram_text(20_000)
    cache.write({"result_json": text, "shots": sum(json.loads(text).values())})
    monkeypatch.setattr("uniqc_mcp.tasks.result_models.parse_json", None)
    _, answer = await cache.ask("get_task", task_id="task-000001", outcomes=3)
    whole = summarise(json.loads(text), top=3, shots=None, max_circuits=1).circuits[0]
    result = answer["task"]["result"]
    assert result["distinct"] == whole.distinct == 20_000
    assert [(o["bits"], o["count"]) for o in result["outcomes"]] == [
        (outcome.bits, outcome.count) for outcome in whole.outcomes
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"counts": {"0": 1}, "error": "\\ud800"}',
        '{"counts": {"0": 1}, "error": "\ud800"}',
        '{"0":\v1}',
        '{"0": 1}\f',
        '{"0": 1, "1": NaN}',
        '{"0": 9223372036854775808}',
        '{"counts": {"0": 1}, "raw_result": ' + "[" * 200 + "]" * 200 + "}",
        "[" * 200 + "]" * 200,
        '{"0": 1',
        '{"0": 1}}',
        '{"0": 1} 1',
        '{"0": 1} "',
        '{"0": 1} "}',
        "\ufeff{}",
        "7",
        "{}",
        "[]",
        "",
    ],
)
def test_text_that_ijson_reads_differently_is_left_to_parsing(text: str) -> None:
    assert streamed(text) is None


def test_keys_with_equal_hashes_are_not_the_same_outcome() -> None:
    modulus = hex(2**61 - 1)  # hash() of an int is its remainder modulo this number
    text = json.dumps({"counts": {"0x0": 3}, "probabilities": {modulus: 1.0}})
    assert streamed(text) in (None, parsed(text))


def test_without_the_c_backend_a_result_is_left_to_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = histogram_text(10)
    assert streamed(text) is not None
    monkeypatch.setitem(sys.modules, "ijson.backends.yajl2_c", None)
    assert streamed(text) is None


def test_ijson_is_not_imported_before_a_large_result() -> None:
    code = (
        "import sys, uniqc_mcp.results.streaming as streaming\n"
        "assert 'ijson' not in sys.modules\n"
        "assert streaming.summarise_text('{\"0\": 1}', top=1, shots=1, max_circuits=1)\n"
        "assert 'ijson' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_registers_in_a_list_of_one_are_left_to_the_parser() -> None:
    text = json.dumps([{"a": {"0": 1000}, "b": {"1": 1000}}])
    assert streamed(text) is None
    assert parsed(text).by_register
