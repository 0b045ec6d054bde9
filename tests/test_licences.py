"""The table of licences names what is installed, and only licences that ask for a notice."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TABLE = Path(__file__).parents[1] / "docs" / "licences.md"
PERMISSIVE = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "PSF-2.0",
}
_CLASSIFIED = {"MIT License": "MIT"}


def installed_with(name: str, *extras_of_it: str) -> set[str]:
    """Return the names of a distribution and of all that it requires here."""
    found = dict[str, frozenset[str]]()
    to_visit = [(name, frozenset(extras_of_it))]
    while to_visit:
        name, extras = to_visit.pop()
        key = canonicalize_name(name)
        if key in found and extras <= found[key]:
            continue
        found[key] = found.get(key, frozenset()) | extras
        for line in distribution(name).requires or []:
            requirement = Requirement(line)
            environments = [{"extra": extra} for extra in {"", *extras}]
            marker = requirement.marker
            if marker is None or any(map(marker.evaluate, environments)):
                to_visit.append((requirement.name, frozenset(requirement.extras)))
    return set(found)


def licence_of(name: str) -> str:
    """Return the licence that the metadata of a distribution give."""
    metadata = distribution(name).metadata
    if stated := metadata.get_all("License-Expression") or metadata.get_all("License"):
        return str(stated[0])
    classifiers = metadata.get_all("Classifier") or []
    (classified,) = (line for line in classifiers if line.startswith("License ::"))
    return _CLASSIFIED[classified.rpartition(" :: ")[2]]


def listed() -> dict[str, str]:
    rows = re.findall(r"^\| `(\S+)` \| (.+) \|$", TABLE.read_text(), flags=re.MULTILINE)
    return {canonicalize_name(name): licence for name, licence in rows}


def test_each_installed_distribution_is_listed_with_its_licence() -> None:
    installed = installed_with("uniqc-mcp")
    assert {"mcp", "ijson", "cryptography"} <= installed
    table = listed()
    assert installed <= table.keys()
    for name in installed:
        assert table[name] == licence_of(name), name


def test_each_licence_asks_for_a_notice_at_most() -> None:
    for name, licence in listed().items():
        assert set(re.split(r" (?:AND|OR) ", licence)) <= PERMISSIVE, name


def test_the_licence_of_what_the_extra_lab_adds_is_told() -> None:
    project = tomllib.loads((TABLE.parents[1] / "pyproject.toml").read_text())["project"]
    added = set[str]()
    for line in project["optional-dependencies"]["lab"]:
        requirement = Requirement(line)
        added |= installed_with(requirement.name, *requirement.extras)
    added -= listed().keys()
    text = " ".join(TABLE.read_text().split())
    assert "psycopg" in added
    assert {licence_of(name) for name in added} == {"LGPL-3.0-only"}
    assert "under LGPL-3.0-only" in text
    assert added == {name for name in added if f"`{name}`" in text}
