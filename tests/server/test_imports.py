"""What a start imports: no more than it must, as every client waits for it."""

from __future__ import annotations

import json
import subprocess
import sys

SDK = "from mcp.server import MCPServer"

FOR_THE_WEB = {
    *("http", "socketserver", "ssl", "wsgiref", "xmlrpc", "urllib.request", "ftplib"),
    *("starlette", "uvicorn", "httpx", "httpx2", "httpcore", "httpcore2", "requests", "aiohttp"),
    *("h11", "sse_starlette", "python_multipart", "truststore"),
    *("cryptography", "jwt", "cffi", "OpenSSL", "opentelemetry"),
}


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


def test_the_command_line_imports_neither_the_sdk_nor_anything_for_the_web() -> None:
    loaded = loaded_by("import uniqc_mcp.cli")
    assert "uniqc_mcp.cli" in loaded
    assert third_party(loaded) == {"click"}
    assert not loaded & FOR_THE_WEB


def test_the_server_imports_no_package_that_the_sdk_does_not_import_by_itself() -> None:
    loaded = loaded_by("import uniqc_mcp.app, uniqc_mcp.cli, uniqc_mcp.stdio")
    assert "uniqc_mcp.app" in loaded
    assert third_party(loaded) <= third_party(loaded_by(SDK)) | {"click"}


def test_a_server_that_only_reads_imports_neither_clearing_nor_the_reading_of_results() -> None:
    loaded = loaded_by(
        "from uniqc_mcp.app import build_server, build_store\n"
        "from uniqc_mcp.settings import Settings\n"
        "build_server(build_store(Settings()))"
    )
    late = {
        "clear_tools",
        "plans",
        "consent",
        "results",
        "large_results",
        "histograms",
        "demo",
        "doctor",
    }
    assert not loaded & {f"uniqc_mcp.{name}" for name in late}


def test_the_store_imports_the_standard_library_only() -> None:
    assert third_party(loaded_by("import uniqc_store")) == set()
