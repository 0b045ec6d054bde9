#!/usr/bin/env bash
# unified-quantum 0.1.1: a noisy local simulation gives a qubit the readout error of another one.
#
# Before it runs, the simulator renumbers the qubits in the order in which the circuit first uses them.
# The noise is then looked up by the new number, although its tables name the chip's qubits (the
# documentation: "the key is the qubit's number"). So a circuit on q[5] alone gets the error of q[0],
# and in a circuit on q[0] and q[1] that touches q[1] first the two errors change places. The noisy
# simulator's constructor has no option that turns the renumbering off. ReadoutCalibrator measures through the same
# path and stores the wrong qubit's matrix.
# Consequence: the counts of noisy dummy backends (a noise model, a virtual machine, a chip's
# calibration) are those of other qubits, so comparing or choosing qubits by such runs is misleading.
# Seen on 2026-11-28 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    unified-quantum==0.1.1 uniqc-cppsimulator==1.0.1 numpy==2.4.6 PyYAML==6.0.4 sympy==1.14.0 mpmath==1.3.0
"$work/venv/bin/python" - <<'PYTHON'
from uniqc import Circuit
from uniqc.backend_adapter.task.adapters import DummyAdapter
from uniqc.calibration.readout import ReadoutCalibrator

ONLY_FIRST = {0: [0.0, 0.3], 1: [0.0, 0.0]}  # q[0] reads 1 as 0 in 30 % of the shots, q[1] is perfect
ONLY_SIXTH = {0: [0.0, 0.0], 5: [0.0, 0.3]}


def counts(readout_error, flipped):
    circuit = Circuit()
    for qubit in flipped:
        circuit.x(qubit)
    circuit.measure(*sorted(flipped))
    adapter = DummyAdapter(noise_model={"readout": readout_error})
    return adapter.query(adapter.submit(circuit.originir, shots=1000))["result"]


seen = {
    "q[0] then q[1], q[0] is bad": counts(ONLY_FIRST, [0, 1]),
    "q[1] then q[0], q[0] is bad": counts(ONLY_FIRST, [1, 0]),
    "q[5] alone, q[5] is bad": counts(ONLY_SIXTH, [5]),
}
for name, value in seen.items():
    print(f"{name:<30}{value}")
# Keys end with q[0]: a bad q[0] must give "10" in both of the first rows.
assert seen == {
    "q[0] then q[1], q[0] is bad": {"10": 300, "11": 700},
    "q[1] then q[0], q[0] is bad": {"01": 300, "11": 700},
    "q[5] alone, q[5] is bad": {"1": 1000},
}, seen

adapter = DummyAdapter(noise_model={"readout": ONLY_FIRST})
matrix = ReadoutCalibrator(adapter=adapter, shots=1000).calibrate_1q(1).confusion_matrix
print("calibration of the perfect q[1]:", matrix)
assert matrix == ((1.0, 0.3), (0.0, 0.7)), matrix
PYTHON
