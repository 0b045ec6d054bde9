"""Configure each client that npm offers by ``uniqc-mcp install``, and let it list the server.

Each has a home of its own, with another server in its file where it has one. ``uninstall`` must
leave that as it was.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.clients.homes import Home, HostError
from tests.clients.hosts import HOSTS, Host
from tests.clients.pinned import InstallError, NodeClient

_COMMAND = str(Path(sys.executable).with_name("uniqc-mcp"))


def main() -> int:
    """Run the hosts that are chosen; return 1 if one of them failed."""
    known = [host.name for host in HOSTS]
    parser = argparse.ArgumentParser(prog="python -m tests.clients.install", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CLIENT", help=", ".join(known))
    parser.add_argument("--environments", type=Path, help="Keep what is installed from npm here.")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(known):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="uniqc-hosts-") as temporary:
        environments = (arguments.environments or Path(temporary)).resolve()
        for host in HOSTS:
            if not arguments.names or host.name in arguments.names:
                failed += [] if _succeeds(host, environments / host.name) else [host.name]
    print(f"failed: {', '.join(failed)}" if failed else "all clients that ran succeeded")
    return 1 if failed else 0


def _succeeds(host: Host, environment: Path) -> bool:
    """Install a host where it is not yet, configure it, and report what it said."""
    try:
        NodeClient(name=host.name, packages=(host.package,)).install(environment)
        for content in sorted(host.contents()):
            with tempfile.TemporaryDirectory(prefix="client-home-") as home:
                (Path(home) / "project").mkdir()
                programs = environment / "node_modules" / ".bin"
                _configure(host, Home(path=Path(home), programs=programs), content)
    except (InstallError, HostError, subprocess.TimeoutExpired) as error:
        print(f"{host.name}: FAILED\n{error}", flush=True)
        return False
    return True


def _configure(host: Host, home: Home, before: str) -> None:
    """Install, list and uninstall; report the host's line about the server, and the seconds."""
    file = _prepared(host, home, before)
    began = time.monotonic()
    told = home.run(_COMMAND, "install", host.name, "--", "--max-wait", "45")
    line = _line(host, home.run(*host.lister()))
    seconds = time.monotonic() - began
    if line is None:
        raise HostError(f"{host.program} does not list the server as {host.listed}")
    listed = json.loads(home.run(_COMMAND, "install", "--list", "--json"))
    (entry,) = (each["entries"] for each in listed if each["client"] == host.name)
    if not [each for each in entry if each["command"] == _COMMAND and each["exists"]]:
        raise HostError(f"--list has the entry as {entry}")
    again = home.run(_COMMAND, "install", host.name, "--no-check", "--", "--max-wait", "45")
    if "has this entry already" not in again:
        raise HostError(f"a second install said {again}")
    home.run(_COMMAND, "uninstall", host.name)
    if _line(host, home.run(*host.lister())) is not None:
        raise HostError(f"{host.program} lists the server after uninstall")
    if file is not None and "uniqc" in file.read_text():
        raise HostError(f"{file.read_text()} was {before}")
    by = "its own command" if ", by `" in told else "an edit of its file"
    back = "as before" if file is None or file.read_text() == before else "but for its layout"
    print(f"{host.name} by {by}, in {seconds:.1f} s: {line} (removed, {back})", flush=True)


def _prepared(host: Host, home: Home, content: str) -> Path | None:
    # Gemini CLI disables every server in a folder that it does not trust.
    trusted = home.path / ".gemini" / "trustedFolders.json"
    trusted.parent.mkdir()
    trusted.write_text(json.dumps({str(home.path / "project"): "TRUST_FOLDER"}))
    if host.file is None:
        return None
    file = home.path / host.file[0]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def _line(host: Host, printed: str) -> str | None:
    lines = printed.splitlines()
    return next((line.strip() for line in lines if re.search(host.listed, line)), None)


if __name__ == "__main__":
    sys.exit(main())
