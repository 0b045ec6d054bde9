"""Error messages for calls that cannot be answered."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.unreadable_files import (
    a_directory,
    broken_link,
    damaged,
    database_of_another_program,
    database_without_application_id,
    directory_is_a_file,
    missing_column,
    newer_without_tasks,
    not_a_database,
    truncated,
)

from uniqc_mcp.errors import explain_store_error, nearest
from uniqc_mcp.safety.display import quoted, tilde, without_home
from uniqc_store import (
    AmbiguousIdError,
    InterruptedReadError,
    InvalidValueError,
    RestoreError,
    StoreBusyError,
    StoreDamagedError,
    StoreForeignError,
    StoreFullError,
    StoreUnreadableError,
    UnknownReceiptError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.server.conftest import Cache

    from uniqc_store import StoreError

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_tasks", {}),
    ("count_tasks", {}),
    ("get_task", {"task_id": "uqt_0123"}),
]
UNREADABLE = "The task store can't be read, so nothing is known of any task. "


WRONG_FILES: list[tuple[Callable[[Cache], None], str]] = [
    (
        database_without_application_id,
        f"{UNREADABLE}~/cache/tasks.sqlite is a database that uniqc did not make",
    ),
    (database_of_another_program, f"{UNREADABLE}~/cache/tasks.sqlite belongs to another program"),
    (not_a_database, f"{UNREADABLE}~/cache/tasks.sqlite is not an SQLite database."),
    (damaged, f"{UNREADABLE}~/cache/tasks.sqlite is damaged"),
    (truncated, f"{UNREADABLE}~/cache/tasks.sqlite is damaged"),
    (
        missing_column,
        f"{UNREADABLE}~/cache/tasks.sqlite is damaged (its table of tasks is missing or",
    ),
    (a_directory, f"{UNREADABLE}~/cache/tasks.sqlite can't be opened (it is not a regular file)"),
    (broken_link, f"{UNREADABLE}~/cache/tasks.sqlite can't be opened (it is a link to ~/el"),
    (directory_is_a_file, f"{UNREADABLE}~/cache/tasks.sqlite can't be opened (Not a directory)"),
    (newer_without_tasks, "~/cache/tasks.sqlite has schema ver"),
]


@pytest.mark.parametrize(
    ("make", "message"), WRONG_FILES, ids=[make.__name__ for make, _ in WRONG_FILES]
)
async def test_an_unreadable_file_is_an_error_with_a_reason_and_advice(
    cache: Cache, home: Path, make: Callable[[Cache], None], message: str
) -> None:
    make(cache)
    for tool, arguments in CALLS:
        text = await cache.refusal(tool, arguments)
        assert text.startswith(message)
        assert "`uniqc-mcp doctor`" in text or "Update uniqc-mcp" in text
        assert str(home) not in text
        assert "0 tasks" not in text
        assert "No " not in text
        assert len(text.splitlines()) <= 2
    assert str(home) not in (await cache.read_error("uniqc://store")).message


@pytest.fixture
def locked_cache(cache: Cache, home: Path) -> Iterator[Cache]:
    """A cache whose file another connection has locked."""
    del home
    cache.copy("5-0.1.0.sqlite")
    with closing(sqlite3.connect(cache.path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("UPDATE tasks SET shots = 1")
        yield cache


async def test_a_busy_file_is_an_error_that_says_to_try_again(locked_cache: Cache) -> None:
    message = (
        "The task store is busy. ~/cache/tasks.sqlite is in use by another process and did not "
        "come free within 0.1 s. Nothing was changed; try again."
    )
    for tool, arguments in CALLS:
        assert await locked_cache.refusal(tool, arguments) == message
    assert (await locked_cache.read_error("uniqc://tasks/active")).message == message


async def test_calls_succeed_again_after_the_file_is_replaced(cache: Cache) -> None:
    not_a_database(cache)
    await cache.refusal("list_tasks", {})
    cache.path.unlink()
    cache.write({})
    _, answer = await cache.ask("list_tasks", status="any")
    assert answer["total"] == 1


# Messages and their parts.


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidValueError("cursor", "is not one"), "cursor is not one."),
        (AmbiguousIdError("x", ["a", "b"]), "'x' stands for 2 tasks: a, b. Ask for one of these"),
        (InterruptedReadError(), "The task store could not answer. The query was stopped"),
        (StoreBusyError(Path("/x"), 5.0), "The task store is busy. /x is in use by another"),
    ],
)
def test_each_store_error_has_its_own_message(error: StoreError, message: str) -> None:
    assert explain_store_error(error).startswith(message)


def errors_about(text: str) -> list[StoreError]:
    """Return an error of each class that repeats its arguments, with *text* among them."""
    path = Path("/cache") / text
    return [
        StoreUnreadableError(path, "gone"),
        StoreUnreadableError(Path("/cache"), text),
        StoreForeignError(path, f"is {text}"),
        StoreDamagedError(path, text),
        StoreBusyError(path, 5.0),
        StoreFullError(path),
        AmbiguousIdError("x", [text, "b"]),
        RestoreError(text, [text]),
        UnknownReceiptError(text),
    ]


@pytest.mark.parametrize("planted", ["token=ghp_0123456789abcdef", "a\u202eb"])
def test_no_store_error_shows_a_credential_or_a_bidi_control(planted: str) -> None:
    for error in errors_about(planted):
        assert planted in str(error) or repr(planted)[1:-1] in str(error)
        text = explain_store_error(error)
        assert "ghp_" not in text
        assert "\u202e" not in text


def test_a_very_long_path_is_cut_and_hides_the_home_directory(home: Path) -> None:
    error = StoreUnreadableError(home / ("x" * 5_000), "File name too long")
    text = explain_store_error(error)
    assert text.startswith(f"{UNREADABLE}~/xxxx")
    assert str(home) not in text
    assert len(text) < 700


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/alice/cache", "~/cache"),
        ("/home/alice2/cache", "/home/alice2/cache"),
        ("/mnt/home/alice/cache", "/mnt/home/alice/cache"),
        ("/var/cache", "/var/cache"),
    ],
)
def test_only_the_home_directory_of_the_user_becomes_a_tilde(
    monkeypatch: pytest.MonkeyPatch, path: str, shown: str
) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert tilde(Path(path)) == shown
    assert without_home(f"Look at {path}, or ({path}).") == f"Look at {shown}, or ({shown})."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bell", '"bell"'),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("a\nb\u202e", '"a⏎b"'),
        ("token=hunter2", '"token=[redacted]"'),
        (5, '"5"'),
        (None, '"None"'),
        pytest.param(10**5000, '"a number beyond bounds"', id="huge"),
    ],
)
def test_a_quoted_value_stays_on_one_line(text: object, shown: str) -> None:
    assert quoted(text) == shown


@given(text=st.text())
def test_no_text_escapes_its_quotes(text: str) -> None:
    shown = quoted(text)
    assert len(shown) <= 2 + 2 * 80
    assert len(shown.splitlines()) == 1
    inside = shown[1:-1].replace("\\\\", "").replace('\\"', "")
    assert '"' not in inside


def test_the_nearest_names_come_first() -> None:
    known = ["status", "backend", "submitted_after", "submitted_before"]
    assert nearest("submited_after", known, most=2) == ["submitted_after", "submitted_before"]
    assert nearest("zzz", known) == []
    assert nearest("x" * 1_000_000, known) == []
