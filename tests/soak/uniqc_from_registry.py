"""The store of a uniqc release from the package registry, for scripts that simulate uniqc."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NEWEST = "0.1.1"

_PACKAGES = (
    "uniqc",
    "uniqc.backend_adapter",
    "uniqc.backend_adapter.task",
    "uniqc.gateway",
    "uniqc.gateway.db",
)
_OLD_PACKAGES = ("uniqc", "uniqc.task")
"""The packages that the store is in up to 0.0.7."""


def install_uniqc(site: Path, release: str = NEWEST) -> None:
    """Install uniqc into a directory, without its dependencies."""
    install = ["install", "-q", "--no-deps", "--target", str(site), f"unified-quantum=={release}"]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)


def uniqc_modules(site: Path) -> tuple[Any, Any]:
    """Return uniqc's store and archive modules, without the packages around them.

    They read HOME when they are imported, so it must be set before.
    """
    _stand_in_for(site, _PACKAGES)
    return (
        importlib.import_module("uniqc.backend_adapter.task.store"),
        importlib.import_module("uniqc.gateway.db.archive_store"),
    )


def old_store_module(site: Path) -> Any:
    """Return the store module of a release up to 0.0.7, which has no archive."""
    _stand_in_for(site, _OLD_PACKAGES)
    return importlib.import_module("uniqc.task.store")


def _stand_in_for(site: Path, packages: tuple[str, ...]) -> None:
    for name in packages:
        package = types.ModuleType(name)
        package.__path__ = [str(site.joinpath(*name.split(".")))]
        sys.modules[name] = package
