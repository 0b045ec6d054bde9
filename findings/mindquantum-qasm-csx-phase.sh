#!/usr/bin/env bash
# mindquantum 0.12.0: a csx that is read from OpenQASM gives its control twice the phase.
#
# The controlled square root of X is crx(pi/2) and, on the control, p(pi/4), since SX is rx(pi/2) but for
# a phase of pi/4. OpenQASM.from_string makes p(pi/2) of it. mindquantum's own SX gate with a control is
# right, so the same gate differs by the way it came into a circuit. It shows where the control is in a
# superposition: two csx are a cx, and h csx csx h on the control brings it back to |0> if the target is in |+>.
# Consequence: such a circuit gives other counts than elsewhere, without an error.
# Seen on 2026-11-29 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    colorama==0.4.6 commonmark==0.9.2 contourpy==1.3.3 cycler==0.12.1 fonttools==4.68.0 kiwisolver==1.5.1 \
    matplotlib==3.11.2 mindquantum==0.12.0 numpy==2.4.6 packaging==26.4 pillow==13.0.0 pygments==2.21.0 \
    pyparsing==3.3.3 python-dateutil==4.0.0 rich==10.9.0 scipy==1.17.1
"$work/venv/bin/python" - <<'PYTHON'
from mindquantum.core.circuit import Circuit
from mindquantum.core.gates import SX
from mindquantum.io import OpenQASM

TEXT = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
h q[1];
h q[0];
{gates}
h q[0];
"""
# The definitions of qelib1.inc as Qiskit has it: csx a,b { h b; cu1(pi/2) a,b; h b; }
GATES = {
    "csx, csx": "csx q[0],q[1]; csx q[0],q[1];",
    "its definition, twice": "h q[1]; cu1(pi/2) q[0],q[1]; cu1(pi/2) q[0],q[1]; h q[1];",
    "cx": "cx q[0],q[1];",
}


def control_is_zero(circuit):
    """Return the probability that qubit 0, the lowest bit, is 0."""
    return round(float(sum(abs(circuit.get_qs()[::2]) ** 2)), 3)


def read(gates):
    # Its reader takes one statement a line.
    return OpenQASM().from_string(TEXT.format(gates=gates.replace("; ", ";\n")))


seen = {name: control_is_zero(read(gates)) for name, gates in GATES.items()}
built = Circuit().h(1).h(0)
built += SX.on(1, 0)
built += SX.on(1, 0)
seen["SX.on(1, 0), twice"] = control_is_zero(built.h(0))
for name, probability in seen.items():
    print(f"{name:<23}P(control is 0) {probability}")
assert seen == {"csx, csx": 0.5, "its definition, twice": 1.0, "cx": 1.0, "SX.on(1, 0), twice": 1.0}, seen
PYTHON
