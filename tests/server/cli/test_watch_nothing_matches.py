"""A watch until idle on a backend that no task was ever on: an error, and not "idle"."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.server.cli.test_watch_command import DEADLINE_SECONDS, FINISH, piped, read_line

if TYPE_CHECKING:
    from tests.server.conftest import Cache

ARCHIVED = """
    INSERT INTO archived_tasks (task_id, backend, status, submit_time, update_time, archived_at)
    VALUES ('old', 'quark:Baihua', 'success', '2026-01-01', '2026-01-01', '2026-01-02')"""


def watch(cache: Cache, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "uniqc_mcp", "watch", "--cache-dir", str(cache.directory), *options],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("status", ["running", "success"])
@pytest.mark.parametrize(
    ("backend", "nearest"), [("origin", '"originq"'), ("WK_C180", '"originq:WK_C180"')]
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_mistyped_backend_is_an_error_with_a_suggestion(
    cache: Cache, status: str, backend: str, nearest: str, options: list[str]
) -> None:
    cache.write({"status": status}, {"status": status, "backend": "ibm:ibm_fez"})
    finished = watch(cache, "--until-idle", "--backend", backend, *options)
    assert finished.returncode == 2
    assert f'None is on backend "{backend}". Similar ones: {nearest}' in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_cache_without_any_task_has_none_on_the_backend(cache: Cache) -> None:
    cache.write()
    finished = watch(cache, "--until-idle", "--backend", "originq")
    assert (finished.returncode, finished.stderr) == (
        2,
        'Error: No task is on backend "originq".\n',
    )


@pytest.mark.parametrize("backend", ["originq", "originq:WK_C180", "quark"])
def test_a_backend_whose_tasks_are_all_finished_or_archived_is_idle(
    cache: Cache, backend: str
) -> None:
    cache.write({"status": "success"}, version=5, script=ARCHIVED)
    finished = watch(cache, "--until-idle", "--backend", backend)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_backend_whose_only_task_was_removed_meanwhile_is_idle(cache: Cache) -> None:
    cache.write({"status": "running"}, {"status": "success", "backend": "ibm"})
    with piped(cache, "--until-idle", "--backend", "originq") as process:
        assert "1 task is active" in read_line(process)
        cache.change("DELETE FROM tasks WHERE status = 'running'")
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, errors) == (0, "")


def test_without_until_idle_a_backend_may_get_its_first_task_later(cache: Cache) -> None:
    cache.write({"status": "success", "backend": "ibm"})
    with piped(cache, "--backend", "originq") as process:
        assert "0 tasks are active" in read_line(process)
        assert " note " in read_line(process)
        cache.change("UPDATE tasks SET backend = 'originq', status = 'running'")
        assert "task-000001 " in read_line(process)
        assert process.poll() is None


def test_without_a_backend_an_idle_cache_is_idle(cache: Cache) -> None:
    cache.write()
    assert watch(cache, "--until-idle").returncode == 0
    cache.change(FINISH)
    assert watch(cache, "--until-idle").returncode == 0
