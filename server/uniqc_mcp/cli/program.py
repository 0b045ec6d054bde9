"""The name by which this program can be started again."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "uniqc-mcp"


def program_name() -> str:
    """Return the command's name, or its path where the name is not on PATH, as in a new venv."""
    beside = Path(sys.executable).with_name(_NAME)
    return str(beside) if shutil.which(_NAME) is None and beside.exists() else _NAME
