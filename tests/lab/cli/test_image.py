"""The image of examples/lab has what the package is built from, and no more of the clone."""

from __future__ import annotations

import re
import tomllib
from pathlib import PurePosixPath

from tests.lab.cli.test_documentation import EXAMPLES, ROOT


def copied() -> set[str]:
    """Return the paths of the clone that the Dockerfile copies."""
    lines = re.findall(r"^COPY (.*) \S+$", (EXAMPLES / "Dockerfile").read_text(), re.MULTILINE)
    return {path for line in lines for path in line.split()}


def test_the_image_gets_what_the_package_is_built_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {PurePosixPath(package).parts[0] for package in wheel["packages"]}
    assert copied() == needed
