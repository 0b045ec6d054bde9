"""Install each client in an environment of its own, and let it use the server."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.clients.pinned import CLIENTS, Client, InstallError, NodeClient

from uniqc_mcp.cli.sample import make_sample

PROGRAMS = Path(__file__).parent / "programs"
EXAMPLES = Path(__file__).parents[2] / "examples" / "frameworks"

_NO_TELEMETRY = {
    "AGNO_TELEMETRY": "false",
    "MASTRA_TELEMETRY_DISABLED": "1",
    "MCP_USE_ANONYMIZED_TELEMETRY": "false",
}
"""Settings by which frameworks tell nobody that they ran."""

_PATIENCE = 300
"""Seconds after which a program fails."""


def main() -> int:
    """Run the clients that are chosen; return 1 if one of them failed."""
    arguments = _arguments()
    chosen = [client for client in CLIENTS if _is_chosen(client, arguments)]
    with (
        tempfile.TemporaryDirectory(prefix="uniqc-clients-") as temporary,
        ThreadPoolExecutor(arguments.jobs) as threads,
    ):
        environments = (arguments.environments or Path(temporary)).resolve()
        passed = list(threads.map(partial(succeeds, environments=environments), chosen))
    failed = [
        client.name for client, has_passed in zip(chosen, passed, strict=True) if not has_passed
    ]
    left_out = [client.name for client in CLIENTS if _is_left_out(client, arguments)]
    if left_out:
        print(f"LEFT OUT, because of --without-node: {', '.join(left_out)}")
    print(f"failed: {', '.join(failed)}" if failed else "all clients that ran succeeded")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    known = [client.name for client in CLIENTS]
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CLIENT", help=", ".join(known))
    parser.add_argument("--ci", action="store_true", help="Run the clients that CI runs.")
    parser.add_argument("--jobs", type=int, default=1, help="Clients to run at the same time.")
    parser.add_argument(
        "--environments", type=Path, help="Keep the environments in this directory."
    )
    parser.add_argument(
        "--without-node", action="store_true", help="Leave out the clients that need Node.js."
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(known):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return arguments


def _is_wanted(client: Client, arguments: argparse.Namespace) -> bool:
    if arguments.names:
        return client.name in arguments.names
    return client.in_ci or not arguments.ci


def _is_left_out(client: Client, arguments: argparse.Namespace) -> bool:
    is_without = arguments.without_node and isinstance(client, NodeClient)
    return is_without and _is_wanted(client, arguments)


def _is_chosen(client: Client, arguments: argparse.Namespace) -> bool:
    return _is_wanted(client, arguments) and not _is_left_out(client, arguments)


def succeeds(client: Client, environments: Path) -> bool:
    """Install a client where it is not yet, run its program on a sample cache, and report it."""
    began = time.monotonic()
    try:
        failure = _failure(client, environments / client.name)
    except (InstallError, subprocess.TimeoutExpired) as error:
        failure = str(error)
    seconds = time.monotonic() - began
    verdict = f"FAILED\n{failure}" if failure else "passed"
    print(f"{client.name} ({seconds:.0f} s): {verdict}", flush=True)
    return not failure


def _failure(client: Client, environment: Path) -> str:
    """Return what a client's program printed if it failed, else an empty text."""
    interpreter = client.install(environment)
    # Beside the packages of the client: Node.js looks for these from the program's place on.
    programs = environment / "programs"
    shutil.copytree(PROGRAMS, programs, dirs_exist_ok=True)
    shutil.copytree(EXAMPLES, programs / "examples", dirs_exist_ok=True)
    program = programs / f"{client.name}{client.suffix}"
    with tempfile.TemporaryDirectory(prefix="uniqc-cache-") as cache:
        make_sample(Path(cache))
        options = ["--allow-clear", "success,failed,cancelled", "--confirm", "plan"]
        server = [sys.executable, "-m", "uniqc_mcp", "--cache-dir", cache, *options]
        command = [*interpreter, str(program), json.dumps(server)]
        done = subprocess.run(
            command,
            env=os.environ | _NO_TELEMETRY,
            check=False,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    printed = done.stdout + done.stderr
    return printed or f"ended with {done.returncode}" if done.returncode else ""


sys.exit(main())
