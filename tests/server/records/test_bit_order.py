"""The end of a stored key that is c[0], by what the record tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from uniqc_mcp.records.bit_order import BitOrder, bit_order

if TYPE_CHECKING:
    from uniqc_mcp.results.numbers import Notation

BEFORE = "2026-05-14T15:19:59+00:00"
AFTER = "2026-05-14T15:20:00+00:00"
LIKELY = "right if uniqc 0.0.13 or later fetched it"


def order(
    backend: str,
    *,
    notation: Notation = "bits",
    labelled: bool = False,
    version: int = 5,
    fetched_at: str = AFTER,
) -> BitOrder:
    return bit_order(
        backend, notation, labelled=labelled, schema_version=version, fetched_at=fetched_at
    )


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("dummy", "right"),
        ("dummy:local:simulator", "right"),
        ("dummy:ibm:fez", "right"),
        ("originq:WK_C180", "right"),
        ("originq", "right"),
        ("tianyan:tianyan176", "right"),
        ("logicalqubit:LQ-1", "right if uniqc's documentation is right"),
        ("quark:Baihua", "unknown"),
        ("braket:sv1", "unknown"),
        ("", "unknown"),
    ],
)
@pytest.mark.parametrize("fetched_at", [BEFORE, AFTER, "no time"])
def test_a_platform_that_never_changed_has_one_order(
    backend: str, fetched_at: str, expected: str
) -> None:
    assert str(order(backend, fetched_at=fetched_at)) == expected
    assert str(order(backend, fetched_at=fetched_at, version=2)) == expected


@pytest.mark.parametrize("backend", ["ibm:ibm_fez", "quafu:ScQ-P18", "IBM:fez"])
@pytest.mark.parametrize(
    ("version", "fetched_at", "expected"),
    [
        (1, AFTER, "left"),
        (2, AFTER, "left"),
        (3, AFTER, "left"),
        (4, AFTER, "left"),
        (5, BEFORE, "left"),
        (5, "2026-05-14T23:19:59+08:00", "left"),
        (5, "2026-05-01T12:00:00", "left"),
        (5, AFTER, LIKELY),
        (5, "2026-05-14T17:20:00+02:00", LIKELY),
        (6, AFTER, LIKELY),
        (5, "", LIKELY),
    ],
)
def test_what_0_0_13_reversed_is_certain_only_for_what_was_fetched_before(
    backend: str, version: int, fetched_at: str, expected: str
) -> None:
    assert str(order(backend, version=version, fetched_at=fetched_at)) == expected


@pytest.mark.parametrize("backend", ["ibm", "quafu"])
def test_a_label_without_a_chip_is_doubtful(backend: str) -> None:
    found = order(backend)
    assert found.is_doubtful
    assert str(found) == f"{LIKELY}, though 0.0.12 or earlier submitted it"
    assert str(order(backend, fetched_at=BEFORE)) == "left"


def test_labelled_numbers_of_quafu_are_of_its_first_releases() -> None:
    assert str(order("quafu:ScQ-P18", labelled=True)) == "left"
    assert str(order("ibm:ibm_fez", labelled=True)) == LIKELY


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("ibm", "hex"),
        ("ibm:fez", "hex"),
        ("originq", "hex"),
        ("quark:x", "unknown"),
        ("x", "unknown"),
    ],
)
def test_hex_keys_are_numbers(backend: str, expected: str) -> None:
    assert str(order(backend, notation="hex")) == expected
    assert str(order(backend, notation="hex", version=1)) == expected


@pytest.mark.parametrize("notation", ["0b", "other"])
def test_keys_that_uniqc_never_writes_have_an_unknown_order(notation: Notation) -> None:
    assert str(order("dummy", notation=notation)) == "unknown"
