"""Files that are empty, gone or behind a broken link: never an empty store without a word."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.store.conftest import STORES, fill, make_store

from uniqc_mcp.cli.doctor import examine
from uniqc_mcp.errors import RequestError
from uniqc_mcp.settings import Settings
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import DB_FILENAME, StoreError, StoreUnreadableError, TaskStore

if TYPE_CHECKING:
    from pathlib import Path

EMPTY = "is empty: it holds no tasks table."


def texts(tools: ReadTools) -> list[str]:
    """Return the texts of each read tool, the error of an unknown id included."""
    with pytest.raises(RequestError) as caught:
        tools.get_task(task_id="uqt_0123")
    return [tools.list_tasks().text(), tools.count_tasks().text(), str(caught.value)]


def tools_of(directory: Path) -> ReadTools:
    return ReadTools(TaskStore(directory, read_only=True, busy_timeout=0.1))


@pytest.mark.parametrize("content", [b"", b"\0", b"S"])
def test_each_answer_says_that_a_file_of_no_bytes_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / DB_FILENAME).write_bytes(content)
    tools = tools_of(tmp_path)
    for text in texts(tools):
        assert EMPTY in text
        assert "full disk" in text
        assert "being copied" in text
    assert any(EMPTY in note for note in tools.list_tasks().structured()["store"]["notes"])
    assert any(EMPTY in note for note in examine(Settings(cache_dir=tmp_path)).notes)


def test_a_file_that_a_process_has_just_made_is_empty_too(tmp_path: Path) -> None:
    shutil.copyfile(STORES / "0-halfinit.sqlite", tmp_path / DB_FILENAME)
    assert all(EMPTY in text for text in texts(tools_of(tmp_path)))


def test_a_table_without_tasks_is_not_called_empty(tmp_path: Path) -> None:
    make_store(tmp_path)
    assert not any(EMPTY in text for text in texts(tools_of(tmp_path)))


def test_a_file_that_was_read_before_is_said_to_be_gone(tmp_path: Path) -> None:
    tools = tools_of(fill(make_store(tmp_path / "cache"), "a"))
    tools.list_tasks()
    shutil.rmtree(tmp_path / "cache")
    for text in texts(tools):
        assert "any more, though this server has read one there" in text
        assert "no task cache yet" not in text


def test_a_missing_directory_is_said_to_be_missing(tmp_path: Path) -> None:
    for text in texts(tools_of(tmp_path / "typo")):
        assert "there is no directory of that name either" in text
        assert "no task cache yet" not in text
    (note,) = examine(Settings(cache_dir=tmp_path / "typo")).notes
    assert "check --cache-dir" in note


@pytest.mark.parametrize("link", ["cache", "."])
def test_a_link_to_a_missing_directory_is_an_error_that_names_it(tmp_path: Path, link: str) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "unmounted")
    directory = tmp_path / "broken" / link
    with pytest.raises(StoreUnreadableError, match=r"broken is a link to .*unmounted"):
        tools_of(directory).list_tasks()
    assert not examine(Settings(cache_dir=directory)).ok


def test_a_file_that_is_copied_into_place_gives_no_silent_zero(tmp_path: Path) -> None:
    whole = (STORES / "5-0.1.0.sqlite").read_bytes()
    file = tmp_path / DB_FILENAME
    file.write_bytes(whole)
    total = tools_of(tmp_path).count_tasks().total
    for size in (0, 1, 50, 99, 100, 511, 4096, 8192, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        try:
            answer = tools_of(tmp_path).count_tasks()
        except StoreError:
            continue
        assert answer.total == total or EMPTY in answer.text() or "damaged" in answer.text(), size
