"""``uniqc-mcp plot``: which bars there are, how they are drawn, and what is said of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from tests.server.cli.test_commands import run, run_process

from uniqc_mcp.cli.answers.bars import bar_lines
from uniqc_mcp.cli.answers.destination import Destination
from uniqc_mcp.results.bars import Bar, bars_by_bits, bars_by_count, bins_note
from uniqc_mcp.results.summary import Outcome

if TYPE_CHECKING:
    from tests.server.conftest import Cache

WIDE = Destination(width=60)


def outcomes_of(counts: dict[str, int]) -> list[Outcome]:
    """Return outcomes as a result has them, the most frequent first."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Outcome(bits=bits, count=n, probability=n / total) for bits, n in ordered]


def drawn(bars: list[Bar], destination: Destination = WIDE) -> list[str]:
    return [*bar_lines(bars, destination)]


ALL_4096 = outcomes_of({f"{value:012b}": 1 + value % 7 for value in range(4_096)})


def test_two_outcomes_are_two_bars_with_counts_and_shares() -> None:
    lines = drawn(bars_by_count(outcomes_of({"00": 750, "11": 250}), 16))
    assert lines == ["00  750  75%  " + "█" * 46, "11  250  25%  " + "█" * 15 + "▍"]


def test_by_count_the_least_frequent_outcomes_share_one_line_without_a_bar() -> None:
    bars = bars_by_count(ALL_4096, 16)
    assert [bar.outcomes for bar in bars] == [1] * 16 + [4_080]
    assert bars[0].count == 7
    assert sum(bar.count or 0 for bar in bars) == sum(one.count or 0 for one in ALL_4096)
    rest = drawn(bars)[-1]
    assert rest.startswith("(4,080 others)")
    assert rest.endswith("%")


def test_by_bits_4096_outcomes_are_16_bars_by_their_first_bits() -> None:
    bars = bars_by_bits(ALL_4096, 16)
    assert [bar.label for bar in bars[:2]] == ["0000********", "0001********"]
    assert [bar.outcomes for bar in bars] == [256] * 16
    first = sum(one.count or 0 for one in ALL_4096 if one.bits.startswith("0101"))
    assert bars[0b0101].count == first
    note = bins_note(bars, 4_096)
    assert note == "4,096 outcomes in 16 bars: each sums up those that begin with its bits."


def test_the_bits_that_all_outcomes_begin_with_take_no_bars() -> None:
    bars = bars_by_bits(outcomes_of({f"0000{value:06b}": 1 for value in range(64)}), 8)
    assert [bar.label for bar in bars[:2]] == ["0000000***", "0000001***"]
    assert [bar.outcomes for bar in bars] == [8] * 8


def test_a_bar_without_outcomes_keeps_its_place() -> None:
    counts = {f"{value:04b}": 10 for value in range(16) if value >> 2 != 1}
    bars = bars_by_bits(outcomes_of(counts), 4)
    assert [bar.count for bar in bars] == [40, 0, 40, 40]
    assert drawn(bars)[1].split() == ["01**", "0", "0%"]


def test_keys_of_several_widths_share_bars_in_the_order_of_their_numbers() -> None:
    bars = bars_by_bits(outcomes_of({f"{value:b}": 1 for value in range(7)}), 3)
    assert [bar.label for bar in bars] == ["0 to 10", "11 to 101", "110"]
    assert bins_note(bars, 7).endswith("those that lie between its two.")


def test_few_outcomes_of_many_bits_have_a_bar_each_in_order() -> None:
    bars = bars_by_bits(outcomes_of({"111111111111": 6, "000000000000": 4}), 16)
    assert [bar.label for bar in bars] == ["000000000000", "111111111111"]
    assert bins_note(bars, 2) == ""


def test_what_is_not_zero_shows_and_what_is_below_zero_has_no_bar() -> None:
    outcomes = [Outcome(bits=bits, count=n, probability=None) for bits, n in
                (("00", 100_000), ("01", 1), ("10", 0), ("11", -54))]  # fmt: skip
    lines = drawn(bars_by_bits(outcomes, 16))
    assert [line[-1] for line in lines] == ["█", "▏", "0", "4"]
    ascii_lines = drawn(bars_by_bits(outcomes, 16), Destination(width=60, has_blocks=False))
    assert [line[-1] for line in ascii_lines] == ["#", ".", "0", "4"]
    assert all(map(str.isascii, ascii_lines))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = outcomes_of({"01" * 78: 700, "10" * 78: 300})
    for bars in (bars_by_count(wide, 16), bars_by_bits(ALL_4096, 64), bars_by_count(ALL_4096, 9)):
        lines = drawn(bars, Destination(width=width))
        assert max(map(cell_len, lines)) <= width or width < 40
        assert any("█" in line for line in lines)


# The command


def plotted(cache: Cache, *arguments: str) -> str:
    result = run("plot", *arguments, "--cache-dir", str(cache.directory))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_plot_says_what_its_numbers_and_bits_are(cache: Cache) -> None:
    cache.write({"result_json": json.dumps({"00": 700, "11": 300})})
    lines = plotted(cache, "task-000001").splitlines()
    assert lines[0] == "task-000001 success on originq:WK_C180"
    assert lines[1].startswith("00  700  70%  █")
    assert "counted shots; bit order right (c[0] is last)" in lines


def test_a_batch_is_plotted_circuit_by_circuit_or_one_alone(cache: Cache) -> None:
    results: list[Any] = [{"00": 700, "11": 300}, {}, {"01": 1000}, {"error": "no such qubit"}]
    cache.write({"result_json": json.dumps(results)}, version=5)
    output = plotted(cache, "task-000001")
    assert [line for line in output.splitlines() if line.startswith("circuit ")] == [
        f"circuit {place}" for place in range(4)
    ]
    assert 'error "no such qubit"' in output
    alone = plotted(cache, "task-000001", "--circuit", "2")
    assert "01  1,000  100%" in alone
    assert "00  700" not in alone
    missing = run("plot", "task-000001", "--circuit", "4", "--cache-dir", str(cache.directory))
    assert missing.exit_code == 1
    assert "the task has circuits 0 to 3" in missing.output


def test_numbers_that_are_no_outcomes_have_no_bars(cache: Cache) -> None:
    bytes_of_shots = {"0000000000": 1014, "0000000011": 493, "0011111111": 493}
    cache.write(
        {"backend": "ibm:ibm_fez", "shots": 1000, "result_json": json.dumps(bytes_of_shots)}
    )
    output = plotted(cache, "task-000001")
    assert "1,014" not in output
    assert "█" not in output
    assert "bytes of shots" in output


def test_json_has_the_bars_and_the_meaning(cache: Cache) -> None:
    cache.write({"result_json": json.dumps({"00": 700, "11": 300})})
    structured = json.loads(plotted(cache, "task-000001", "--json", "--by", "bits"))
    (circuit,) = structured["circuits"]
    assert circuit["bars"][0] == {"bits": "00", "outcomes": 1, "count": 700, "probability": 0.7}
    assert circuit["bit_order"] == "right (c[0] is last)"
    assert not {"shown", "outcomes", "remaining_probability"} & circuit.keys()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"status": "running"}, 'no result to plot; its status is "running"'),
        ({"result_json": "{broken"}, "is not JSON"),
    ],
)
def test_a_task_that_can_not_be_plotted_is_an_error_that_says_why(
    cache: Cache, record: dict[str, str], message: str
) -> None:
    cache.write(record)
    result = run("plot", "task-000001", "--cache-dir", str(cache.directory))
    assert result.exit_code == 1
    assert message in result.output


def test_hostile_keys_reach_no_terminal(cache: Cache) -> None:
    hostile = {"counts": {"\x1b[2J01": 7, "token=hunter2hunter2hunter2": 3}}
    cache.write({"result_json": json.dumps(hostile)})
    output = plotted(cache, "task-000001")
    assert "\x1b" not in output
    assert "hunter2" not in output


def test_an_encoding_without_blocks_gets_ascii(cache: Cache) -> None:
    cache.write({"result_json": json.dumps({"00": 700, "11": 300})})
    done = run_process(
        "plot", "task-000001", "--cache-dir", str(cache.directory), PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 0
    assert "00  700  70%  ####" in done.stdout
