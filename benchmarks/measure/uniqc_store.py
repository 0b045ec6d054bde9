"""uniqc's own store, loaded by itself."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

UNIQC = "uniqc 0.1.1"


class UniqcStore(Protocol):
    """As much of its API as is measured."""

    def list(
        self, *, status: str | None = None, backend: str | None = None, limit: int | None = None
    ) -> list[object]: ...

    def count(self, *, status: str | None = None, backend: str | None = None) -> int: ...

    def get(self, task_id: str) -> object: ...

    def find_uniqc_id_by_platform_id(self, platform_task_id: str) -> str | None: ...


def load(module: Path, cache_dir: Path) -> UniqcStore:
    """A store of uniqc's over a cache.

    Args:
        module: Its source; it needs nothing of the package around it.
        cache_dir: The cache.
    """
    name = "store_of_uniqc_itself"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, module)
        if spec is None or spec.loader is None:
            raise ImportError(f"no module: {module.name}")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    store: UniqcStore = sys.modules[name].TaskStore(cache_dir)
    return store
