"""Small circuits: their OriginIR and the exact probabilities of their outcomes."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Matrix = tuple[complex, complex, complex, complex]

_ROOT: Final = math.sqrt(0.5)

_IMPOSSIBLE: Final = 1e-9
"""A smaller amplitude would be zero without the rounding of floating-point numbers."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate of OriginIR on one qubit, or a CNOT on a control and a target."""

    name: str
    qubits: tuple[int, ...]
    angle: float | None = None

    def line(self) -> str:
        """Return the gate as a line of OriginIR."""
        qubits = ", ".join(f"q[{qubit}]" for qubit in self.qubits)
        return f"{self.name} {qubits}" + ("" if self.angle is None else f", ({self.angle!r})")

    def matrix(self) -> Matrix:
        """Return the matrix of a gate on one qubit, row by row; of a CNOT, that of its target."""
        half = (self.angle or 0.0) / 2
        cosine, sine = math.cos(half), math.sin(half)
        matrices: dict[str, Matrix] = {
            "H": (_ROOT, _ROOT, _ROOT, -_ROOT),
            "X": (0, 1, 1, 0),
            "CNOT": (0, 1, 1, 0),
            "RX": (cosine, -1j * sine, -1j * sine, cosine),
            "RY": (cosine, -sine, sine, cosine),
            "RZ": (cmath.exp(-1j * half), 0, 0, cmath.exp(1j * half)),
        }
        return matrices[self.name]


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit whose qubits are all measured, each into the classical bit of its number."""

    qubits: int
    gates: tuple[Gate, ...]

    def originir(self) -> str:
        """Return the circuit as uniqc stores it."""
        numbers = range(self.qubits)
        lines = [f"QINIT {self.qubits}", f"CREG {self.qubits}"]
        lines += [gate.line() for gate in self.gates]
        lines += [f"MEASURE q[{number}], c[{number}]" for number in numbers]
        return "".join(f"{line}\n" for line in lines)

    def probabilities(self) -> dict[str, float]:
        """Return the probability of each possible outcome. The last character is c[0]."""
        state: list[complex] = [1, *[0] * (2**self.qubits - 1)]
        for gate in self.gates:
            state = _applied(gate, state)
        return {
            f"{place:0{self.qubits}b}": abs(amplitude) ** 2
            for place, amplitude in enumerate(state)
            if abs(amplitude) > _IMPOSSIBLE
        }


def _applied(gate: Gate, state: Sequence[complex]) -> list[complex]:
    """Return the state after a gate. Bit n of an index is qubit n."""
    *controls, target = gate.qubits
    required = sum(1 << control for control in controls)
    zero_zero, zero_one, one_zero, one_one = gate.matrix()
    after = list(state)
    for zero in range(len(state)):
        one = zero | 1 << target
        if zero != one and zero & required == required:
            after[zero] = zero_zero * state[zero] + zero_one * state[one]
            after[one] = one_zero * state[zero] + one_one * state[one]
    return after


def with_readout_errors(probabilities: Mapping[str, float], error: float) -> dict[str, float]:
    """Return the probabilities where each bit is read wrong with a probability of its own."""
    width = len(next(iter(probabilities)))
    read = dict[str, float]()
    for place in range(2**width):
        outcome = f"{place:0{width}b}"
        read[outcome] = sum(
            probability
            * math.prod(error if a != b else 1 - error for a, b in zip(ideal, outcome, strict=True))
            for ideal, probability in probabilities.items()
        )
    return read


def ghz(qubits: int) -> Circuit:
    """Return the circuit of a GHZ state, which for two qubits is a Bell state."""
    chain = (Gate("CNOT", (number, number + 1)) for number in range(qubits - 1))
    return Circuit(qubits, (Gate("H", (0,)), *chain))


def w_state() -> Circuit:
    """Return the circuit of a W state of three qubits: one of them is 1, each as often."""
    gates = (
        Gate("RY", (0,), 2 * math.acos(math.sqrt(1 / 3))),
        # A controlled Hadamard gate.
        Gate("RY", (1,), math.pi / 4),
        Gate("CNOT", (0, 1)),
        Gate("RY", (1,), -math.pi / 4),
        Gate("CNOT", (1, 2)),
        Gate("CNOT", (0, 1)),
        Gate("X", (0,)),
    )
    return Circuit(3, gates)


def rotation(angle: float) -> Circuit:
    """Return the circuit that turns one qubit about X."""
    return Circuit(1, (Gate("RX", (0,), angle),))


def ramsey(phase: float) -> Circuit:
    """Return the circuit that turns the phase of one qubit into a probability."""
    return Circuit(1, (Gate("H", (0,)), Gate("RZ", (0,), phase), Gate("H", (0,))))


def flipped(qubits: int) -> Circuit:
    """Return the circuit that flips the first of some qubits."""
    return Circuit(qubits, (Gate("X", (0,)),))


def ansatz(angle: float) -> Circuit:
    """Return a step of a variational circuit on two qubits."""
    turns = (Gate("RY", (0,), angle), Gate("RY", (1,), angle / 2))
    return Circuit(2, (*turns, Gate("CNOT", (0, 1)), *turns))


def qaoa(gamma: float, beta: float) -> Circuit:
    """Return one layer of QAOA for the largest cut of a triangle."""
    gates = [Gate("H", (number,)) for number in range(3)]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        cnot = Gate("CNOT", (one, other))
        gates += [cnot, Gate("RZ", (other,), -gamma), cnot]
    gates += [Gate("RX", (number,), 2 * beta) for number in range(3)]
    return Circuit(3, tuple(gates))
