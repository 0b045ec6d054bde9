#!/usr/bin/env bash
# pyqpanda3 0.5.1: a two-qubit gate on whole registers of OpenQASM 2.0 goes to the first qubit of all.
#
# OpenQASM 2.0 repeats "cx q, r;" for each pair q[j], r[j], and "cx q[0], r;" for each r[j]. The reader
# convert_qasm_string_to_qprog joins the qubits of both operands to one list and puts the gate on each of
# them with q[0], as in CNOT q[2],q[0], so pairs, direction and number are others, and one gate has q[0]
# twice. So it does for cx, cz, swap and cp. One-qubit gates, barriers and measurements of registers are
# right, and so is a text that names each pair. No error and no warning comes.
# Consequence: a file that copies a register or entangles two runs as another circuit. Here two Bell pairs
# have q equal to r each time, but read from the short text in a quarter of the shots only.
# Seen on 2026-11-29 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    pyqpanda3==0.5.1 numpy==2.4.6 scipy==1.17.1 networkx==3.6.1 graphviz==0.21 matplotlib==3.11.2 contourpy==1.3.3 \
    cycler==0.12.1 fonttools==4.68.0 kiwisolver==1.5.1 packaging==26.4 pillow==13.0.0 pyparsing==3.3.3 \
    python-dateutil==4.0.0
"$work/venv/bin/python" - <<'PYTHON'
from pyqpanda3.core import CPUQVM
from pyqpanda3.intermediate_compiler import convert_qasm_string_to_qprog, convert_qprog_to_originir

TEXT = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
qreg r[2];
creg c[2];
creg d[2];
{body}
measure q -> c;
measure r -> d;
"""
# Each pair is the same circuit, short and written out. q is q[0] and q[1] of the program, r q[2] and q[3].
PAIRS = {
    "x q; cx q, r;": "x q; cx q[0], r[0]; cx q[1], r[1];",
    "x q[0]; cx q[0], r;": "x q[0]; cx q[0], r[0]; cx q[0], r[1];",
    "x q; swap q, r;": "x q; swap q[0], r[0]; swap q[1], r[1];",
    "x r; cx r[0], q;": "x r; cx r[0], q[0]; cx r[0], q[1];",
}
BELL = ("h q; cx q, r;", "h q; cx q[0], r[0]; cx q[1], r[1];")


def probabilities(body):
    machine = CPUQVM()
    machine.run(convert_qasm_string_to_qprog(TEXT.format(body=body).split("measure")[0]), 1)
    return [round(abs(amplitude) ** 2, 3) for amplitude in machine.result().get_state_vector()]


def outcome(body):
    """Return the only outcome, ending with q[0], as a text of four bits."""
    return format(probabilities(body).index(1.0), "04b")


def agreement(body):
    """Return the probability that q and r are equal."""
    return sum(probability for state, probability in enumerate(probabilities(body)) if state >> 2 == state & 3)


seen = {short: (outcome(short), outcome(long)) for short, long in PAIRS.items()}
for short, (got, meant) in seen.items():
    print(f"{short:<21}{got}, written out {meant}")
gates = convert_qprog_to_originir(convert_qasm_string_to_qprog(TEXT.format(body="cx q, r;"))).splitlines()
gates = [line for line in gates if line.startswith("CNOT")]
print("cx q, r; is read as", gates)
bell = [agreement(body) for body in BELL]
print("Bell pairs, P(q = r): {:.3f}, written out {:.3f}".format(*bell))
assert list(seen.values()) == [("0010", "1111"), ("0001", "1101"), ("0110", "1100"), ("1101", "1111")], seen
assert gates == ["CNOT q[0],q[0]", "CNOT q[1],q[0]", "CNOT q[2],q[0]", "CNOT q[3],q[0]"], gates
assert [round(probability, 3) for probability in bell] == [0.25, 1.0], bell
PYTHON
