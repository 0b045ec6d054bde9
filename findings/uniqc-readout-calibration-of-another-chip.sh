#!/usr/bin/env bash
# unified-quantum 0.1.1: readout mitigation corrects the counts of one chip by the calibration of another.
#
# ReadoutCalibrator files its result under the name of the adapter, which is the platform's ("dummy"), and
# ReadoutEM looks for that name and the qubit. The backend or chip stands in neither. So a calibration of
# one chip is found for every other chip of the platform, as long as it is fresh.
# Here chip A reads 1 as 0 in 40 % of the shots and chip B reads 0 as 1 in 10 %. 900 : 100 on chip B are a
# qubit that was always 0; after mitigation by A's matrix they are 833 : 167, further from 1000 : 0
# than before, and nothing tells of it. With an empty cache of its own, B gives 1000 : 0.
# Seen on 2026-11-29 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --no-deps \
    unified-quantum==0.1.1 uniqc-cppsimulator==1.0.1 numpy==2.4.6 PyYAML==6.0.4 sympy==1.14.0 \
    mpmath==1.3.0 scipy==1.17.1
"$work/venv/bin/python" - <<'PYTHON'
import tempfile

from uniqc.backend_adapter.task.adapters import DummyAdapter
from uniqc.calibration.readout import ReadoutCalibrator
from uniqc.qem import ReadoutEM

COUNTS = {0: 900, 1: 100}
chip_a = DummyAdapter(backend_id="dummy:originq:A", noise_model={"readout": [0.0, 0.4]})
chip_b = DummyAdapter(backend_id="dummy:originq:B", noise_model={"readout": [0.1, 0.0]})


def calibrate(chip, directory):
    return ReadoutCalibrator(adapter=chip, shots=1000, cache_dir=directory).calibrate_1q(0)


def mitigated(chip, directory):
    corrected = ReadoutEM(adapter=chip, cache_dir=directory).mitigate_counts(COUNTS, [0])
    return {bit: round(float(count)) for bit, count in corrected.items()}


shared, own = tempfile.mkdtemp(), tempfile.mkdtemp()
of_a = calibrate(chip_a, shared)
print("calibration of A:", of_a.backend, of_a.confusion_matrix)
by_a = mitigated(chip_b, shared)
print("chip B, mitigated by what the cache has:", by_a)
calibrate(chip_b, own)
by_b = mitigated(chip_b, own)
print("chip B, mitigated by its own calibration:", by_b)
assert of_a.backend == "dummy"
assert by_a == {0: 833, 1: 167}
assert by_b.get(0) == 1000 and not by_b.get(1)
PYTHON
