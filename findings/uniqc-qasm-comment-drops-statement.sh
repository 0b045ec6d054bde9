#!/usr/bin/env bash
# unified-quantum 0.1.1: a comment in an OpenQASM 2.0 text takes the statement after it along.
#
# The parser cuts the text at semicolons first and then skips each piece that begins with "//". Such a
# piece holds the comment and the whole statement behind the line's end, so a gate or a measurement on
# the line below a comment, or below a line that ends with one, is gone. No error and no warning comes.
# OpenQASM 2.0 ends a comment at the end of its line. The library's own page on OpenQASM says that what
# cannot be converted raises an exception, and neither that page nor the changelog speaks of comments.
# Circuit.from_qasm, convert_qasm_to_oir, the simulators and submit_task all read through this parser.
# Consequence: a commented file runs as another circuit. Here a Bell pair becomes "00" every time, and
# the stored task shows the shortened circuit, so nothing in it says that gates are missing.
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
from uniqc.simulator import Simulator

COMMENTED = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
// make a pair
h q[0];
cx q[0], q[1];  // entangle
measure q[0] -> c[0];
measure q[1] -> c[1];
"""
PLAIN = "\n".join(line.split("//")[0] for line in COMMENTED.splitlines())


def gates(text):
    return [opcode[0] for opcode in Circuit.from_qasm(text).opcode_list]


def measured(text):
    return [line for line in Circuit.from_qasm(text).originir.splitlines() if line.startswith("MEASURE")]


for name, text in (("plain", PLAIN), ("commented", COMMENTED)):
    print(f"{name:<10}{gates(text)} {measured(text)}")
assert gates(PLAIN) == ["H", "CNOT"], gates(PLAIN)
assert len(measured(PLAIN)) == 2, measured(PLAIN)
assert gates(COMMENTED) == ["CNOT"], gates(COMMENTED)
assert measured(COMMENTED) == ["MEASURE q[1], c[0]"], measured(COMMENTED)

HEADED = COMMENTED.replace("  // entangle", "")
probabilities = {
    name: [round(float(value), 3) for value in Simulator().simulate_pmeasure(Circuit.from_qasm(text).originir)]
    for name, text in (("plain", PLAIN), ("one comment", HEADED))
}
print(probabilities)
assert probabilities == {"plain": [0.5, 0.0, 0.0, 0.5], "one comment": [1.0, 0.0, 0.0, 0.0]}, probabilities
PYTHON
