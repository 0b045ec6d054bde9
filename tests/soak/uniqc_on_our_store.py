"""A pytest plugin: runs uniqc's own tests on this package's ``TaskStore``, or on uniqc's.

Takes ``STORE_UNDER_TEST`` (``ours`` or ``uniqc``) and ``STORE_REPORT`` from the environment; the
latter is the file to append a line of JSON to for each test. All else stays uniqc's.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import uniqc_store

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_PARENTS = ("uniqc.backend_adapter", "uniqc")
"""The packages that the module ``task.store`` is in, since 0.0.8 and before."""

_seen: dict[str, Any] = {"opened": False, "missing": []}
"""Facts about the test that runs: whether it opened a store, and what the store did not have."""


def pytest_configure() -> None:
    """Put a recording store in place of uniqc's, wherever uniqc has imported it."""
    module = _store_module()
    theirs = module.TaskStore
    store = _recording(uniqc_store.TaskStore if _ours() else theirs, module, makes_file=theirs)
    for name, imported in list(sys.modules.items()):
        if name.startswith("uniqc.") and vars(imported).get("TaskStore") is theirs:
            imported.TaskStore = store  # type: ignore[attr-defined]


def pytest_runtest_setup() -> None:
    """Begin the facts about a test."""
    _seen.update(opened=False, missing=[])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Append what became of a test, once it has ended or could not begin."""
    if report.when != "call" and report.passed:
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    line = {
        "test": report.nodeid,
        "outcome": report.outcome,
        "message": crash.message if crash else "",
        **_seen,
    }
    with open(os.environ["STORE_REPORT"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(json.dumps(line) + "\n")


def _ours() -> bool:
    return {"ours": True, "uniqc": False}[os.environ["STORE_UNDER_TEST"]]


def _store_module() -> Any:
    importlib.import_module("uniqc")
    (parent, *_) = [name for name in _PARENTS if importlib.util.find_spec(name) is not None]
    return importlib.import_module(f"{parent}.task.store")


def _recording(base: Any, module: Any, *, makes_file: Any) -> type:
    """Return a subclass of a store that records its use and the names that it lacks.

    uniqc's own store makes the file, with the schema of its release, which may have a place for
    ``error_message``.
    """

    def lacks(name: str) -> AttributeError:
        _seen["missing"].append(name)
        return AttributeError(name)

    class Recording(type):
        def __getattr__(cls, name: str) -> Any:
            raise lacks(name)

    class TaskStore(base, metaclass=Recording):  # type: ignore[misc]
        def __init__(self, cache_dir: Path | str | None = None) -> None:
            _seen["opened"] = True
            # As in uniqc, whose tests change this name.
            directory = module.DEFAULT_CACHE_DIR if cache_dir is None else cache_dir
            makes_file(directory)
            base.__init__(self, directory)

        def __getattr__(self, name: str) -> Any:
            raise lacks(name)

    return TaskStore
