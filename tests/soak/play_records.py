"""Submit tasks through the API of uniqc 0.1.1, so that its own code writes each kind of record.

    HOME=DIRECTORY python tests/soak/play_records.py

Needs ``unified-quantum==0.1.1`` with its dependencies; ``records_by_uniqc.py`` provides them. No
platform is contacted. The adapters of Quark and IBM are uniqc's own; their clients are stand-ins
with the answers below. Prints the id of each task by its label, as JSON.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from uniqc import Circuit, get_task, list_tasks, query_task, save_task, submit_batch, submit_task
from uniqc.backend_adapter import preflight, task_manager
from uniqc.backend_adapter.backend_info import BackendInfo, Platform, QubitTopology
from uniqc.backend_adapter.task.adapters import QiskitAdapter, QuarkAdapter
from uniqc.gateway.db.archive_store import ArchiveStore

if TYPE_CHECKING:
    from collections.abc import Callable

QUARK, IBM = "quark:Baihua", "ibm:fake_manila"
SIMULATOR, MPS, LINE = (
    "dummy:local:simulator",
    "dummy:local:mps-linear-3",
    "dummy:local:virtual-line-3",
)
DONE = {"status": "Finished", "count": {"00": 5, "11": 5}}
NO_ROUTE = {"status": "Failed", "tid": 7, "msg": "compile error: no route between Q3 and Q9"}
CANCELED = {"status": "Canceled", "tid": 8, "msg": "canceled by the user"}


@dataclass
class QuarkClient:
    """A stand-in for the client of QuarkStudio.

    Attributes:
        answers: The platform's answer on each task in the order of submission; None while it runs.
        dies_at: Number of the submission at which the process ends; -1 for none.
    """

    answers: list[dict[str, Any] | None]
    dies_at: int = -1
    submitted: int = field(default=0, init=False)

    def run(self, task: dict[str, Any], repeat: int = 1) -> int:
        if self.submitted == self.dies_at:
            os._exit(0)
        self.submitted += 1
        return self.submitted - 1

    def result(self, number: int) -> dict[str, Any]:
        answer = self.answers[number] or {}
        return answer if "count" in answer else {}

    def status(self, number: int) -> dict[str, Any] | str:
        return self.answers[number] or "Running"


class Refusing:
    """A stand-in for a client that the platform does not accept."""

    def run(self, task: dict[str, Any], repeat: int = 1) -> int:
        raise RuntimeError("HTTP 401: the token is not valid")


class Backend(SimpleNamespace):
    """A backend that is available and passes everything on to an adapter."""

    def is_available(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.adapter, name)


def use(adapter: Any) -> None:
    """Put an adapter behind every backend of a platform."""
    task_manager.backend_module.get_backend = lambda *_, **__: Backend(adapter=adapter)
    preflight.ensure_backend_ready = lambda _: None


def use_quark(*answers: dict[str, Any] | None, dies_at: int = -1) -> None:
    use(QuarkAdapter("no token", QuarkClient([*answers], dies_at)))


def use_ibm(*circuits: QuantumCircuit, shots: int) -> None:
    """Put uniqc's adapter for IBM behind every backend, with a result of qiskit's own sampler."""
    result = StatevectorSampler(seed=7).run([*circuits], shots=shots).result()
    job = SimpleNamespace(status=lambda: "DONE", result=lambda: result)
    adapter = QiskitAdapter.__new__(QiskitAdapter)
    adapter._batch_job_sizes = {}
    adapter._service = SimpleNamespace(job=lambda _: job)
    adapter._submit_impl = lambda **_: "job-1"
    use(adapter)


def circuit(*gates: tuple[Any, ...], measured: int = 0) -> Circuit:
    """Return a circuit of these gates, with the first qubits measured at the end."""
    made = Circuit()
    for name, *qubits in gates:
        getattr(made, name)(*qubits)
    for qubit in range(measured):
        made.measure(qubit)
    return made


def bell() -> Circuit:
    return circuit(("h", 0), ("cnot", 0, 1), measured=2)


def on_quark(*, metadata: dict[str, Any] | None = None) -> str:
    """Submit one circuit and ask for its result."""
    task_id: str = submit_task(bell(), QUARK, shots=10, metadata=metadata, local_compile=0)
    return str(query_task(task_id).task_id)


def in_child(submit: Callable[[], object]) -> str:
    """Submit in a process that ends while it submits; return the id of the task that it left."""
    before = {task.task_id for task in list_tasks()}
    if (child := os.fork()) == 0:
        submit()
        os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the submission ended by itself")
    (task_id,) = {task.task_id for task in list_tasks()} - before
    return str(task_id)


def failures() -> dict[str, str]:
    use_quark(NO_ROUTE)
    ids = {"platform says why": on_quark()}
    use_quark(CANCELED)
    ids["cancelled at the platform"] = on_quark()
    use(QuarkAdapter("no token", Refusing()))
    before = {task.task_id for task in list_tasks()}
    try:
        on_quark()
    except Exception:  # an error of uniqc's own
        (ids["refused"],) = {task.task_id for task in list_tasks()} - before
    broken = circuit(("h", 0), ("cnot", 0, 3), measured=1)
    ids["second job failed"] = submit_batch([bell(), broken, bell()], LINE, shots=50)
    return ids


def batches() -> dict[str, str]:
    def submit() -> str:
        return str(submit_batch([bell()] * 5, QUARK, shots=10, local_compile=0))

    use_quark(dies_at=0)
    ids = {"no job": in_child(submit)}
    use_quark(DONE, DONE, dies_at=2)
    ids["cut short"] = in_child(submit)
    query_task(ids["cut short"])
    use_quark(DONE, None, DONE, None, None)
    ids["part done"] = submit()
    query_task(ids["part done"])
    return ids


def archives() -> dict[str, str]:
    use_quark(NO_ROUTE, DONE)
    ids = {"archived": on_quark(metadata={"task_name": "archived"}), "twin": on_quark()}
    twin = get_task(ids["twin"])
    for task_id in ids.values():
        ArchiveStore().archive_task(task_id)
    save_task(twin)
    return ids


def numbers() -> dict[str, str]:
    names: dict[str, tuple[Circuit, str, int]] = {
        "ten qubits": (circuit(("h", 0), measured=10), SIMULATOR, 100),
        "three in superposition": (
            circuit(("h", 0), ("h", 1), ("h", 2), measured=3),
            SIMULATOR,
            100,
        ),
        "nothing measured": (circuit(("x", 0)), SIMULATOR, 100),
        "two of three": (two_of_three(), SIMULATOR, 100),
        "two of three sampled": (two_of_three(), MPS, 100),
        "sampled": (bell(), MPS, 100),
    }
    return {
        name: submit_task(c, backend, shots=shots) for name, (c, backend, shots) in names.items()
    }


def two_of_three() -> Circuit:
    made = circuit(("x", 0), ("x", 1))
    made.measure(2)
    made.measure(0)
    return made


def on_ibm() -> dict[str, str]:
    wide, narrow = QuantumCircuit(10), QuantumCircuit(3)
    wide.h(0)
    for qubit in range(9):
        wide.cx(qubit, qubit + 1)
    narrow.x(0)
    for measured in (wide, narrow):
        measured.measure_all()
    chain = [("cnot", qubit, qubit + 1) for qubit in range(9)]
    use_ibm(wide, shots=1000)
    ids = {"wide": submit_task(circuit(("h", 0), *chain, measured=10), IBM, 1000, local_compile=0)}
    query_task(ids["wide"])
    use_ibm(narrow, shots=1000)
    ids["right"] = submit_task(circuit(("x", 0), measured=3), IBM, 1000, local_compile=0)
    query_task(ids["right"])
    use_ibm(narrow, narrow, shots=1000)
    ids["two circuits"] = submit_batch(
        [circuit(("x", 0), measured=3)] * 2, IBM, 1000, local_compile=0
    )
    query_task(ids["two circuits"])
    return ids


def metadata() -> dict[str, str]:
    use_quark(DONE, DONE)
    line = BackendInfo(
        platform=Platform.QUARK,
        name="Baihua",
        num_qubits=3,
        topology=(QubitTopology(u=0, v=1), QubitTopology(u=1, v=2)),
    )
    compiled = submit_task(bell(), QUARK, shots=10, metadata={"my_note": "mine"}, backend_info=line)
    query_task(compiled)
    return {"compiled": compiled, "a name that is no text": on_quark(metadata={"task_name": 7})}


def main() -> None:
    made: dict[str, str] = {}
    for make in (failures, batches, archives, numbers, on_ibm, metadata):
        made |= make()
    print(json.dumps(made))


if __name__ == "__main__":
    main()
