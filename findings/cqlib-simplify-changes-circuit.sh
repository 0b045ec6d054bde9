#!/usr/bin/env bash
# cqlib 1.3.11: QCIS_Simplify changes what a circuit does, wherever quarter turns about X and Y meet.
#
# Its rules turn each such pair into one quarter turn and an RZ, for instance X2P, Y2P into Y2P,
# RZ(pi/2). The sign of that RZ is the wrong one in all eight pairs, so the result differs from the given
# circuit by a Z. cqlib's own gate matrices and simulator say so. The class promises to simplify the
# text, and nothing in its documentation limits it to circuits in which a Z does not matter.
# Consequence: a simplified circuit has fewer gates and other counts. Here an outcome of probability 0
# becomes certain, and CRY(1.0), converted by cqlib's own QasmToQcis, flips its target always instead of
# in 23 % of the shots.
# Seen on 2026-11-28 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    cqlib==1.3.11 antlr4-python3-runtime==4.13.2 certifi==2026.10.19.post1 charset-normalizer==3.5.3 idna==3.20 \
    mpmath==1.3.0 networkx==3.6.1 numpy==2.4.6 openqasm3==1.0.1 requests==2.34.2 rustworkx==0.18.1 \
    sympy==1.14.0 urllib3==2.8.0
"$work/venv/bin/python" - <<'PYTHON'
import math

import numpy
from cqlib.circuits.circuit import Circuit
from cqlib.simulator import StatevectorSimulator
from cqlib.utils import QasmToQcis, QCIS_Simplify


def matrix(qcis):
    product = numpy.eye(2)
    for item in Circuit.load(qcis).instruction_sequence:
        if item.instruction.name != "I":
            product = numpy.asarray(item.instruction) @ product
    return product


def overlap(first, second):
    """1 for circuits that are the same up to a phase, 0 for circuits that are a Z apart."""
    return round(float(abs(numpy.trace(matrix(first).conj().T @ matrix(second)))) / 2, 6)


pairs = {}
for x in ("X2P", "X2M"):
    for y in ("Y2P", "Y2M"):
        for first, second in ((x, y), (y, x)):
            given = f"{first} Q0\n{second} Q0"
            pairs[first, second] = overlap(given, QCIS_Simplify().simplify(given))
for pair, value in pairs.items():
    print(f"{', '.join(pair)}: overlap with its simplification {value}")
assert len(pairs) == 8 and set(pairs.values()) == {0.0}, pairs
assert overlap("X2P Q0\nX2P Q0", "X Q0") == 1.0


def probabilities(qcis):
    measured = StatevectorSimulator(Circuit.load(qcis)).measure()
    return {key: round(float(value), 3) for key, value in measured.items() if value > 1e-6}


one_qubit = f"X2P Q0\nY2P Q0\nRX Q0 {math.pi / 2}\nM Q0"
qasm = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
x q[0];
cry(1.0) q[0], q[1];
measure q[0] -> c[0];
measure q[1] -> c[1];
"""
seen = {}
for name, given in (("one qubit", one_qubit), ("cry", QasmToQcis().convert_to_qcis(qasm))):
    seen[name] = probabilities(given), probabilities(QCIS_Simplify().simplify(given))
    print(f"{name:<11}given {seen[name][0]}, simplified {seen[name][1]}")
assert seen == {
    "one qubit": ({"1": 1.0}, {"0": 1.0}),
    "cry": ({"01": 0.77, "11": 0.23}, {"11": 1.0}),
}, seen
PYTHON
