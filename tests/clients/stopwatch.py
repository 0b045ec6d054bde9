"""Measure how long a new user takes to the first answer in a client that ``install`` configures.

The user has a client with an account, and tasks in uniqc's cache. A scripted model on 127.0.0.1
stands for the account. The server is installed from this clone, into an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.accounts import ACCOUNTS, LOOPBACK_ONLY, Account
from tests.clients.homes import Home, HostError
from tests.clients.hosts import HOSTS
from tests.clients.pinned import InstallError, NodeClient
from tests.clients.scripted_apis import scripted_apis

from uniqc_mcp.cli.sample import make_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_PART_OF_ANSWER = "vqe step 18"
"""The name of a task of the sample, which a model can only know from the server."""


def main() -> int:
    """Measure the clients that are chosen; return 1 if one of them gave no answer."""
    known = ", ".join(ACCOUNTS)
    parser = argparse.ArgumentParser(prog="python -m tests.clients.stopwatch", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CLIENT", help=known)
    parser.add_argument("--environments", type=Path, help="Keep what is installed from npm here.")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(ACCOUNTS):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {known}")
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="uniqc-stopwatch-") as temporary:
        environments = (arguments.environments or Path(temporary)).resolve()
        command, seconds = _installed_server(Path(temporary) / "server")
        print(f"step 1, the server into an environment of its own: {seconds:.1f} s", flush=True)
        for name in arguments.names or ACCOUNTS:
            try:
                _measure(name, command, environments)
            except (InstallError, HostError, subprocess.TimeoutExpired) as error:
                print(f"{name}: FAILED\n{error}", flush=True)
                failed.append(name)
    return 1 if failed else 0


def _installed_server(environment: Path) -> tuple[str, float]:
    """Install the server from this clone; return its command and the seconds that it took."""
    began = time.monotonic()
    venv.create(environment, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "-q", str(ROOT)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return str(environment / "bin" / "uniqc-mcp"), time.monotonic() - began


def _measure(name: str, command: str, environments: Path) -> None:
    """Do what a new user of a client does, and print the seconds of each step.

    Raises:
        HostError: A step failed, or the answer is not of the server.
    """
    (host,) = (host for host in HOSTS if host.name == name)
    NodeClient(name=name, packages=(host.package,)).install(environments / name)
    programs = environments / name / "node_modules" / ".bin"
    with tempfile.TemporaryDirectory(prefix="new-home-") as directory, scripted_apis() as address:
        account = ACCOUNTS[name]
        variables = LOOPBACK_ONLY | account.variables(address)
        home = Home(path=Path(directory), programs=programs, variables=variables)
        _furnish(home, account)
        steps = [*_steps(name, command, home, account.question(address))]
    told = "; ".join(f"{step}: {seconds:.1f} s" for step, seconds in steps)
    total = sum(seconds for _, seconds in steps)
    print(f"{name}: {len(steps)} more steps, {total:.1f} s ({told})", flush=True)


def _furnish(home: Home, account: Account) -> None:
    """Put what a user has into a home: a project, tasks, and the account of the client."""
    (home.path / "project").mkdir()
    make_sample(home.path / ".uniqc" / "cache")
    if account.file is not None:
        name, content = account.file
        file = home.path / name
        file.parent.mkdir(parents=True)
        file.write_text(content)


def _steps(name: str, command: str, home: Home, question: list[str]) -> Iterator[tuple[str, float]]:
    """Take the steps after the first; yield each with its seconds."""
    began = time.monotonic()
    home.run(command, "install", name)
    yield f"uniqc-mcp install {name}", time.monotonic() - began
    if ACCOUNTS[name].must_trust:
        # What the client writes when its user agrees to trust the folder.
        trusted = {str(home.path / "project"): "TRUST_FOLDER"}
        (home.path / ".gemini" / "trustedFolders.json").write_text(json.dumps(trusted))
        yield "trust the folder", 0.0
    began = time.monotonic()
    answer = home.run(*question)
    if _PART_OF_ANSWER not in answer:
        raise HostError(f"{_PART_OF_ANSWER} is not in the answer: {answer}")
    yield "ask", time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
