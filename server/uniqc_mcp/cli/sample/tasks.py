"""The tasks of the sample: what ran, where, when, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from uniqc_mcp.cli.sample.circuits import ansatz, flipped, ghz, qaoa, ramsey, rotation, w_state
from uniqc_mcp.cli.sample.counts import rounded, sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.cli.sample.circuits import Circuit
    from uniqc_store import JsonValue

SHOTS: Final = 1000

_CHIP: Final = "originq:WK_C180"
_SIMULATOR: Final = "dummy:local:simulator"
_REFUSAL: Final = (
    "HTTP 401 Unauthorized: invalid token 'k3y-0f-a-sample' (Authorization: Bearer k3y)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One platform job of a task, for one of its circuits."""

    status: str
    result: JsonValue = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTask:
    """One task; its times are told as how long ago they were.

    `archived` is None for a task that is not archived.
    """

    name: str
    backend: str
    circuits: tuple[Circuit, ...]
    submitted: timedelta
    touched: timedelta
    status: str
    jobs: tuple[Job, ...] = ()
    error: str | None = None
    archived: timedelta | None = None
    metadata: dict[str, JsonValue] = field(default_factory=dict[str, "JsonValue"])

    @property
    def result(self) -> JsonValue:
        """The result of the task: that of its job, or a list of them for a batch."""
        if self.status != "success":
            return None
        results = [job.result for job in self.jobs]
        return results if len(self.circuits) > 1 else results[0]


def sample_tasks() -> list[SampleTask]:
    """Return all tasks, in the order of their ids."""
    return [
        *_calibrations(),
        *_last_day(),
        *_other_results(),
        _half_submitted(),
        *_open_questions(),
    ]


def _done(
    name: str, backend: str, circuit: Circuit, counts: dict[str, int], *, submitted: timedelta,
    archived: timedelta | None = None,
) -> SampleTask:  # fmt: skip
    took = timedelta(milliseconds=80) if backend.startswith("dummy:") else timedelta(minutes=3)
    return SampleTask(
        name=name,
        backend=backend,
        circuits=(circuit,),
        submitted=submitted,
        touched=submitted - took,
        status="success",
        jobs=(Job(status="success", result=dict(counts)),),
        archived=archived,
    )


def _calibrations() -> Iterator[SampleTask]:
    """Yield a Bell state on hardware, day by day; its readout grows worse."""
    for day in range(5):
        counts = sampled(ghz(2), SHOTS, seed=day, readout_error=0.01 + 0.003 * day)
        name = f"bell calibration {day + 1}"
        yield _done(name, _CHIP, ghz(2), counts, submitted=timedelta(days=6 - day))


def _last_day() -> Iterator[SampleTask]:
    # A job that was cancelled at IBM: uniqc stores it as failed, and IBM gives no reason.
    yield SampleTask(
        name="ghz-5 scan", backend="ibm:ibm_fez", circuits=(ghz(5),), status="failed",
        submitted=timedelta(hours=31), touched=timedelta(hours=30),
        jobs=(Job(status="failed"),), error="shard 0: failed",
    )  # fmt: skip
    # Refused at the submission, so there is no job.
    yield SampleTask(
        name="ramsey, last night", backend=_CHIP, circuits=(ramsey(0.5),), status="failed",
        submitted=timedelta(hours=11), touched=timedelta(hours=11),
        error=f'submission failed: RuntimeError("{_REFUSAL}")',
        metadata={
            "failure_stage": "submission",
            "failure_error": _REFUSAL,
            "submission_error": _REFUSAL,
        },
    )  # fmt: skip
    yield _active("vqe step 17", _CHIP, ansatz(0.7), "running", submitted=timedelta(hours=2))
    yield _active(
        "qaoa depth 3", "quark:Baihua", qaoa(0.9, 0.4), "running", submitted=timedelta(minutes=50)
    )
    yield _active("vqe step 18", _CHIP, ansatz(0.75), "pending", submitted=timedelta(minutes=4))


def _active(
    name: str, backend: str, circuit: Circuit, status: str, *, submitted: timedelta,
    touched: timedelta | None = None,
) -> SampleTask:  # fmt: skip
    return SampleTask(
        name=name,
        backend=backend,
        circuits=(circuit,),
        submitted=submitted,
        touched=submitted if touched is None else touched,
        status=status,
        jobs=(Job(status=status),),
    )


def _other_results() -> Iterator[SampleTask]:
    turn = rotation(1.0471975511965976)
    yield _done(
        "w state", _SIMULATOR, w_state(), rounded(w_state(), SHOTS), submitted=timedelta(hours=26)
    )
    yield _done(
        "rabi, 60 degrees", "dummy:local:mps-linear-3", turn, sampled(turn, SHOTS, seed=11),
        submitted=timedelta(hours=25),
    )  # fmt: skip
    yield _done(
        "ghz, four qubits", "ibm:ibm_fez", ghz(4),
        sampled(ghz(4), SHOTS, seed=12, readout_error=0.015), submitted=timedelta(hours=28),
    )  # fmt: skip


def _half_submitted() -> SampleTask:
    """Return a batch of five whose process was killed after two, which uniqc calls a success.

    A batch of the Python API has no name.
    """
    scan = tuple(qaoa(gamma, 0.4) for gamma in (0.3, 0.6, 0.9, 1.2, 1.5))
    counts = [
        sampled(each, SHOTS, seed=seed, readout_error=0.02) for seed, each in enumerate(scan[:2])
    ]
    return SampleTask(
        name="", backend=_CHIP, circuits=scan, status="success",
        submitted=timedelta(hours=20), touched=timedelta(hours=19),
        jobs=tuple(Job(status="success", result=dict(each)) for each in counts),
    )  # fmt: skip


def _open_questions() -> Iterator[SampleTask]:
    """Yield the tasks whose record is easily misread."""
    # Old news: nobody has polled it for days.
    yield _active(
        "crosstalk scan", "quark:Baihua", flipped(3), "running",
        submitted=timedelta(days=6), touched=timedelta(days=5),
    )  # fmt: skip
    # A late failure, whose reason stands in the platform's answer only.
    answer: JsonValue = {
        "status": "Failed",
        "tid": 2607000001002,
        "msg": "compile error: no route between Q3 and Q9",
    }
    yield SampleTask(
        name="long-range ghz", backend="quark:Baihua", circuits=(ghz(3),), status="failed",
        submitted=timedelta(days=3), touched=timedelta(hours=1),
        jobs=(Job(status="failed", result=answer),), error="shard 0: failed",
    )  # fmt: skip
    yield _done(
        "first light", _SIMULATOR, ghz(2), rounded(ghz(2), SHOTS),
        submitted=timedelta(days=12), archived=timedelta(days=9),
    )  # fmt: skip
