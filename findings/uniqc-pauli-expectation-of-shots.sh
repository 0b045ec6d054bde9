#!/usr/bin/env bash
# unified-quantum 0.1.1: PauliExpectation with shots is 1.0 for every state and every Pauli string.
#
# The class asks for a circuit without measurements and says that it adds them itself. It does for
# get_readout_circuits(), but execute() with shots= simulates the rotated circuit without any: the
# simulator then answers outcome 0 for each shot, and the parity of 0 is +1. The same object without
# shots, and its own readout circuits, give the right value. pauli_expectation(..., shots=n), whose
# text does ask for measurements, gives the same 1.0 without complaint where they are missing.
# Consequence: an energy or a correlation estimated from shots is the sum of the coefficients, whatever
# the circuit; a variational loop sees a flat landscape with no error and no spread between runs.
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
from uniqc.algorithms.core.measurement import PauliExpectation
from uniqc.simulator import Simulator


def one():
    circuit = Circuit()
    circuit.x(0)
    return circuit


def plus():
    circuit = Circuit()
    circuit.h(0)
    return circuit


def by_its_own_readout_circuit(circuit, pauli):
    (readout,) = PauliExpectation(circuit, pauli).get_readout_circuits()
    even, odd = Simulator().simulate_pmeasure(readout.originir)
    return round(float(even - odd), 6)


CASES = (("|1>", one(), "Z", -1.0), ("|+>", plus(), "Z", 0.0), ("|1>", one(), "X", 0.0))
for name, circuit, pauli, expected in CASES:
    exact = round(PauliExpectation(circuit, pauli).execute(), 6)
    readout = by_its_own_readout_circuit(circuit, pauli)
    sampled = PauliExpectation(circuit, pauli, shots=4000).execute()
    print(f"<{pauli}> of {name}: exact {exact:+.1f}, its readout circuit {readout:+.1f}, with 4000 shots {sampled:+.1f}")
    assert (exact, readout, sampled) == (expected, expected, 1.0), (exact, readout, sampled)
PYTHON
