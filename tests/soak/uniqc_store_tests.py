"""Run the store tests that releases of uniqc ship on this package's ``TaskStore``.

    python tests/soak/uniqc_store_tests.py [--releases 0.0.7 0.1.1] [--work DIRECTORY]

Each release is installed from the package registry, with its dependencies and its tests, into an
environment of its own. Every test file that touches the store runs twice: on uniqc's store and on
ours, with uniqc's ``TaskInfo``, on a file that the release made. A test that opened a store has one
of these outcomes:

- passed: on ours
- not applicable: it needs a private method, or the API of shards, which the line names
- fails on both: uniqc's own store fails it too, as it is installed here
- failed: on ours alone, for another reason; then the exit code is 1

Needs about a gigabyte and some minutes for each release. Nothing of uniqc stays behind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

RELEASES = (
    "0.0.7",
    "0.0.11.post1",
    "0.0.14.post1",
    "0.0.15",
    "0.0.16",
    "0.0.17",
    "0.0.17.post1",
    "0.1.0",
    "0.1.1",
)
_TOUCHES_STORE = re.compile(r"TaskStore|TaskPersistence|ArchiveStore|task_manager")
_SHARD_API = frozenset(
    {
        "aggregate_status",
        "delete_shards",
        "find_uniqc_id_by_platform_id",
        "get_shard_by_platform_id",
        "get_shards",
        "save_shard",
    }
)
_HERE = Path(__file__).parent
_OUR_PACKAGE = _HERE.parents[1] / "store"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--releases", nargs="+", default=RELEASES)
    parser.add_argument("--work", type=Path, help="keep the environments here, for another run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="uniqc-store-tests-") as temporary:
        work = (options.work or Path(temporary)).absolute()
        failed = sum([tell(release, work / release) for release in options.releases])
    raise SystemExit(1 if failed else 0)


def tell(release: str, directory: Path) -> int:
    """Print what became of a release's tests, and return how many failed."""
    python = install(release, directory)
    theirs, ours = run(python, directory, "uniqc"), run(python, directory, "ours")
    verdicts = {
        test: verdict(line, theirs.get(test))
        for test, line in ours.items()
        if line["opened"] or line["missing"]
    }
    if not verdicts:
        raise SystemExit(f"{release}: no test opened the store")
    print(f"uniqc {release}")
    for test, said in verdicts.items():
        print(f"  {test}: {said}")
    totals = Counter(said.partition(":")[0] for said in verdicts.values())
    print(f"  {dict(totals)}", flush=True)
    return totals["failed"]


def install(release: str, directory: Path) -> Path:
    """Return the interpreter of an environment that holds a release."""
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    packages = ["pytest", "httpx", f"unified-quantum=={release}"]
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
    return python


def run(python: Path, directory: Path, store: str) -> dict[str, Any]:
    """Run the tests of the files that touch the store; return a line for each test."""
    (tests,) = directory.glob("lib/python*/site-packages/uniqc/test")
    files = sorted(
        str(path.relative_to(tests))
        for path in tests.rglob("test_*.py")
        if _TOUCHES_STORE.search(path.read_text(encoding="utf-8"))
    )
    with tempfile.TemporaryDirectory() as home:
        report = Path(home, "report.jsonl")
        environment = {
            **os.environ,
            "HOME": home,
            "PYTHONPATH": os.pathsep.join((str(_OUR_PACKAGE), str(_HERE))),
            "STORE_REPORT": str(report),
            "STORE_UNDER_TEST": store,
        }
        command = ["-m", "pytest", "-q", "-p", "uniqc_on_our_store", "-p", "no:cacheprovider"]
        ran = subprocess.run(
            [python, *command, *files],
            cwd=tests,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if not report.exists():
            raise SystemExit(ran.stdout + ran.stderr)
        lines = map(json.loads, report.read_text(encoding="utf-8").splitlines())
        return {line["test"]: line for line in lines}


def verdict(ours: dict[str, Any], theirs: dict[str, Any] | None) -> str:
    """Return what became of a test, and the reason where it did not pass."""
    if ours["outcome"] == "passed":
        return "passed"
    if ours["outcome"] == "skipped":
        return "skipped"
    if theirs is None or theirs["outcome"] != "passed":
        return f"fails on both: {_first_line((theirs or ours)['message'])}"
    if missing := sorted(set(ours["missing"])):
        private = [name for name in missing if name.startswith("_") and not name.startswith("__")]
        if private or _SHARD_API & set(missing):
            return f"not applicable: needs {', '.join(missing)}"
    return f"failed: {_first_line(ours['message'])}"


def _first_line(message: str) -> str:
    return message.partition("\n")[0][:160]


if __name__ == "__main__":
    main()
