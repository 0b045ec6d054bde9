"""The diagnosis of a cache."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from tests.server.unreadable_files import (
    broken_link,
    damaged,
    database_of_another_program,
    newer_without_tasks,
)

from uniqc_mcp.cli.diagnosis import Diagnosis
from uniqc_mcp.cli.doctor import examine
from uniqc_mcp.cli.store_facts import Facts
from uniqc_mcp.responses import store_notes
from uniqc_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.server.conftest import Cache

WRITTEN_BY = {
    "0": "a uniqc that was stopped before it saved anything",
    "1": "uniqc 0.0.4 to 0.0.7",
    "2": "uniqc 0.0.8 to 0.0.10",
    "3": "uniqc 0.0.11",
    "5": "uniqc 0.0.12 to 0.1.1",
}


def diagnose(cache: Cache) -> tuple[Diagnosis, str]:
    diagnosis = examine(Settings(cache_dir=cache.directory))
    return diagnosis, diagnosis.text()


def facts(cache: Cache) -> Facts:
    diagnosis, _ = diagnose(cache)
    assert diagnosis.facts is not None
    return diagnosis.facts


def test_a_real_file_is_reported_with_its_writer_and_its_task_counts(
    real_cache: Cache,
) -> None:
    before = real_cache.path.read_bytes()
    diagnosis, text = diagnose(real_cache)
    said, found = real_cache.manifest, facts(real_cache)
    version = str(found.schema_version)
    assert found.written_by == WRITTEN_BY[version]
    assert f"schema    {version}, written by {WRITTEN_BY[version]}" in text
    assert (found.tasks, found.by_status) == (said["tasks"]["count"], said["tasks"]["by_status"])
    assert found.archived == said["archived_tasks"]["count"]
    assert f"tasks     {found.tasks}, {found.active} active, {found.archived} more archived" in text
    assert (diagnosis.ok, diagnosis.exists, diagnosis.problems) == (True, True, [])
    assert diagnosis.size_bytes == len(before)
    assert text.endswith("A server works with this.")
    assert [path.name for path in real_cache.directory.iterdir()] == ["tasks.sqlite"]
    assert real_cache.path.read_bytes() == before


def test_unknown_statuses_and_unreadable_times_are_noted(cache: Cache) -> None:
    diagnosis, text = diagnose(cache.copy("1-0.0.5.sqlite"))
    unknown, undated = diagnosis.notes
    assert unknown == (
        'Statuses that uniqc does not know count as active: "QUEUED", "TaskStatus.RUNNING".'
    )
    assert undated.endswith(": 1")
    assert "without a readable submit time" in undated
    assert f"note      {unknown}" in text


def test_tasks_duplicated_by_a_raced_upgrade_are_noted(cache: Cache) -> None:
    legacy = {"metadata_json": '{"legacy_platform_id": "D438"}'}
    diagnosis, _ = diagnose(cache.write(legacy, legacy, legacy, {}, version=5))
    (note,) = diagnosis.notes
    assert note.startswith("Tasks that are copies of others: 2.")
    assert "metadata.legacy_platform_id" in note
    assert diagnosis.ok


def test_statuses_that_look_the_same_are_counted_together(cache: Cache) -> None:
    cache.write({"status": "QUEUED"}, {"status": "QUEUED\u200b"}, {"status": "running"})
    assert facts(cache).by_status == {"QUEUED": 2, "running": 1}
    assert facts(cache).tasks == facts(cache).active == 3


def test_only_the_first_ten_unknown_statuses_are_named(cache: Cache) -> None:
    cache.write(*({"status": f"s{number:03}"} for number in range(200)))
    (note,) = diagnose(cache)[0].notes
    assert note.endswith('"s008", "s009" and 190 more.')


def test_a_missing_file_is_not_a_problem(
    cache: Cache, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    diagnosis, text = diagnose(cache)
    assert diagnosis == Diagnosis(
        location="~/cache/tasks.sqlite", ok=True, exists=False, size_bytes=0, readable=False,
        writable=False, fallback="~/uniqc/cache/tasks.sqlite",
    )  # fmt: skip
    assert text.splitlines() == [
        "file      ~/cache/tasks.sqlite",
        "          is not there: uniqc has kept no tasks here yet",
        "receipts  0",
        "fallback  ~/uniqc/cache/tasks.sqlite, not there",
        "          uniqc keeps tasks there while it can't open ~/.uniqc/cache/tasks.sqlite",
        "A server works with this.",
    ]
    assert str(home) not in text


def test_a_newer_schema_works_with_advice_to_update(cache: Cache) -> None:
    diagnosis, text = diagnose(cache.write({}, version=9))
    assert diagnosis.ok
    assert "schema    9, written by a uniqc newer than this release knows (5)" in text
    assert "update uniqc-mcp" in text


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (database_of_another_program, "~/cache/tasks.sqlite belongs to another program"),
        (damaged, "~/cache/tasks.sqlite is damaged"),
        (newer_without_tasks, "~/cache/tasks.sqlite has schema version 9, newer than 5"),
        (broken_link, "it is a link to ~/elsewhere/tasks.sqlite, which is not there"),
    ],
)
def test_an_unreadable_file_is_a_problem_with_a_reason(
    cache: Cache, home: Path, make: Callable[[Cache], None], reason: str
) -> None:
    make(cache)
    diagnosis, text = diagnose(cache)
    (problem,) = diagnosis.problems
    assert (diagnosis.ok, diagnosis.facts) == (False, None)
    assert reason in problem
    assert f"problem   {problem}" in text
    assert "no tasks here yet" not in text
    assert "doctor" not in text  # the reader has just run doctor
    assert str(home) not in text
    assert text.endswith("A server does not work with this.")


def test_a_path_that_is_too_long_is_a_problem(cache: Cache) -> None:
    diagnosis = examine(Settings(cache_dir=cache.directory / ("x" * 300)))
    assert (diagnosis.ok, diagnosis.exists, diagnosis.size_bytes) == (False, None, 0)
    assert "can't be opened (File name too long)" in diagnosis.problems[0]


def test_the_fallback_file_of_uniqc_is_noted(
    cache: Cache, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    monkeypatch.setattr(store_notes, "DEFAULT_CACHE_DIR", cache.directory)
    other = home / "uniqc" / "cache" / "tasks.sqlite"
    other.parent.mkdir(parents=True)
    other.touch()
    os.utime(other, (1_700_000_000, 1_700_000_000))
    diagnosis, text = diagnose(cache)
    (note,) = diagnosis.notes
    assert "~/uniqc/cache/tasks.sqlite" in note
    written = "2023-11-14T22:13:20Z"
    assert (diagnosis.fallback, diagnosis.fallback_last_write) == (
        "~/uniqc/cache/tasks.sqlite",
        written,
    )
    assert f"fallback  ~/uniqc/cache/tasks.sqlite, last written {written}\n" in text


def test_the_json_has_the_documented_keys(cache: Cache) -> None:
    diagnosis, _ = diagnose(cache.copy("5-0.1.0.sqlite"))
    printed = json.loads(json.dumps(diagnosis.to_dict()))
    assert printed.keys() == {field.name for field in fields(Diagnosis)}
    assert printed["facts"].keys() == {field.name for field in fields(Facts)}
    for documented in (Diagnosis, Facts):
        assert documented.__doc__ is not None
        for field in fields(documented):
            assert f"{field.name}: " in documented.__doc__
