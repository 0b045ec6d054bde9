#!/usr/bin/env bash
# uniqc-cppsimulator 1.0.1: CSWAP ignores the control qubits of a CONTROL block.
#
# Each gate of the simulators takes global_controller, the qubits that must be 1 for the gate to act.
# cswap() accepts the argument and does nothing with it, in the state vector and in the density operator
# alike; swap(), cnot() and toffoli() obey it. unified-quantum 0.1.1 passes "CSWAP … controlled_by (…)"
# on to it, while its own Circuit.get_matrix() gives the right unitary for the same circuit.
# Consequence: an oracle or an arithmetic circuit with a controlled Fredkin gate swaps although its
# control is 0. The dummy backends store that as a success; on another platform the result differs.
# Seen on 2026-11-28 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    unified-quantum==0.1.1 uniqc-cppsimulator==1.0.1 numpy==2.4.6 PyYAML==6.0.4 sympy==1.14.0 mpmath==1.3.0
"$work/venv/bin/python" - <<'PYTHON'
import numpy
import uniqc_cpp
from uniqc import Circuit
from uniqc.simulator import Simulator

GATES = {"cnot": (1, 3), "swap": (1, 3), "toffoli": (2, 1, 3), "cswap": (2, 1, 3)}
UNTOUCHED = "0110"  # q[1] and q[2] are 1, q[0] is the control and is 0; the key ends with q[0]


def key(probabilities):
    return format(int(numpy.argmax(probabilities)), "04b")


seen = {}
for kind in (uniqc_cpp.StatevectorSimulator, uniqc_cpp.DensityOperatorSimulator):
    for gate, qubits in GATES.items():
        simulator = kind()
        simulator.init_n_qubit(4)
        simulator.x(1)
        simulator.x(2)
        getattr(simulator, gate)(*qubits, global_controller=[0])
        seen[kind.__name__, gate] = key(simulator.pmeasure([0, 1, 2, 3]))
for (kind, gate), value in seen.items():
    print(f"{kind:<26}{gate:<9}{UNTOUCHED} -> {value}")
moved = {name for name, value in seen.items() if value != UNTOUCHED}
assert moved == {("StatevectorSimulator", "cswap"), ("DensityOperatorSimulator", "cswap")}, moved

circuit = Circuit(4)
for qubit in range(4):
    circuit.identity(qubit)
circuit.x(1)
circuit.x(2)
with circuit.control(0):
    circuit.cswap(2, 1, 3)
matrix = key(numpy.abs(circuit.get_matrix()[:, 0]) ** 2)
circuit.measure(0, 1, 2, 3)
simulated = key(Simulator().simulate_pmeasure(circuit.originir))
print(f"unified-quantum: get_matrix {matrix}, simulator {simulated}")
assert (matrix, simulated) == (UNTOUCHED, "1100"), (matrix, simulated)
PYTHON
