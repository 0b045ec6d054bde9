"""Runs of the agents in ``examples/frameworks``; imported by the programs beside it."""

import io
import runpy
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from calls import check

EXAMPLES = Path(__file__).with_name("examples")


def check_example(name, server):
    """Check what an agent says of the sample, and of a file that can't be read."""
    said = _said(name, server)
    check(said.startswith("4 active tasks") and "vqe step 18" in said, name, said)
    with tempfile.TemporaryDirectory(prefix="uniqc-damaged-") as directory:
        (Path(directory) / "tasks.sqlite").write_text("Dear diary, " * 1_000)
        given = server.index("--cache-dir") + 1
        said = _said(name, [*server[:given], directory, *server[given + 1 :]])
    check(said.startswith("The task store can't be read") and "doctor" in said, name, said)


def _said(name, server):
    # In this process, as importing a framework takes up to five seconds.
    printed = io.StringIO()
    sys.argv = [name, *server]
    with redirect_stdout(printed):
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return printed.getvalue()
