"""What other processes do to a store, each started by a test as ``child.py program arguments``.

They say things in lines of JSON, and wait for a line where the test decides when to go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import select
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from uniqc_store import DB_FILENAME, StoreBusyError, StoreError, TaskInfo, TaskStore
from uniqc_store.database import schema

if TYPE_CHECKING:
    from collections.abc import Callable


def say(thing: object) -> None:
    sys.stdout.write(json.dumps(thing) + "\n")
    sys.stdout.flush()


def wait() -> None:
    sys.stdin.readline()


def told_to_stop() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def connect(directory: str) -> sqlite3.Connection:
    return sqlite3.connect(Path(directory, DB_FILENAME), isolation_level=None)


def insert(connection: sqlite3.Connection, task_id: str) -> None:
    connection.execute(
        "INSERT INTO tasks (task_id, backend, status, submit_time, update_time) "
        "VALUES (?, 'dummy', 'running', '2026-08-01', '2026-08-01')",
        (task_id,),
    )


def open_and_save(directory: str, rounds: str, name: str) -> None:
    """In each round a fresh path, at the same moment as the others."""
    said = "ready"
    for number in range(int(rounds)):
        say(said)
        wait()
        try:
            store = TaskStore(Path(directory, str(number)), busy_timeout=30)
            store.save(TaskInfo(name, "dummy"))
            said = "saved"
        except Exception as error:
            said = repr(error)
    say(said)


def hold(directory: str, *statements: str) -> None:
    """Have the file open, after some statements, until told to let go."""
    with closing(connect(directory)) as connection:
        for statement in statements:
            connection.execute(statement).fetchone()
        say("in")
        wait()
    say("out")


def die_in_migration(directory: str, version: str) -> None:
    """Die as by a power cut, with a migration's statements done and not committed."""

    def migrate(connection: sqlite3.Connection) -> None:
        schema.make_version_1(connection)
        connection.execute("CREATE TABLE half_done (number INTEGER)")
        os.kill(os.getpid(), signal.SIGKILL)

    schema.MIGRATIONS[int(version) - 1 :] = [(int(version), migrate)]
    TaskStore(directory)


def die_with_wal(directory: str, count: str) -> None:
    """Commit some tasks, and die before they are moved from the WAL into the file."""
    connection = connect(directory)
    connection.execute("PRAGMA journal_mode = WAL")
    for number in range(int(count)):
        insert(connection, f"late-{number}")
    os.kill(os.getpid(), signal.SIGKILL)


def write_pairs(directory: str) -> None:
    """Commit tasks by twos, as fast as it goes, until told to stop."""
    number = 0
    while not told_to_stop():
        with closing(connect(directory)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for _ in range(20):
                connection.execute("BEGIN IMMEDIATE")
                insert(connection, f"{number}-a")
                insert(connection, f"{number}-b")
                connection.execute("COMMIT")
                number += 1
                if number == 1:
                    say("writing")
    say(2 * number)


def save_some(directory: str, name: str, count: str) -> None:
    say("ready")
    wait()
    store = TaskStore(directory, busy_timeout=30)
    for number in range(int(count)):
        store.save(TaskInfo(f"{name}-{number}", "dummy"))
    say(store.count())


def save_while_cleared(directory: str, name: str, how: str) -> None:
    """Save until told to stop; then say what was saved, from when to when."""
    save = {"uniqc": _save_like_uniqc, "ours": _save}[how]
    saved: list[tuple[str, float, float]] = []
    failed: list[str] = []
    say("saving")
    number = 0
    while not told_to_stop():
        hashlib.pbkdf2_hmac("sha256", b"what a user does", b"between two saves", 20_000)
        number += 1
        began = time.monotonic()
        try:
            save(directory, f"{name}-{number}")
            saved.append((f"{name}-{number}", began, time.monotonic()))
        except (sqlite3.Error, StoreError) as error:
            failed.append(repr(error))
    say({"saved": saved, "failed": failed})


def write_impatiently(directory: str) -> None:
    """Commit as fast as it goes until told to stop, and never wait for anybody."""
    say("writing")
    failed: list[str] = []
    number = 0
    while not told_to_stop():
        try:
            with closing(sqlite3.connect(Path(directory, DB_FILENAME), timeout=0)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                with connection:
                    insert(connection, f"task-{number}")
        except sqlite3.Error as error:
            failed.append(repr(error))
        number += 1
    say({"committed": number - len(failed), "failed": failed})


def play_uniqc(directory: str, rounds: str) -> None:
    """Submit, run, finish and delete tasks; then say each task's statuses, None once deleted."""
    store = TaskStore(directory, busy_timeout=30)
    said: dict[str, list[str | None]] = {}

    def save(number: int, status: str) -> None:
        task = TaskInfo(f"task-{number}", "dummy", status=status)
        store.save(task)
        said.setdefault(task.task_id, []).append(status)

    say("playing")
    for number in range(int(rounds)):
        save(number, "pending")
        if number >= 3:
            save(number - 3, "running")
        if number >= 6:
            save(number - 6, "failed" if number % 3 else "success")
        if number >= 9 and number % 4 == 0:
            store.delete(f"task-{number - 9}")
            said[f"task-{number - 9}"].append(None)
        time.sleep(0.002 * (number % 7))
    say(said)


def _save(directory: str, task_id: str) -> None:
    TaskStore(directory).save(TaskInfo(task_id, "dummy"))


def _save_like_uniqc(directory: str, task_id: str) -> None:
    with closing(connect(directory)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        insert(connection, task_id)


def save_until_full(directory: str, largest: str) -> None:
    """Save large tasks where no file may grow beyond a size."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    store = TaskStore(directory)
    saved = 0
    try:
        while True:
            store.save(TaskInfo(f"large-{saved}", "dummy", result={"counts": "0" * 50_000}))
            saved += 1
    except StoreError as error:
        say({"error": type(error).__name__, "message": str(error), "saved": saved})


def fork(directory: str) -> None:
    """Use one instance before a fork, and after it on both sides."""
    store = TaskStore(directory)
    store.save(TaskInfo("before", "dummy"))
    child = os.fork()
    if child == 0:
        store.save(TaskInfo("in the child", "dummy"))
        os._exit(0 if store.count() >= 2 else 1)
    store.save(TaskInfo("in the parent", "dummy"))
    _, status = os.waitpid(child, 0)
    say({"code": os.waitstatus_to_exitcode(status), "ids": sorted(t.task_id for t in store.list())})


def clear_all(directory: str) -> None:
    try:
        TaskStore(directory, busy_timeout=0.1).clear_all()
    except StoreBusyError:
        say("busy")
    else:
        say("cleared")


PROGRAMS: dict[str, Callable[..., None]] = {
    program.__name__: program
    for program in (
        open_and_save,
        hold,
        die_in_migration,
        die_with_wal,
        write_pairs,
        save_some,
        save_while_cleared,
        write_impatiently,
        play_uniqc,
        save_until_full,
        fork,
        clear_all,
    )
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
