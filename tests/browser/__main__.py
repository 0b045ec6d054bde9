"""Run the tests of the views; arguments go to pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.browser.chromium import browser_path
from tests.conftest import IN_BROWSER


def main() -> int:
    try:
        browser_path()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    # Each process of xdist would start a browser of its own.
    command = [sys.executable, "-m", "pytest", "-n", "0", str(Path(__file__).parent), *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, IN_BROWSER: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
