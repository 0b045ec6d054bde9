"""Install each client in an environment of its own, and let it use the server."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from uniqc_mcp.cli.sample import make_sample

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True, kw_only=True)
class PinnedClient:
    """A client and the packages that it is installed from."""

    name: str
    packages: tuple[str, ...]


CLIENTS = (
    PinnedClient(name="mcp_1", packages=("mcp==1.30.*",)),
    PinnedClient(name="fastmcp_4", packages=("fastmcp==4.2.3",)),
    PinnedClient(name="google_genai", packages=("google-genai==3.6.1", "mcp>=2.3,<3")),
    PinnedClient(name="langchain", packages=("langchain-mcp-adapters==0.3.2",)),
)


def main() -> int:
    """Run the clients that are named, or all of them; return 1 if one of them failed."""
    known = [client.name for client in CLIENTS]
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CLIENT", help=", ".join(known))
    parser.add_argument(
        "--environments", type=Path, help="Keep the environments in this directory."
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(known):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    with tempfile.TemporaryDirectory(prefix="uniqc-clients-") as temporary:
        environments = arguments.environments or Path(temporary)
        chosen = [client for client in CLIENTS if client.name in (arguments.names or known)]
        failed = [client.name for client in chosen if not succeeds(client, environments)]
    print(f"failed: {', '.join(failed)}" if failed else "all clients succeeded")
    return 1 if failed else 0


def succeeds(client: PinnedClient, environments: Path) -> bool:
    """Install a client where it is not yet, run its program on a sample cache, and report it."""
    python = environments / client.name / "bin" / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        *client.packages,
    ]
    subprocess.run(pip, check=True)
    with tempfile.TemporaryDirectory(prefix="uniqc-cache-") as cache:
        make_sample(Path(cache))
        options = ["--allow-clear", "success,failed,cancelled", "--confirm", "plan"]
        server = [sys.executable, "-m", "uniqc_mcp", "--cache-dir", cache, *options]
        program = PROGRAMS / f"{client.name}.py"
        done = subprocess.run([str(python), str(program), json.dumps(server)], check=False)
    print(f"{client.name}: {'passed' if done.returncode == 0 else 'FAILED'}", flush=True)
    return done.returncode == 0


sys.exit(main())
