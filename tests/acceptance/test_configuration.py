"""Everything that the configuration names exists, and every file is checked.

A check of a file, module or test that was renamed would otherwise pass forever.
"""

from __future__ import annotations

import ast
import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
CONFIGURATION: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOOL: dict[str, Any] = CONFIGURATION["tool"]
CONTRACTS: list[dict[str, Any]] = TOOL["importlinter"]["contracts"]
CHECKED = ("store", "server", "tests", "examples", "benchmarks")
PACKAGES = [ROOT / package for package in TOOL["hatch"]["build"]["targets"]["wheel"]["packages"]]


def files(*folders: str) -> list[str]:
    """Return the Python files below these folders, by their paths in the repository."""
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert found
    return sorted(found)


def expand_braces(pattern: str) -> Iterator[str]:
    """Yield the patterns that a pattern with braces expands to."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if found is None:
        yield pattern
        return
    for one in found[1].split(","):
        yield from expand_braces(pattern[: found.start()] + one + pattern[found.end() :])


PER_FILE_IGNORES = list(
    chain.from_iterable(map(expand_braces, TOOL["ruff"]["lint"]["per-file-ignores"]))
)


@pytest.mark.parametrize("pattern", PER_FILE_IGNORES)
def test_each_per_file_ignore_matches_a_file(pattern: str) -> None:
    assert [file for file in files(*CHECKED) if fnmatchcase(file, pattern)]


def test_every_type_checker_checks_every_folder() -> None:
    assert tuple(TOOL["mypy"]["files"]) == tuple(TOOL["pyright"]["include"]) == CHECKED
    assert {Path(file).parts[0] for file in files(*CHECKED)} == set(CHECKED)


@pytest.mark.parametrize(
    "path",
    [
        *TOOL["pytest"]["ini_options"]["testpaths"],
        *TOOL["ruff"]["src"],
        *TOOL["ruff"]["lint"]["isort"]["known-first-party"],
        *TOOL["mypy"]["mypy_path"],
        *TOOL["pyright"]["ignore"],
        *TOOL["pyright"]["extraPaths"],
        *(path.lstrip("/") for path in TOOL["hatch"]["build"]["targets"]["sdist"]["include"]),
    ],
)
def test_every_configured_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


# Import contracts


def folders_of(package: Path) -> Iterator[str]:
    """Yield the names of a package and its subpackages that contain modules."""
    for file in package.rglob("__init__.py"):
        folder = file.parent
        if any(path.stem != "__init__" for path in folder.rglob("*.py")):
            yield ".".join(folder.relative_to(package.parent).parts)


def covers(contract: dict[str, Any], folder: str) -> bool:
    """Return whether a contract covers every module in a folder, including new ones."""
    match contract["type"]:
        case "layers":
            return folder in contract.get("containers", []) and contract.get("exhaustive", False)
        case "acyclic_siblings":
            ancestors: list[str] = contract["ancestors"]
            return any(f"{folder}.".startswith(f"{ancestor}.") for ancestor in ancestors)
        case _:
            return False


@pytest.mark.parametrize("folder", sorted(chain.from_iterable(map(folders_of, PACKAGES))))
def test_the_imports_in_each_folder_are_covered_by_a_contract(folder: str) -> None:
    assert [contract["name"] for contract in CONTRACTS if covers(contract, folder)]


def test_everything_in_the_store_is_protected_from_the_server() -> None:
    (contract,) = (contract for contract in CONTRACTS if contract["type"] == "protected")
    assert contract["protected_modules"] == ["uniqc_store.*"]
    assert contract["allowed_importers"] == ["uniqc_store"]
    assert not contract.get("ignore_imports")
    assert [path.name for path in PACKAGES] == TOOL["importlinter"]["root_packages"]
    assert "uniqc_store" in TOOL["importlinter"]["root_packages"]


# Tests


@cache
def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def find_tests(nodes: Iterable[ast.AST]) -> set[str]:
    return {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    }


def test_each_test_is_where_pytest_collects_it() -> None:
    """Tests are top-level functions of the files that are named ``test_*.py``."""
    for file in files("tests"):
        found = find_tests(tree(file).body)
        assert find_tests(ast.walk(tree(file))) == found, file
        assert bool(found) == Path(file).name.startswith("test_"), file


def find_words(file: str) -> Iterator[str]:
    """Yield every name, attribute, argument and string in a file."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_helper_function_is_used() -> None:
    """A test that lost the ``test_`` prefix of its name would be an unused function."""
    used = {word for file in files("tests") for word in find_words(file)}
    unused = [
        f"{file}: {node.name}"
        for file in files("tests")
        if Path(file).name.startswith("test_")
        for node in tree(file).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("test")
        and node.name not in used
        and not any(
            "autouse" in ast.unparse(one) for one in node.decorator_list
        )  # no test has to name such a fixture
    ]
    assert unused == []


def test_no_conftest_makes_hypothesis_settings_at_import() -> None:
    """A conftest may be imported before the profile is chosen, and would use another one."""
    conftests = [file for file in files("tests") if Path(file).name == "conftest.py"]
    assert conftests
    settings_calls = {
        f"{file}:{node.lineno}"
        for file in conftests
        for statement in tree(file).body
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("settings")
    }
    assert settings_calls == set()


def test_random_examples_are_fixed_by_default_and_new_in_scheduled_runs() -> None:
    profile = re.compile(r"--hypothesis-profile=(\w+)")
    (by_default,) = profile.findall(TOOL["pytest"]["ini_options"]["addopts"])
    assert settings.get_profile(by_default).derandomize
    (scheduled,) = profile.findall((ROOT / ".ci" / "new-examples").read_text())
    assert profile.findall((ROOT / "CONTRIBUTING.md").read_text()) == [scheduled]
    new = settings.get_profile(scheduled)
    assert (new.derandomize, new.deadline) == (False, None)


# Examples


def test_every_example_is_run_by_ci() -> None:
    assert "examples=(examples/*.py " in (ROOT / ".ci" / "run").read_text()
    folders = {str(Path(file).parent) for file in files("examples")}
    assert folders == {"examples", "examples/frameworks", "examples/common"}
    programs = "".join((ROOT / file).read_text() for file in files("tests/clients/programs"))
    agents = {Path(file).name for file in files("examples/frameworks")}
    assert set(re.findall(r'check_example\("(\w+\.py)"', programs)) == agents
