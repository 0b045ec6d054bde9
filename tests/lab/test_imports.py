"""The server for one machine loads nothing of a laboratory, nor the driver of its database."""

from __future__ import annotations

import json
import subprocess
import sys

LISTING = """
import json, sys
import uniqc_mcp.cli.commands, uniqc_mcp.cli.serving, uniqc_mcp.opening.start, uniqc_mcp.server
print(json.dumps(sorted(sys.modules)))
"""


def test_serving_one_machine_loads_no_part_of_a_laboratory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout)
    assert "uniqc_mcp.server" in loaded
    unwanted = ("psycopg", "psycopg_pool", "psycopg_binary", "uniqc_mcp.lab")
    assert [name for name in loaded if name.startswith(unwanted)] == []
