#!/usr/bin/env bash
# ijson 3.6.0: the C backend replaces an escaped lone surrogate by "?", so two keys become one.
#
# JSON's grammar allows "\ud800" without a partner (RFC 8259, section 8.2), and json.loads and
# ijson's backend in Python keep it. The backend that ijson chooses by itself where a wheel exists
# (yajl2_c) gives a question mark instead, without an error. An object whose keys differ in such an
# escape only gives the same key twice, and ijson.items() then loses one of the two values.
# Seen on 2026-11-28 with CPython 3.11 on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q ijson==3.6.0
"$work/venv/bin/python" - <<'PYTHON'
import importlib
import io
import json

TEXT = rb'{"\ud800": 1, "\ud801": 2}'
backends = {name: importlib.import_module(f"ijson.backends.{name}") for name in ("python", "yajl2_c")}
seen = {"json.loads": json.loads(TEXT)}
for name, backend in backends.items():
    (seen[name],) = backend.items(io.BytesIO(TEXT), "")
for name, value in seen.items():
    print(f"{name:<12}{ascii(value)}")
expected = {"\ud800": 1, "\ud801": 2}
assert seen == {"json.loads": expected, "python": expected, "yajl2_c": {"?": 2}}, seen
PYTHON
