"""A machine that shares and a server that answers, as their users start them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.lab.serving.test_processes import served

from uniqc_mcp.cli.sample import make_sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.conftest import Lab
    from tests.lab.serving.test_processes import Process


def share(process: Process, home: Path, token: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "uniqc_mcp", "share", "--once"),
            *("--cache-dir", str(home / "cache"), "--to", f"{process.address.url}/"),
        ],
        env={
            **os.environ,
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "UNIQC_MCP_SHARE_TOKEN": token,
        },
        capture_output=True,
        text=True,
        check=False,
    )


async def test_what_a_machine_shares_its_owner_is_answered_and_nobody_else(
    lab: Lab, tmp_path: Path
) -> None:
    make_sample(tmp_path / "cache")
    alice, bob = lab.token("alice"), lab.token("bob")
    with served(lab, tmp_path / "log") as process:
        done = share(process, tmp_path, alice)
        assert done.returncode == 0, done.stderr
        async with process.address.person(alice) as person:
            text, listed = await person.ask("list_tasks", status="any", limit=100)
            assert listed["total"] == 16
            assert {task["owner"] for task in listed["tasks"]} == {"alice"}
            assert "k3y-0f" not in text
            _, found = await person.ask("get_task", task_id="ramsey, last night")
            assert found["task"]["status"] == "failed"
        async with process.address.person(bob) as person:
            assert (await person.ask("count_tasks"))[1]["total"] == 0
        refused = share(process, tmp_path, "uqm_unknown")
        assert refused.returncode == 1
        assert "unknown, expired or revoked" in refused.stderr
