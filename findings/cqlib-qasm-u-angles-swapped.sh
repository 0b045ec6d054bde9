#!/usr/bin/env bash
# cqlib 1.3.11: QasmToQcis exchanges the two phase angles of OpenQASM's u and u2.
#
# qelib1.inc gives u2(phi, lambda) and u(theta, phi, lambda) the matrix Rz(phi) Ry(..) Rz(lambda), so
# lambda acts first. QasmToQcis writes RZ(phi) first for u and u2, and the right order for u3, which is
# the same gate as u. cqlib's other reader, cqlib.utils.qasm2.loads, is right for all three.
# Consequence: a circuit converted for TianYan runs with other rotations, without an error. u2(0, pi) is
# the Hadamard gate: after an h it must give 0 each time, and the converted text gives 1 each time.
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
from cqlib.circuits.circuit import Circuit
from cqlib.simulator import StatevectorSimulator
from cqlib.utils import QasmToQcis
from cqlib.utils.qasm2 import loads

# Each of these leaves the qubit in |0>.
BODIES = (
    "u3(pi/2, pi/2, 0) q[0]; sdg q[0]; h q[0];",
    "u(pi/2, pi/2, 0) q[0]; sdg q[0]; h q[0];",
    "u2(pi/2, 0) q[0]; sdg q[0]; h q[0];",
    "h q[0]; u2(0, pi) q[0];",
)
TEXT = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[1];
creg c[1];
{body}
measure q[0] -> c[0];
"""


def zeros(circuit):
    return round(float(StatevectorSimulator(circuit).measure()["0"]), 3)


seen = []
for body in BODIES:
    text = TEXT.format(body=body)
    seen.append((zeros(loads(text)), zeros(Circuit.load(QasmToQcis().convert_to_qcis(text)))))
    print(f"{body:<43}P(0) by qasm2.loads {seen[-1][0]}, by QasmToQcis {seen[-1][1]}")
assert seen == [(1.0, 1.0), (1.0, 0.5), (1.0, 0.5), (1.0, 0.0)], seen
PYTHON
