"""uniqc's own store, loaded by itself."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

UNIQC = "uniqc 0.1.1"


class UniqcStore(Protocol):
    """The part of its API that is measured."""

    def list(
        self, *, status: str | None = None, backend: str | None = None, limit: int | None = None
    ) -> list[object]:
        """Return the newest tasks that match."""
        ...

    def count(self, *, status: str | None = None, backend: str | None = None) -> int:
        """Return the number of tasks that match."""
        ...

    def get(self, task_id: str) -> object:
        """Return a task by uniqc's id."""
        ...

    def find_uniqc_id_by_platform_id(self, platform_task_id: str) -> str | None:
        """Return uniqc's id of the task to which a platform gave an id."""
        ...


def load(module: Path, cache_dir: Path) -> UniqcStore:
    """Return uniqc's own store over a cache.

    Args:
        module: The source of the store, which imports nothing of its package.
        cache_dir: The cache directory.
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
