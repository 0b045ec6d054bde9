"""Examples end with the server's sentence, and no traceback, where a store can't be read."""

from __future__ import annotations

import ast
import io
import os
import re
import runpy
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import mcp
import pytest
from mcp import StdioServerParameters

from uniqc_mcp.cli.commands import serve
from uniqc_mcp.cli.options import clear_settings
from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import Settings
from uniqc_store import DB_FILENAME, TaskStore

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from uniqc_mcp.task_server import TaskServer

EXAMPLES = Path(__file__).parents[2] / "examples"

ARGUMENTS = {
    "ask.py": ["{cache}"],
    "ask_before_clearing.py": ["{cache}"],
    "nightly_cleanup.py": ["{cache}"],
    "editor_watch.py": ["--cache-dir", "{cache}"],
    "editor_watch.py --legacy": ["--legacy", "--cache-dir", "{cache}"],
    "wait_for_result.py": ["a-task", "--cache-dir", "{cache}"],
}
"""The arguments by which each example asks about a cache of the user's."""

NOT_OF_A_CACHE = {"use_the_store.py"}
"""Examples that make a cache of their own, and ask about no other."""


@contextmanager
def damaged(cache: Path) -> Generator[None]:
    (cache / DB_FILENAME).write_text("Dear diary, " * 1_000)
    yield


@contextmanager
def forbidden(cache: Path) -> Generator[None]:
    TaskStore(cache).clear_completed()
    (cache / DB_FILENAME).chmod(0)
    is_root = os.geteuid() == 0  # who may read every file
    try:
        if is_root:
            os.seteuid(65534)
        yield
    finally:
        if is_root:
            os.seteuid(0)


@contextmanager
def missing(cache: Path) -> Generator[None]:
    cache.rmdir()
    yield


BROKEN: dict[Callable[[Path], AbstractContextManager[None]], str] = {
    damaged: "is not an SQLite database",
    forbidden: "readable directory and that this user may read it",
    missing: "there is no directory of that name",
}
"""The ways in which a store is broken, and a part of what the server says."""


@pytest.fixture
def cache() -> Generator[Path]:
    """Return an empty directory that every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="uniqc-examples-") as name:
        Path(name).chmod(0o755)
        (Path(name) / "cache").mkdir()
        yield Path(name) / "cache"


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve each example in this process, by the options that it would start a server with."""

    def served(command: str, args: list[str]) -> TaskServer:
        assert [command, *args[:2]] == [sys.executable, "-m", "uniqc_mcp"]
        given = serve.make_context("serve", args[2:]).params
        cache_dir, max_wait = given.pop("cache_dir"), given.pop("max_wait")
        del given["log_level"], given["eager"]
        settings = Settings(
            cache_dir=cache_dir, clearing=clear_settings(**given), max_wait=max_wait
        )
        return build_server(build_store(settings), settings)

    monkeypatch.setattr(mcp, "StdioServerParameters", served)

    def unchanged(server: TaskServer) -> TaskServer:
        return server

    monkeypatch.setattr(mcp, "stdio_client", unchanged)


def ended(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run an example on a cache; return what it gives to ``sys.exit``, None at its end."""
    example = EXAMPLES / name.split(maxsplit=1)[0]
    arguments = [argument.format(cache=cache) for argument in ARGUMENTS[name]]
    monkeypatch.setattr(sys, "argv", [str(example), *arguments])
    monkeypatch.setattr(sys, "path", [str(EXAMPLES), *sys.path])
    try:
        runpy.run_path(str(example), run_name="__main__")
    except SystemExit as exit_:
        return exit_.code
    return None


class Terminal(io.StringIO):
    """A terminal whose user presses Ctrl-C on seeing a text."""

    def __init__(self, interrupts: str) -> None:
        super().__init__()
        self._interrupts = interrupts

    def write(self, text: str) -> int:
        if self._interrupts and self._interrupts in text:
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_example_ends_with_the_sentence_of_the_server(
    name: str,
    broken: Callable[[Path], AbstractContextManager[None]],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sentence = BROKEN[broken]
    terminal = Terminal(sentence if name.startswith("editor_watch") else "")
    monkeypatch.setattr(sys, "stdout", terminal)
    with broken(cache):
        code = ended(name, cache, monkeypatch)
    said = f"{terminal.getvalue()}{code or ''}"
    assert sentence in said
    assert str(cache) in said


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_example_ends_where_the_server_does_not_start(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaves_at_once(command: str, args: list[str]) -> StdioServerParameters:
        del command, args
        return StdioServerParameters(command="false")

    monkeypatch.setattr(mcp, "StdioServerParameters", leaves_at_once)
    assert ended(name, cache, monkeypatch) == "Connection closed"


def test_each_example_is_tried_or_asks_about_no_cache() -> None:
    tried = {name.split()[0] for name in ARGUMENTS}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tried | NOT_OF_A_CACHE


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_says_how_long_it_takes(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert re.search(r"takes\s(some \w+ seconds|less than a second)", docstring)
