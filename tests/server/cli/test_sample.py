"""The sample cache: what its circuits give, and what the server says of its records."""

from __future__ import annotations

import json
import math
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.sample import SampleRefusedError, make_sample
from uniqc_mcp.cli.sample.circuits import (
    Circuit,
    flipped,
    ghz,
    qaoa,
    ramsey,
    rotation,
    w_state,
    with_readout_errors,
)
from uniqc_mcp.cli.sample.counts import rounded, sampled
from uniqc_mcp.cli.sample.tasks import SHOTS, sample_tasks

if TYPE_CHECKING:
    from uniqc_mcp.cli.sample.tasks import SampleTask

CASES = Path(__file__).parents[2] / "data" / "cases"
HEADER = ("user_version", "application_id")
DEFINITIONS = "SELECT sql FROM sqlite_master"
THIRD = 1 / 3


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, arguments, env=environment, prog_name="uniqc-mcp")


@pytest.mark.parametrize(
    ("circuit", "expected"),
    [
        (ghz(2), {"00": 0.5, "11": 0.5}),
        (ghz(4), {"0000": 0.5, "1111": 0.5}),
        (w_state(), {"001": THIRD, "010": THIRD, "100": THIRD}),
        (rotation(math.pi / 3), {"0": 0.75, "1": 0.25}),
        (ramsey(math.pi / 2), {"0": 0.5, "1": 0.5}),
        (flipped(3), {"001": 1.0}),
        (qaoa(0.0, 0.4), {f"{number:03b}": 0.125 for number in range(8)}),
    ],
)
def test_a_circuit_gives_the_outcomes_that_theory_tells(
    circuit: Circuit, expected: dict[str, float]
) -> None:
    assert circuit.probabilities() == pytest.approx(expected)


def test_qaoa_prefers_the_cuts_of_a_triangle() -> None:
    probabilities = qaoa(0.6, 0.4).probabilities()
    assert sum(probabilities.values()) == pytest.approx(1)
    assert probabilities["000"] + probabilities["111"] < 0.03


def test_readout_errors_flip_each_bit_by_itself() -> None:
    read = with_readout_errors({"00": 1.0}, 0.1)
    assert read == pytest.approx({"00": 0.81, "01": 0.09, "10": 0.09, "11": 0.01})


def test_rounded_counts_are_those_that_uniqc_0_1_1_stores_for_these_circuits() -> None:
    assert rounded(ghz(4), 1000) == {"0000": 500, "1111": 500}
    assert rounded(w_state(), 1000) == {"001": 334, "010": 333, "100": 333}


def test_sampled_counts_are_the_same_each_time_and_near_the_probabilities() -> None:
    counts = sampled(ghz(2), 10_000, seed=3, readout_error=0.02)
    assert counts == sampled(ghz(2), 10_000, seed=3, readout_error=0.02)
    assert counts != sampled(ghz(2), 10_000, seed=4, readout_error=0.02)
    for outcome, probability in with_readout_errors(ghz(2).probabilities(), 0.02).items():
        deviation = math.sqrt(10_000 * probability * (1 - probability))
        assert abs(counts[outcome] - 10_000 * probability) < 5 * deviation


def results_of(task: SampleTask) -> list[dict[str, int]]:
    return [
        {key: count for key, count in job.result.items() if isinstance(count, int)}
        for job in task.jobs
        if job.status == "success" and isinstance(job.result, dict)
    ]


def test_each_result_can_come_from_its_circuit() -> None:
    finished = [task for task in sample_tasks() if task.status == "success"]
    assert len(finished) == 10
    for task in finished:
        results = results_of(task)
        assert results
        for circuit, counts in zip(task.circuits, results, strict=False):
            assert sum(counts.values()) == SHOTS
            possible = circuit.probabilities()
            if task.backend.startswith("dummy:"):
                assert counts.keys() <= possible.keys()
            distance = sum(
                abs(counts.get(key, 0) / SHOTS - possible.get(key, 0.0))
                for key in counts.keys() | possible.keys()
            )
            assert distance / 2 < 0.08, task.name


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    make_sample(tmp_path / "sample")
    return tmp_path / "sample"


def test_the_sample_has_the_records_that_are_easily_misread(sample: Path) -> None:
    at = ("--cache-dir", str(sample))
    active = run("list", "--not-heard-for", "2d", "--json", *at).output
    assert "crosstalk scan" in active
    assert "vqe step" not in active
    late = run("list", "--status", "failed", "--updated-after", "2h", *at).output
    assert "\tlong-range ghz\tcompile error: no route between Q3 and Q9" in late
    batch = run("get", f"uqt_{13:032x}", *at).output
    assert "2 of 5 circuits were submitted; 3 have no platform job." in batch
    assert "\tfirst light\t" in run("list", "--archived", "only", "--status", "any", *at).output
    assert "rounded probabilities" in run("get", "w state", *at).output
    refused = run("get", "ramsey, last night", *at).output
    assert "HTTP 401 Unauthorized: invalid token '[redacted]'" in refused
    assert "k3y" not in refused


def test_the_tables_are_those_of_uniqc_itself(sample: Path) -> None:
    assert definitions(sample / "tasks.sqlite") == definitions(CASES / "by-uniqc-0.1.1.sqlite")


def definitions(path: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        header = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in HEADER]
        return {str(header), *(sql for (sql,) in connection.execute(DEFINITIONS) if sql)}


def test_a_directory_with_a_cache_is_refused_and_left_as_it_is(sample: Path) -> None:
    before = (sample / "tasks.sqlite").read_bytes()
    with pytest.raises(SampleRefusedError, match="a sample replaces nothing"):
        make_sample(sample)
    done = run("sample", str(sample))
    assert (done.exit_code, "is there already" in done.output) == (1, True)
    assert (sample / "tasks.sqlite").read_bytes() == before


@pytest.mark.parametrize("name", ["tasks.sqlite-wal", "cleared.sqlite"])
def test_a_directory_with_a_part_of_a_cache_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    done = run("sample", str(tmp_path))
    assert (done.exit_code, name in done.output) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_command_says_how_to_point_a_server_at_the_sample(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "cache"
    done = run("sample", str(directory))
    assert done.exit_code == 0
    (line,) = (line for line in done.output.splitlines() if line.startswith("By hand: "))
    (server,) = json.loads(line.removeprefix("By hand: "))["mcpServers"].values()
    listed = run("list", *server["args"])
    assert "vqe step 18" in listed.output
    assert f"uniqc-mcp list --cache-dir {shlex.quote(str(directory))}" in done.output


FULL_DISK = """
import resource, signal, sys
from uniqc_mcp.cli.commands import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
cli(["sample", sys.argv[1]])
"""


def test_a_disk_that_fills_up_leaves_no_part_of_a_sample(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path} can't be written (" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("venv/bin", ["{program}"]),
        (".cache/uv/archive-v0/x1/bin", ["{on_path}/uvx", "uniqc-mcp"]),
    ],
)
def test_the_program_is_named_by_a_path_that_lasts_where_its_name_is_not_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, words: list[str]
) -> None:
    program, on_path = tmp_path / folder / "uniqc-mcp", tmp_path / "on_path"
    for each in (program, on_path / "uvx"):
        each.parent.mkdir(parents=True)
        each.write_text("#!/bin/sh\n")
        each.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(on_path))
    done = run("sample", str(tmp_path / "cache"))
    command, *args = (word.format(program=program, on_path=on_path) for word in words)
    assert f"  {' '.join([command, *args])} list --cache-dir" in done.output
    (line,) = (line for line in done.output.splitlines() if line.startswith("By hand: "))
    (server,) = json.loads(line.removeprefix("By hand: "))["mcpServers"].values()
    assert (server["command"], server["args"][:-2]) == (command, args)
