#!/usr/bin/env bash
# pyquafu 0.4.5: the matrix of its gate sx is that of sxdg, and the other way round.
#
# The square root of X is H S H, which OpenQASM writes sdg h sdg, up to a phase. pyquafu's simulator turns
# the other way for sx, from its own method and from OpenQASM alike. Its method sxdg is wrong as well; an
# sxdg read from OpenQASM is right, as it is parted into other gates first, so sx sxdg is no identity.
# Circuits are sent to Quafu as text with the name "sx".
# Consequence: where the gate stands, simulation differs from any other program, without an error.
# Each circuit below ends with sdg and h: after a square root of X the qubit is |1>, after its inverse |0>.
# Seen on 2026-11-29 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    pyquafu==0.4.5 autograd==1.9.1 certifi==2026.10.19.post1 charset-normalizer==3.5.3 contourpy==1.3.3 \
    cycler==0.12.1 fonttools==4.68.0 graphviz==0.21 idna==3.20 kiwisolver==1.5.1 llvmlite==0.50.0 \
    matplotlib==3.11.2 networkx==3.6.1 numba==0.68.1 numpy==1.26.4 packaging==26.4 pillow==13.0.0 ply==3.11 \
    pyparsing==3.3.3 python-dateutil==4.0.0 requests==2.34.2 scipy==1.17.1 sparse==0.19.3 urllib3==2.8.0
"$work/venv/bin/python" - 2> "$work/parser.log" <<'PYTHON' || { cat "$work/parser.log"; exit 1; }
from quafu import QuantumCircuit, simulate

TEXT = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\n{gates} sdg q[0]; h q[0];\n'


def zeros(circuit):
    return round(abs(simulate(circuit).get_statevector()[0]) ** 2, 3)


def read(gates):
    circuit = QuantumCircuit(1)
    circuit.from_openqasm(TEXT.format(gates=gates))
    return zeros(circuit)


def built(name):
    circuit = QuantumCircuit(1)
    getattr(circuit, name)(0)
    circuit.sdg(0)
    circuit.h(0)
    return zeros(circuit)


roots = {
    "sdg, h, sdg": read("sdg q[0]; h q[0]; sdg q[0];"),
    "rx(pi/2)": read("rx(pi/2) q[0];"),
    "sx of OpenQASM": read("sx q[0];"),
    "method sx": built("sx"),
}
inverses = {
    "s, h, s": read("s q[0]; h q[0]; s q[0];"),
    "rx(-pi/2)": read("rx(-pi/2) q[0];"),
    "sxdg of OpenQASM": read("sxdg q[0];"),
    "method sxdg": built("sxdg"),
}
for name, probability in {**roots, **inverses}.items():
    print(f"{name:<17}P(0) {probability}")
assert list(roots.values()) == [0.0, 0.0, 1.0, 1.0], roots
assert list(inverses.values()) == [1.0, 1.0, 1.0, 0.0], inverses
PYTHON
