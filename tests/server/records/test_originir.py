"""The measurements of recorded circuits, read from any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniqc_mcp.records.originir import RecordedCircuit, read_originir

MEASURES_TWO = "QINIT 3\nCREG 2\nX q[0]\nMEASURE q[2], c[0]\nMEASURE q[0], c[1]\n"


def read(source: str) -> RecordedCircuit:
    circuit = read_originir(source)
    assert circuit is not None
    return circuit


def identity(bits: int, *, first_qubit: int = 0) -> str:
    lines = [f"MEASURE q[{bit + first_qubit}], c[{bit}]" for bit in range(bits)]
    return "\n".join([f"QINIT {bits}", f"CREG {bits}", *lines])


@pytest.mark.parametrize(
    ("source", "measured", "text"),
    [
        (MEASURES_TWO, {0: 2, 1: 0}, "c[0]=q[2], c[1]=q[0]"),
        (MEASURES_TWO.replace("\n", "\r\n"), {0: 2, 1: 0}, "c[0]=q[2], c[1]=q[0]"),
        ("QINIT 2\nCREG 3\n MEASURE  q [ 1 ] ,  c[ 2 ]", {2: 1}, "c[2]=q[1]"),
        ("QINIT 1\nCREG 1\nX q[0]\n", {}, "nothing"),
        ("// made by hand\n# too\nQINIT 1\nMEASURE q[0],c[0]", {0: 0}, "c[0]=q[0]"),
        (identity(10), {bit: bit for bit in range(10)}, "c[0]=q[0] to c[9]=q[9], in order"),
        (
            identity(5, first_qubit=7),
            {b: b + 7 for b in range(5)},
            "c[0]=q[7] to c[4]=q[11], in order",
        ),
        ("QINIT 2\nMEASURE q[0], c[0]\nMEASURE q[1], c[0]", {0: 1}, "c[0]=q[1]"),
        ("QINIT 2\n// MEASURE q[0], c[0]\nMEASURE q[1], c[1]", {1: 1}, "c[1]=q[1]"),
        ("QINIT 2\nnonsense\nMEASURE q[x], c[0]\nMEASURE q[1], c[1]", {1: 1}, "c[1]=q[1]"),
    ],
)
def test_each_classical_bit_is_read_with_its_qubit(
    source: str, measured: dict[int, int], text: str
) -> None:
    circuit = read(source)
    assert circuit.measured == measured
    assert list(circuit.measured) == sorted(measured)
    assert circuit.measured_text() == text


def test_many_bits_in_no_order_are_cut_short() -> None:
    lines = [f"MEASURE q[{99 - bit}], c[{bit}]" for bit in range(100)]
    text = read("\n".join(["QINIT 100", *lines])).measured_text()
    assert text.startswith("c[0]=q[99], c[1]=q[98], ")
    assert text.endswith(", c[15]=q[84] and 84 more")


@pytest.mark.parametrize(
    "source", ["", "OPENQASM 2.0;\nqreg q[2];", "QINIT", "QINITS 2", "circuit\nQINIT 2", "{}"]
)
def test_a_text_that_is_no_originir_is_not_read(source: str) -> None:
    assert read_originir(source) is None


@pytest.mark.parametrize(
    ("source", "later"),
    [
        (MEASURES_TWO, ()),
        ("QINIT 2\nMEASURE q[0], c[0]\nX q[0]\n", (0,)),
        ("QINIT 2\nMEASURE q[0], c[0]\nCNOT q[1], q[0]\nX q[0]", (0,)),
        ("QINIT 2\nMEASURE q[0], c[0]\nX q[1]\nMEASURE q[1], c[1]", ()),
        ("QINIT 2\nMEASURE q[0], c[0]\nBARRIER q[0], q[1]\n// X q[0]\n", ()),
    ],
)
def test_gates_after_a_measurement_are_found(source: str, later: tuple[int, ...]) -> None:
    assert read(source).gates_later == later


@pytest.mark.parametrize(
    ("line", "dynamic"),
    [
        ("QIF c[0] == 1", True),
        ("RESET q[0]", True),
        ("NOT c[0]", True),
        ("XOR c[0], c[1]", True),
        ("CNOT q[0], q[1]", False),
        ("BARRIER q[0] NOT c[0]", False),
    ],
)
def test_classical_control_flow_is_found(line: str, *, dynamic: bool) -> None:
    assert read(f"QINIT 2\nCREG 2\n  {line}\nMEASURE q[0], c[0]").is_dynamic == dynamic


def test_the_classical_register_may_be_wider_than_what_is_measured() -> None:
    circuit = read("QINIT 2\nCREG 5\nMEASURE q[0], c[0]\nMEASURE q[1], c[3]\n")
    assert (circuit.bits, len(circuit.measured)) == (4, 2)


@given(st.text() | st.text("QINITCREGMEASURE qc[],0123456789\n\t/#").map("QINIT 1\n{}".format))
def test_no_text_makes_the_reader_fail(source: str) -> None:
    circuit = read_originir(source)
    assert circuit is None or len(circuit.measured_text()) < 1_000
