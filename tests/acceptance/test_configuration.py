"""What the configuration names is there, and what is there is checked.

A check of a file, a module or a test that has another name by now would hold for ever.
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
    """The Python files below these folders, by their paths in the repository."""
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert found
    return sorted(found)


def alternatives(pattern: str) -> Iterator[str]:
    """The patterns that one with braces stands for."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if found is None:
        yield pattern
        return
    for one in found[1].split(","):
        yield from alternatives(pattern[: found.start()] + one + pattern[found.end() :])


EXCEPTIONS = list(chain.from_iterable(map(alternatives, TOOL["ruff"]["lint"]["per-file-ignores"])))


@pytest.mark.parametrize("pattern", EXCEPTIONS)
def test_an_exception_from_the_linter_is_for_files_that_are_there(pattern: str) -> None:
    assert [file for file in files(*CHECKED) if fnmatchcase(file, pattern)]


def test_every_checker_is_given_every_folder() -> None:
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
def test_every_path_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


# Import contracts


def folders_of(package: Path) -> Iterator[str]:
    """The names of a package and of those in it, as far as there are modules to put in order."""
    for file in package.rglob("__init__.py"):
        folder = file.parent
        if any(path.stem != "__init__" for path in folder.rglob("*.py")):
            yield ".".join(folder.relative_to(package.parent).parts)


def orders(contract: dict[str, Any], folder: str) -> bool:
    """Whether a contract says something of each module in a folder, of new ones too."""
    match contract["type"]:
        case "layers":
            return folder in contract.get("containers", []) and contract.get("exhaustive", False)
        case "acyclic_siblings":
            ancestors: list[str] = contract["ancestors"]
            return any(f"{folder}.".startswith(f"{ancestor}.") for ancestor in ancestors)
        case _:
            return False


@pytest.mark.parametrize("folder", sorted(chain.from_iterable(map(folders_of, PACKAGES))))
def test_the_imports_in_each_folder_are_under_a_contract(folder: str) -> None:
    assert [contract["name"] for contract in CONTRACTS if orders(contract, folder)]


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


def named_as_tests(nodes: Iterable[ast.AST]) -> set[str]:
    return {
        node.name
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    }


def test_each_test_is_where_it_is_found() -> None:
    """On top of a file that is named as one of tests, and in no class or function."""
    for file in files("tests"):
        found = named_as_tests(tree(file).body)
        assert named_as_tests(ast.walk(tree(file))) == found, file
        assert bool(found) == Path(file).name.startswith("test_"), file


def words_of(file: str) -> Iterator[str]:
    """Every name that is used in a file, as such, as an argument or in a string."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_a_function_beside_the_tests_is_used() -> None:
    """One that lost the beginning of its name, by which pytest knows it for a test, is not."""
    used = {word for file in files("tests") for word in words_of(file)}
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
        )  # a fixture that nobody asks for
    ]
    assert unused == []


def test_no_conftest_makes_settings_for_random_tests_as_it_is_read() -> None:
    """It may be read before the profile is chosen, and they would keep to another."""
    conftests = [file for file in files("tests") if Path(file).name == "conftest.py"]
    assert conftests
    made = {
        f"{file}:{node.lineno}"
        for file in conftests
        for on_top in tree(file).body
        if not isinstance(on_top, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(on_top)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("settings")
    }
    assert made == set()


def test_random_examples_are_the_same_by_default_and_new_on_a_schedule() -> None:
    profile = re.compile(r"--hypothesis-profile=(\w+)")
    (by_default,) = profile.findall(TOOL["pytest"]["ini_options"]["addopts"])
    assert settings.get_profile(by_default).derandomize
    (scheduled,) = profile.findall((ROOT / ".ci" / "new-examples").read_text())
    assert profile.findall((ROOT / "README.md").read_text()) == [scheduled]
    new = settings.get_profile(scheduled)
    assert (new.derandomize, new.deadline) == (False, None)


# Examples


def test_every_example_is_run_by_ci() -> None:
    assert "examples=(examples/*.py " in (ROOT / ".ci" / "run").read_text()
    assert {str(Path(file).parent) for file in files("examples")} == {"examples"}
