"""Make the store of `tests/data/cases/by-uniqc-0.1.1.sqlite` again, through uniqc's own API.

    python tests/soak/records_by_uniqc.py DIRECTORY

Installs uniqc 0.1.1 with its dependencies from the package registry into a temporary environment,
which takes about a minute, and runs `play_records.py` there with a HOME of its own. Writes the
store, and the id of each task by its label, to the directory.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import venv
from contextlib import closing
from pathlib import Path

UNIQC = "unified-quantum==0.1.1"
NAME = "by-uniqc-0.1.1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    with tempfile.TemporaryDirectory(prefix="uniqc-records-") as temporary:
        home = Path(temporary, "home")
        home.mkdir()
        python = Path(temporary, "venv", "bin", "python")
        venv.create(python.parents[1], with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", UNIQC], check=True)
        played = subprocess.run(
            [python, Path(__file__).with_name("play_records.py")],
            env={**os.environ, "HOME": str(home)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        store = directory / f"{NAME}.sqlite"
        store.unlink(missing_ok=True)
        with closing(sqlite3.connect(home / ".uniqc" / "cache" / "tasks.sqlite")) as made:
            made.execute("VACUUM INTO ?", (str(store),))
    labels = json.dumps(json.loads(played.stdout.splitlines()[-1]), indent=1)
    store.with_suffix(".json").write_text(f"{labels}\n")
    sys.stdout.write(f"{store}\n")


if __name__ == "__main__":
    main()
