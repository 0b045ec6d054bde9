"""Imports at startup. Every client waits for them, so there are no unnecessary ones."""

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

STANDARD_WEB_MODULES = {
    "http",
    "socketserver",
    "ssl",
    "wsgiref",
    "xmlrpc",
    "urllib.request",
    "ftplib",
}
THIRD_PARTY_WEB_MODULES = {
    *("starlette", "uvicorn", "httpx", "httpx2", "httpcore", "httpcore2", "requests", "aiohttp"),
    *("h11", "sse_starlette", "python_multipart", "truststore"),
    *("cryptography", "jwt", "cffi", "OpenSSL", "opentelemetry"),
}

LAZY_MODULES = {
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
"""Modules that are imported only where they are needed.

The tuple holds modules, not strings. After a rename, a string would never be found loaded, and the
test could not fail.
"""


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads."""
    code = (
        "import json, sys\nbefore = set(sys.modules)\n"
        f"{statement}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stdout)
    return set(modules)


def third_party(modules: set[str]) -> set[str]:
    """Return the top-level packages that belong neither to Python nor to this project."""
    packages = {module.partition(".")[0] for module in modules}
    ours = {"uniqc_mcp", "uniqc_store"}
    return {name for name in packages if name not in sys.stdlib_module_names} - ours


def imported_by(file: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_the_command_line_imports_neither_the_sdk_nor_web_modules() -> None:
    loaded = loaded_by(f"import {commands.__name__}")
    assert commands.__name__ in loaded
    assert third_party(loaded) == {"click"}
    assert not loaded & (STANDARD_WEB_MODULES | THIRD_PARTY_WEB_MODULES)


@pytest.mark.parametrize("name", sorted(STANDARD_WEB_MODULES))
def test_each_standard_web_module_exists(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


def test_the_server_imports_no_packages_beyond_those_of_the_sdk_and_click() -> None:
    loaded = loaded_by(f"import {server.__name__}, {commands.__name__}, {stdio.__name__}")
    assert server.__name__ in loaded
    assert third_party(loaded) <= third_party(loaded_by(SDK)) | {"click"}


def test_a_read_only_server_imports_no_lazy_modules() -> None:
    loaded = loaded_by(
        f"from {server.__name__} import build_server, build_store\n"
        f"from {settings.__name__} import Settings\n"
        "build_server(build_store(Settings()))"
    )
    assert server.__name__ in loaded
    assert not loaded & LAZY_MODULES


def test_the_store_imports_the_standard_library_only() -> None:
    assert third_party(loaded_by(f"import {uniqc_store.__name__}")) == set()


def test_imports_inside_functions_of_the_store_are_standard_library_too() -> None:
    (folder,) = map(Path, uniqc_store.__path__)
    files = list(folder.rglob("*.py"))
    assert folder / "__init__.py" in files
    named = {name.partition(".")[0] for file in files for name in imported_by(file)}
    ours = uniqc_store.__name__
    assert ours in named
    assert named - {ours} <= sys.stdlib_module_names
