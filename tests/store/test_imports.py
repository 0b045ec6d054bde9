"""Modules that ``uniqc_store`` imports on first use."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

import uniqc_store

LAZY = ["clearing.backup", "clearing.commit", "watch.changes", "watch.task_watch"]


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """Return the modules that are loaded after an import of the package and one read."""
    code = (
        "import json, sys\n"
        "from uniqc_store import TaskFilter, TaskStore\n"
        "TaskStore('/nowhere', read_only=True).search(TaskFilter(status='active'), limit=1)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stdout)
    return modules


@pytest.mark.parametrize("name", LAZY)
def test_a_read_does_not_import_a_lazy_module(name: str, loaded: list[str]) -> None:
    module = f"uniqc_store.{name}"
    assert find_spec(module) is not None
    assert "uniqc_store.store" in loaded
    assert module not in loaded


def test_every_public_name_can_be_imported() -> None:
    for name in uniqc_store.__all__:
        assert getattr(uniqc_store, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TaskStoer'"):
        _ = getattr(uniqc_store, "TaskStoer")  # noqa: B009 - mypy knows that there is no such name
