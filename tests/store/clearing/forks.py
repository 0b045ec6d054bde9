"""Run a program again and again, each time in a fork of one process that has imported it.

    python -m tests.store.clearing.forks MODULE

The process reads a line of arguments as JSON, calls the module's ``main`` with them in a fork, and
writes the exit code and the output of the fork as JSON. A fork takes a tenth of the time of a new
interpreter. A process of its own forks, because one with threads, as that of pytest, must not.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

ROOT = Path(__file__).parents[3]


@contextmanager
def forks_of(module: str) -> Generator[Callable[..., tuple[int, str]]]:
    """Yield a function that runs a module's ``main`` and returns the exit code and the output.

    The code is negative for a signal, as that of ``subprocess``.
    """
    command = [sys.executable, "-m", __name__, module]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        wire_in, wire_out = process.stdin, process.stdout

        def run(*arguments: object) -> tuple[int, str]:
            wire_in.write(json.dumps([str(argument) for argument in arguments]) + "\n")
            wire_in.flush()
            code, output = json.loads(wire_out.readline())
            return code, output.strip()

        yield run
        wire_in.close()


def _serve(main: Callable[[list[str]], None]) -> None:
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as output:
            child = os.fork()
            if child == 0:
                _run(main, json.loads(line), output.fileno())
            _, status = os.waitpid(child, 0)
            output.seek(0)
            ended = [os.waitstatus_to_exitcode(status), output.read()]
            print(json.dumps(ended), flush=True)  # noqa: T201 - the answer


def _run(main: Callable[[list[str]], None], arguments: list[str], output: int) -> None:
    code = 1
    try:
        os.dup2(output, 1)
        main(arguments)
        sys.stdout.flush()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve(importlib.import_module(sys.argv[1]).main)
