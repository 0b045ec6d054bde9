"""The store of uniqc 0.1.1 from the package registry, for scripts that simulate uniqc."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGES = (
    "uniqc",
    "uniqc.backend_adapter",
    "uniqc.backend_adapter.task",
    "uniqc.gateway",
    "uniqc.gateway.db",
)


def install_uniqc(site: Path) -> None:
    """Install uniqc into a directory, without its dependencies."""
    install = ["install", "-q", "--no-deps", "--target", str(site), "unified-quantum==0.1.1"]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)


def uniqc_modules(site: Path) -> tuple[Any, Any]:
    """Return uniqc's store and archive modules, without the packages around them.

    They read HOME when they are imported, so it must be set before.
    """
    for name in _PACKAGES:
        package = types.ModuleType(name)
        package.__path__ = [str(site.joinpath(*name.split(".")))]
        sys.modules[name] = package
    return (
        importlib.import_module("uniqc.backend_adapter.task.store"),
        importlib.import_module("uniqc.gateway.db.archive_store"),
    )
