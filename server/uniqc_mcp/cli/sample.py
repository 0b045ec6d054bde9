"""A sample cache for users who have none yet, made with the store's own API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from uniqc_store import JsonValue

_BELL = "QINIT 2\nCREG 2\nH q[0]\nCNOT q[0], q[1]\nMEASURE q[0], c[0]\nMEASURE q[1], c[1]\n"
_CIRCUIT: dict[str, JsonValue] = {"circuit_ir": _BELL, "circuit_language": "OriginIR"}


def make_sample(directory: Path) -> None:
    """Save ten tasks of one week: some running, one failed, most finished."""
    store = TaskStore(directory)
    for number, (age, task) in enumerate(_tasks()):
        task.task_id = f"uqt_{number:032x}"
        task.submit_time = (datetime.now(UTC) - age).isoformat()
        store.save(task)


def _tasks() -> list[tuple[timedelta, TaskInfo]]:
    error = "HTTP 401 Unauthorized: invalid token 'k3y-0f-a-sample' (Authorization: Bearer k3y)"
    runs: list[tuple[timedelta, TaskInfo]] = [
        (timedelta(days=6 - day), _bell_run(day, 490 + 3 * day)) for day in range(5)
    ]
    return [
        *runs,
        (timedelta(hours=31), _task("ghz-5 scan", "ibm:ibm_fez", "cancelled")),
        (timedelta(hours=11), _task("ramsey, last night", "originq:WK_C180", "failed", error)),
        (timedelta(hours=2), _task("vqe step 17", "originq:WK_C180", "running")),
        (timedelta(minutes=50), _task("qaoa depth 3", "quark:Baihua", "running")),
        (timedelta(minutes=4), _task("vqe step 18", "originq:WK_C180", "pending")),
    ]


def _bell_run(day: int, equal: int) -> TaskInfo:
    task = _task(f"bell calibration {day + 1}", "dummy:local:simulator", "success")
    task.result = {"00": equal, "11": 1000 - equal - 20, "01": 12, "10": 8}
    return task


def _task(name: str, backend: str, status: str, error: str = "") -> TaskInfo:
    failure: dict[str, JsonValue] = {"failure_error": error} if error else {}
    metadata: dict[str, JsonValue] = {"task_name": name, **_CIRCUIT, **failure}
    return TaskInfo(task_id="", backend=backend, status=status, metadata=metadata)
