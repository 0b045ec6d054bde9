#!/usr/bin/env bash
# cqlib-adapter 0.3.3: its PennyLane device answers <Z> for the expectation of every observable.
#
# The device takes the probabilities of the circuit as it stands and sums the parity of the observable's
# wires. It never rotates to the basis of X or Y, takes Identity for Z, and drops the coefficients of a
# Hamiltonian and joins its terms to one parity. PennyLane's own default.qubit and the 2-by-2 matrices give the
# right values. The example for the device in the package's description is expval(PauliY(0)): it gets the Z.
# The code that does so is the same for the local simulator and for the results of TianYan's machines.
# Consequence: an energy, a correlation or a gradient of anything but a product of Z is another quantity,
# without an error; a variational loop minimises the wrong function.
# Seen on 2026-11-29 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    cqlib-adapter==0.3.3 cqlib==1.3.11 pennylane==0.45.1 pennylane-lightning==0.45.0 antlr4-python3-runtime==4.13.2 \
    appdirs==1.4.4 autograd==1.8.0 autoray==0.8.4 cachetools==8.0.2 certifi==2026.10.19.post1 \
    charset-normalizer==3.5.3 diastatic-malt==2.15.3 dill==0.4.1 gast==0.7.0 idna==3.20 mpmath==1.3.0 \
    networkx==3.6.1 numpy==2.4.6 openqasm3==1.0.1 packaging==26.4 python-dotenv==1.2.4 qiskit==2.6.2 requests==2.34.2 \
    rustworkx==0.18.1 scipy==1.17.1 scipy-openblas32==0.3.34.481.3 stevedore==5.10.0 sympy==1.14.0 \
    termcolor==3.3.0 tomlkit==0.15.2 typing_extensions==4.16.0 urllib3==2.8.0
"$work/venv/bin/python" - <<'PYTHON'
import math

import pennylane as qml

ANGLE = 0.4
OBSERVABLES = {
    "Z": qml.PauliZ(0),
    "X": qml.PauliX(0),
    "Y": qml.PauliY(0),
    "Identity": qml.Identity(0),
    "0.5 Z + 2 X": qml.Hamiltonian([0.5, 2.0], [qml.PauliZ(0), qml.PauliX(0)]),
}


def expectation(device, observable):
    @qml.qnode(qml.device(device, wires=1))
    def circuit():
        qml.RX(ANGLE, wires=0)
        return qml.expval(observable)

    return round(float(circuit()), 3)


# RX turns |0> about the axis of X: <X> = 0, <Y> = -sin, <Z> = cos.
z, y = round(math.cos(ANGLE), 3), round(-math.sin(ANGLE), 3)
meant = {"Z": z, "X": 0.0, "Y": y, "Identity": 1.0, "0.5 Z + 2 X": round(0.5 * math.cos(ANGLE), 3)}
right = {name: expectation("default.qubit", observable) for name, observable in OBSERVABLES.items()}
got = {name: expectation("cqlib.device", observable) for name, observable in OBSERVABLES.items()}
for name, value in got.items():
    print(f"{name:<12}cqlib.device {value}, default.qubit {right[name]}")
assert right == meant, right
assert set(got.values()) == {z}, got
PYTHON
