"""The demo and its sample cache."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.demo import run_demo
from uniqc_mcp.cli.sample import make_sample
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.conftest import Cache

QUESTIONS = [
    "You ask: what is still running?",
    "You ask: why did the last one that failed fail?",
    "You ask: how many tasks are there, and where?",
]


def demo_output(cache_dir: Path | None) -> str:
    lines: list[str] = []
    run_demo(cache_dir, lines.append)
    return "\n".join(lines)


def test_the_demo_asks_three_questions_of_a_sample_and_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = demo_output(None)
    assert list(tmp_path.iterdir()) == []
    lines = text.splitlines()
    assert lines[0].startswith("A sample cache, as uniqc would keep it.")
    assert [line for line in lines if line.startswith("You ask")] == QUESTIONS
    assert [line.split()[3] for line in lines if line.startswith("  the assistant calls ")] == [
        "list_tasks",
        "list_tasks",
        "get_task",
        "count_tasks",
    ]
    assert "  | 4 active tasks. Read " in text
    assert "  | 16 tasks. Read " in text
    assert '  |   error: "compile error: no route between Q3 and Q9"' in text
    assert "k3y" not in text


def test_the_demo_does_not_change_an_existing_cache(cache: Cache) -> None:
    before = cache.copy("5-0.1.0.sqlite").path.read_bytes()
    text = demo_output(cache.directory)
    assert text.splitlines()[0].endswith("/tasks.sqlite, only read. For a sample: --sample")
    assert "A sample cache" not in text
    for question in QUESTIONS:
        assert question in text
    assert "27 active tasks; 20 shown" in text
    assert not [secret for secret in cache.planted if secret in text]
    assert [path.name for path in cache.directory.iterdir()] == ["tasks.sqlite"]
    assert cache.path.read_bytes() == before


def test_the_demo_does_not_create_a_missing_cache(tmp_path: Path) -> None:
    text = demo_output(tmp_path / "missing")
    for question in QUESTIONS:
        assert question in text
    assert text.count("there is no directory of that name") == 3
    assert "get_task" not in text
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_cache_ends_the_demo_without_a_traceback(cache: Cache) -> None:
    cache.path.write_text("Dear diary")
    finished = subprocess.run(
        [sys.executable, "-m", "uniqc_mcp", "demo", "--cache-dir", str(cache.directory)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 1
    assert "  | The task store can't be read" in finished.stdout
    assert "Traceback" not in finished.stderr


def test_a_user_with_a_cache_is_shown_it_and_others_a_sample(cache: Cache, home: Path) -> None:
    environment = {"UNIQC_MCP_CACHE_DIR": str(cache.directory)}
    without = CliRunner().invoke(cli, ["demo"], env=environment)
    assert without.output.startswith("uniqc has kept no tasks in ~/cache yet.\nA sample cache,")
    assert list(cache.directory.iterdir()) == []
    cache.copy("5-0.1.0.sqlite")
    own = CliRunner().invoke(cli, ["demo"], env=environment)
    assert own.output.startswith("The cache ~/cache/tasks.sqlite, only read.")
    sample = CliRunner().invoke(cli, ["demo", "--sample"], env=environment)
    assert sample.output.startswith("A sample cache,")
    assert [each.exit_code for each in (without, own, sample)] == [0, 0, 0]
    assert str(home) not in own.output


def test_a_kept_sample_is_asked_and_can_be_asked_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = CliRunner().invoke(cli, ["demo", "--keep", str(kept)])
    assert first.exit_code == 0, first.output
    assert "  | 16 tasks. Read " in first.output
    assert f"The sample is in {kept}." in first.output
    assert (kept / "tasks.sqlite").exists()
    again = CliRunner().invoke(cli, ["demo", "--keep", str(kept)])
    assert (again.exit_code, "a sample replaces nothing" in again.output) == (1, True)


@pytest.mark.parametrize("options", [["--sample"], ["--keep", "elsewhere"]])
def test_a_cache_of_ones_own_and_a_sample_exclude_each_other(
    tmp_path: Path, options: list[str]
) -> None:
    done = CliRunner().invoke(cli, ["demo", "--cache-dir", str(tmp_path), *options])
    assert (done.exit_code, "leave out --sample and --keep" in done.output) == (2, True)


def test_the_sample_is_a_valid_cache_of_uniqc(tmp_path: Path) -> None:
    make_sample(tmp_path)
    tasks = TaskStore(tmp_path, read_only=True).list()
    assert len(tasks) == 16
    assert {task.status for task in tasks} == {"pending", "running", "success", "failed"}
    assert all(task.damaged == () and task.task_id.startswith("uqt_") for task in tasks)
