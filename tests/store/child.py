"""Programs that use a store in another process, started as ``child.py program arguments``.

They send messages as lines of JSON. Where the test decides when to continue, they wait for a line.
"""

from __future__ import annotations

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


def send(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def wait() -> None:
    sys.stdin.readline()


def stop_requested() -> bool:
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
    """Open a new path in each round, at the same moment as the other processes."""
    message = "ready"
    for number in range(int(rounds)):
        send(message)
        wait()
        try:
            store = TaskStore(Path(directory, str(number)), busy_timeout=30)
            store.save(TaskInfo(name, "dummy"))
            message = "saved"
        except Exception as error:
            message = repr(error)
    send(message)


def hold(directory: str, *statements: str) -> None:
    """Execute statements, then keep the file open until the test resumes the process."""
    with closing(connect(directory)) as connection:
        for statement in statements:
            connection.execute(statement).fetchone()
        send("in")
        wait()
    send("out")


def die_in_migration(directory: str, version: str) -> None:
    """Kill this process after the statements of a migration, before they are committed."""

    def migrate(connection: sqlite3.Connection) -> None:
        schema.make_version_1(connection)
        connection.execute("CREATE TABLE half_done (number INTEGER)")
        os.kill(os.getpid(), signal.SIGKILL)

    schema.MIGRATIONS[int(version) - 1 :] = [(int(version), migrate)]
    TaskStore(directory)


def die_with_wal(directory: str, count: str) -> None:
    """Commit some tasks, and kill this process before they are moved from the WAL to the file."""
    connection = connect(directory)
    connection.execute("PRAGMA journal_mode = WAL")
    for number in range(int(count)):
        insert(connection, f"late-{number}")
    os.kill(os.getpid(), signal.SIGKILL)


def write_pairs(directory: str) -> None:
    """Commit tasks in pairs, as fast as possible, until the test asks to stop."""
    number = 0
    while not stop_requested():
        with closing(connect(directory)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for _ in range(20):
                connection.execute("BEGIN IMMEDIATE")
                insert(connection, f"{number}-a")
                insert(connection, f"{number}-b")
                connection.execute("COMMIT")
                number += 1
                if number == 1:
                    send("writing")
    send(2 * number)


def save_some(directory: str, name: str, count: str) -> None:
    send("ready")
    wait()
    store = TaskStore(directory, busy_timeout=30)
    for number in range(int(count)):
        store.save(TaskInfo(f"{name}-{number}", "dummy"))
    send(store.count())


def save_while_cleared(directory: str, name: str, writer: str) -> None:
    """Save until the test asks to stop, then send what was saved, with the times."""
    save = {"uniqc": _save_like_uniqc, "uniqc_store": _save}[writer]
    saved: list[tuple[str, float, float]] = []
    failed: list[str] = []
    send("saving")
    number, taken = 0, 0.0
    while not stop_requested():
        # Longer than a save takes, or a busy machine leaves no moment without an open file.
        time.sleep(max(0.02, 2 * taken))
        number += 1
        began = time.monotonic()
        try:
            save(directory, f"{name}-{number}")
            saved.append((f"{name}-{number}", began, time.monotonic()))
        except (sqlite3.Error, StoreError) as error:
            failed.append(repr(error))
        taken = time.monotonic() - began
    send({"saved": saved, "failed": failed})


def write(directory: str, timeout: str) -> None:
    """Commit as fast as possible until the test asks to stop. Wait for a lock at most so long."""
    send("writing")
    failed: list[str] = []
    number = 0
    while not stop_requested():
        try:
            file = Path(directory, DB_FILENAME)
            with closing(sqlite3.connect(file, timeout=float(timeout))) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                with connection:
                    insert(connection, f"task-{number}")
        except sqlite3.Error as error:
            failed.append(repr(error))
        number += 1
    send({"committed": number - len(failed), "failed": failed})


def play_uniqc(directory: str, rounds: str) -> None:
    """Save and delete tasks, then send the statuses of each task. None means deleted."""
    store = TaskStore(directory, busy_timeout=30)
    statuses: dict[str, list[str | None]] = {}

    def save(number: int, status: str) -> None:
        task = TaskInfo(f"task-{number}", "dummy", status=status)
        store.save(task)
        statuses.setdefault(task.task_id, []).append(status)

    send("playing")
    for number in range(int(rounds)):
        save(number, "pending")
        if number >= 3:
            save(number - 3, "running")
        if number >= 6:
            save(number - 6, "failed" if number % 3 else "success")
        if number >= 9 and number % 4 == 0:
            store.delete(f"task-{number - 9}")
            statuses[f"task-{number - 9}"].append(None)
        time.sleep(0.002 * (number % 7))
    send(statuses)


def _save(directory: str, task_id: str) -> None:
    TaskStore(directory).save(TaskInfo(task_id, "dummy"))


def _save_like_uniqc(directory: str, task_id: str) -> None:
    with closing(connect(directory)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        insert(connection, task_id)


def save_until_full(directory: str, largest: str) -> None:
    """Save large tasks until a file reaches its maximum size."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    store = TaskStore(directory)
    saved = 0
    try:
        while True:
            store.save(TaskInfo(f"large-{saved}", "dummy", result={"counts": "0" * 50_000}))
            saved += 1
    except StoreError as error:
        send({"error": type(error).__name__, "message": str(error), "saved": saved})


def fork(directory: str) -> None:
    """Use one instance before a fork, and after it in both processes."""
    store = TaskStore(directory)
    store.save(TaskInfo("before", "dummy"))
    child = os.fork()
    if child == 0:
        store.save(TaskInfo("in the child", "dummy"))
        os._exit(0 if store.count() >= 2 else 1)
    store.save(TaskInfo("in the parent", "dummy"))
    _, status = os.waitpid(child, 0)
    send(
        {"code": os.waitstatus_to_exitcode(status), "ids": sorted(t.task_id for t in store.list())}
    )


def clear_all(directory: str) -> None:
    try:
        TaskStore(directory, busy_timeout=0.1).clear_all()
    except StoreBusyError:
        send("busy")
    else:
        send("cleared")


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
        write,
        play_uniqc,
        save_until_full,
        fork,
        clear_all,
    )
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
