"""Meaning of the numbers of one circuit: their sort, the order of their bits, what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from uniqc_mcp.records.bit_order import UNKNOWN, BitOrder, bit_order, platform_of
from uniqc_mcp.records.circuits import circuits_at
from uniqc_mcp.records.key_bits import key_bits
from uniqc_mcp.records.lost_results import CopiedHistogram, copied_histograms, places_of_job
from uniqc_mcp.records.originir import RecordedCircuit, recorded_circuit
from uniqc_mcp.records.sampling import Sampling, is_mps, sampling_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uniqc_mcp.results.summary import ResultSummary
    from uniqc_store import TaskRecord, TaskShard

_MEASURES_NOTHING: Final = (
    "The recorded circuit measures nothing: the stored outcome says nothing of its qubits."
)
_MPS_MEASURES_ALL: Final = (
    "The recorded circuit measures nothing; the simulator measured each q[i] into c[i]."
)
_NO_MEASUREMENT: Final = "its circuit measures nothing"
_MAX_QUBITS_NAMED: Final = 8
_SORTS_OF_UNIQC: Final = ("counts", "probabilities")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The meaning of the numbers of one circuit.

    Attributes:
        numbers: Their sort in words.
        order: The order of the bits in the keys.
        circuit: The recorded circuit; None if none is recorded that can be read.
        notes: Sentences on what a reader would not expect.
        are_outcomes: Whether the keys are outcomes of this circuit that may be shown.
        not_comparable: The reason why these can't be compared with others; empty if they can.
        has_noise: Whether a count varies by chance; None where that is not known.
        may_be_rounded: Whether they are, or may be, probabilities rounded to counts.
        places: The classical bit of each character of a key, from the right; empty where the
            i-th is c[i].
        may_name_chip_qubits: Whether the q[] of `circuit` may be those of the chip.
    """

    numbers: str
    order: BitOrder = UNKNOWN
    circuit: RecordedCircuit | None = None
    notes: tuple[str, ...] = ()
    are_outcomes: bool = True
    not_comparable: str = ""
    has_noise: bool | None = None
    may_be_rounded: bool = False
    places: tuple[int, ...] = ()
    may_name_chip_qubits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """One task as far as it tells what its result means.

    Attributes:
        task: The task.
        shards: Its platform jobs.
        schema_version: The version of the file.
        result_starts: The first character of the result of each job, by its index; empty where
            :func:`may_hold_copies` does not ask for them.
    """

    task: TaskRecord
    shards: Sequence[TaskShard]
    schema_version: int
    result_starts: Mapping[int, str]

    @property
    def shots(self) -> int | None:
        """The shots of each circuit; None if they are unknown."""
        return self.task.known_shots

    @property
    def may_name_chip_qubits(self) -> bool:
        """True for a batch whose recorded circuits may be the compiled ones."""
        if "batch" not in self.task.metadata:
            return False  # of most tasks, whose circuits need not be read for it
        recorded = circuits_at(self.task, "source")
        return recorded is not None and recorded.stage == "submitted"

    def copied(self) -> tuple[CopiedHistogram, ...]:
        """Return the histograms that uniqc copied to several circuits."""
        return copied_histograms(self.shards, self.result_starts) if self.result_starts else ()

    def places_of(self, circuits: int) -> Sequence[int]:
        """Return the places in the batch of the circuits of the task's own result.

        uniqc puts the results of the jobs in a row, also where a job before one is missing.
        """
        if sum(max(shard.circuit_count, 0) for shard in self.shards) != circuits:
            return range(circuits)  # also where a damaged row claims very many
        places = sorted(place for shard in self.shards for place in places_of_job(shard))
        fit = len(places) == circuits == len(set(places)) and min(places, default=0) >= 0
        return places if fit else range(circuits)

    def meaning_of(self, summary: ResultSummary, place: int = 0) -> Meaning | None:
        """Return the meaning of a circuit's numbers; None if it has none.

        Args:
            summary: The summary of the numbers.
            place: The place of the circuit in its batch.
        """
        if not summary.sort:
            return None
        circuit = None if summary.register else recorded_circuit(self.task, place)
        order = self._order_of(summary, place)
        copied = next((one for one in self.copied() if place in one.places), None)
        if copied is not None:
            return Meaning(
                numbers=f"one histogram of {len(copied.places)} circuits",
                order=order,
                circuit=circuit,
                are_outcomes=False,
                not_comparable="uniqc kept one histogram for several circuits",
            )
        sampling = sampling_of(summary, self.task, circuit, shots=self.shots)
        if sampling.are_outcomes is not True:
            return _of_bytes(sampling, circuit)
        return self._of_outcomes(summary, sampling, order, circuit)

    def _order_of(self, summary: ResultSummary, place: int) -> BitOrder:
        if summary.register or summary.sort not in _SORTS_OF_UNIQC:
            return UNKNOWN  # a user saved it, by rules of their own
        return bit_order(
            self.task.backend,
            summary.keys.notation,
            labelled=summary.labelled,
            schema_version=self.schema_version,
            fetched_at=self._fetched_at(place),
        )

    def _of_outcomes(
        self,
        summary: ResultSummary,
        sampling: Sampling,
        order: BitOrder,
        circuit: RecordedCircuit | None,
    ) -> Meaning:
        # Matrix product states measure all qubits where the circuit measures none.
        is_meaningless = circuit is not None and not circuit.measured and not is_mps(self.task)
        is_shown = not is_meaningless or platform_of(self.task.backend) != "dummy"
        bits = key_bits(self.task, summary, circuit)
        return Meaning(
            numbers=sampling.numbers,
            order=order,
            circuit=circuit,
            notes=(
                *(sampling.notes if is_shown else ()),
                *_notes_on_circuit(self.task, circuit),
                *bits.notes,
            ),
            are_outcomes=is_shown,
            not_comparable=_NO_MEASUREMENT if is_meaningless else bits.not_comparable,
            has_noise=sampling.has_noise,
            may_be_rounded=sampling.may_be_rounded,
            places=bits.places,
            may_name_chip_qubits=self.may_name_chip_qubits,
        )

    def _fetched_at(self, place: int) -> str:
        """Return the time when the result of a circuit was fetched, as far as it is recorded."""
        for shard in self.shards:
            if 0 <= place - shard.sub_index_offset < max(shard.circuit_count, 1):
                return shard.update_time
        return self.shards[0].update_time if len(self.shards) == 1 else self.task.update_time


def _of_bytes(sampling: Sampling, circuit: RecordedCircuit | None) -> Meaning:
    certain = sampling.are_outcomes is False
    return Meaning(
        numbers=sampling.numbers,
        circuit=circuit,
        notes=sampling.notes,
        are_outcomes=not certain,
        not_comparable=f"its numbers are {sampling.numbers}",
        has_noise=None,
    )


def _notes_on_circuit(task: TaskRecord, circuit: RecordedCircuit | None) -> Iterator[str]:
    """Yield sentences on measurements that the recorded circuit lacks, or that come too early."""
    if circuit is None:
        return
    if not circuit.measured:
        yield _MPS_MEASURES_ALL if is_mps(task) else _MEASURES_NOTHING
    if circuit.gates_later:
        named = ", ".join(f"q[{qubit}]" for qubit in circuit.gates_later[:_MAX_QUBITS_NAMED])
        yield (
            f"A gate acts on {named} after the measurement; where uniqc measures at the end, the "
            "outcome includes it."
        )
