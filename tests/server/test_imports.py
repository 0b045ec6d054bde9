"""What a start imports: no more than it must, as every client waits for it."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import uniqc_store
from uniqc_mcp import server, settings
from uniqc_mcp.clearing import consent, tools
from uniqc_mcp.cli import commands, demo, doctor
from uniqc_mcp.protocol import stdio
from uniqc_mcp.results import histogram, streaming, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

SDK = "from mcp.server import MCPServer"

WEB_OF_PYTHON = {"http", "socketserver", "ssl", "wsgiref", "xmlrpc", "urllib.request", "ftplib"}
WEB_OF_OTHERS = {
    *("starlette", "uvicorn", "httpx", "httpx2", "httpcore", "httpcore2", "requests", "aiohttp"),
    *("h11", "sse_starlette", "python_multipart", "truststore"),
    *("cryptography", "jwt", "cffi", "OpenSSL", "opentelemetry"),
}

LATE = {
    module.__name__
    for module in (
        tools,
        consent,
        summary,
        streaming,
        histogram,
        demo,
        doctor,
    )
}
"""Imported by what needs them alone. They are handed over as modules: a name in a string would go
on not being loaded once its module has another."""


def loaded_by(statement: str) -> set[str]:
    """The modules that are there after a statement, but not without it."""
    code = (
        "import json, sys\nbefore = set(sys.modules)\n"
        f"{statement}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stdout)
    return set(modules)


def third_party(modules: set[str]) -> set[str]:
    """The top-level packages among modules that neither Python brings nor this project."""
    packages = {module.partition(".")[0] for module in modules}
    ours = {"uniqc_mcp", "uniqc_store"}
    return {name for name in packages if name not in sys.stdlib_module_names} - ours


def imported_by(file: Path) -> Iterator[str]:
    """What a file imports by its whole name, wherever in it that stands."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_the_command_line_imports_neither_the_sdk_nor_anything_for_the_web() -> None:
    loaded = loaded_by(f"import {commands.__name__}")
    assert commands.__name__ in loaded
    assert third_party(loaded) == {"click"}
    assert not loaded & (WEB_OF_PYTHON | WEB_OF_OTHERS)


@pytest.mark.parametrize("name", sorted(WEB_OF_PYTHON))
def test_what_python_brings_for_the_web_has_that_name(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


def test_the_server_imports_no_package_that_the_sdk_does_not_import_by_itself() -> None:
    loaded = loaded_by(f"import {server.__name__}, {commands.__name__}, {stdio.__name__}")
    assert server.__name__ in loaded
    assert third_party(loaded) <= third_party(loaded_by(SDK)) | {"click"}


def test_a_server_that_only_reads_imports_neither_clearing_nor_the_reading_of_results() -> None:
    loaded = loaded_by(
        f"from {server.__name__} import build_server, build_store\n"
        f"from {settings.__name__} import Settings\n"
        "build_server(build_store(Settings()))"
    )
    assert server.__name__ in loaded
    assert not loaded & LATE


def test_the_store_imports_the_standard_library_only() -> None:
    assert third_party(loaded_by(f"import {uniqc_store.__name__}")) == set()


def test_no_file_of_the_store_names_anything_else_not_even_inside_a_function() -> None:
    (folder,) = map(Path, uniqc_store.__path__)
    files = list(folder.rglob("*.py"))
    assert folder / "__init__.py" in files
    named = {name.partition(".")[0] for file in files for name in imported_by(file)}
    ours = uniqc_store.__name__
    assert ours in named
    assert named - {ours} <= sys.stdlib_module_names
