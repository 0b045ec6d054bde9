#!/usr/bin/env bash
# mindquantum 0.12.0: OpenQASM.to_string writes no qubits for ccx, and from_string reads that as nothing.
#
# Where the qubits of a doubly controlled X belong, the text has the representation of a Python
# function, "ccx <function join_qubit at 0x...>;". cx, swap and cswap are written well, and other gates with
# two controls are refused. mindquantum's own reader takes the text without an error and leaves the gate out.
# Consequence: a circuit that is saved as OpenQASM and read again lacks its Toffoli gates, and other readers
# refuse the text.
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
from mindquantum.io import OpenQASM

CIRCUITS = {
    "cx": Circuit().x(1, 0),
    "swap": Circuit().swap([0, 1]),
    "cswap": Circuit().swap([1, 2], 0),
    "ccx": Circuit().x(2, [0, 1]),
}
seen = {}
for name, circuit in CIRCUITS.items():
    text = OpenQASM().to_string(circuit)
    written = text.strip().splitlines()[-1].partition(" at 0x")[0]
    seen[name] = (written, len(OpenQASM().from_string(text)))
    print(f"{name:<6}written as {written!r}, gates read again: {seen[name][1]} of {len(circuit)}")
assert seen == {
    "cx": ("cx q[0],q[1];", 1),
    "swap": ("swap q[0],q[1];", 1),
    "cswap": ("cswap q[0],q[1],q[2];", 1),
    "ccx": ("ccx <function join_qubit", 0),
}, seen
PYTHON
