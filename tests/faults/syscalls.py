"""Runs a function in a child process, and kills it at the nth system call that changes a file.

The child is traced with ptrace(2). It is stopped as it enters each system call, so a kill leaves
the files as all calls before it made them: within a commit too. Linux on x86-64 and arm64 only.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# By number: calls whose first argument is a descriptor, and calls with a path at that argument.
_BY_DESCRIPTOR = {
    "x86_64": {1: "write", 18: "pwrite64", 74: "fsync", 75: "fdatasync", 77: "ftruncate"},
    "aarch64": {64: "write", 68: "pwrite64", 82: "fsync", 83: "fdatasync", 46: "ftruncate"},
}
_BY_PATH = {"x86_64": {87: ("unlink", 0)}, "aarch64": {35: ("unlinkat", 1)}}

SUPPORTED = sys.platform == "linux" and platform.machine() in _BY_DESCRIPTOR

_TRACEME, _SYSCALL, _SETOPTIONS, _SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_OPTIONS = 0x1 | 0x100000
"""Mark stops at system calls; end the child with its tracer."""

_STOP_AT_SYSCALL = signal.SIGTRAP | 0x80
_ENTRY = 1
_INFO_BYTES = 88


def run_traced(act: Callable[[], None], directory: Path, *, kill_at: int | None = None) -> int:
    """Run a function in a child, and return the number of its calls that change files.

    Args:
        act: The function. An exception of it is raised here as a ``RuntimeError``.
        directory: The directory of the files.
        kill_at: The number, from 1, of the call before which the child is killed.
    """
    child = os.fork()
    if child == 0:
        _be_traced(act)
    os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, 0, _OPTIONS)
    return _follow(child, directory, kill_at)


def _be_traced(act: Callable[[], None]) -> None:
    code = 1
    try:
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _follow(child: int, directory: Path, kill_at: int | None) -> int:
    calls, deliver = 0, 0
    while True:
        _ptrace(_SYSCALL, child, 0, deliver)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            if status:
                raise RuntimeError(f"the traced child ended with {status}")
            return calls
        deliver = 0
        if os.WSTOPSIG(status) != _STOP_AT_SYSCALL:
            deliver = os.WSTOPSIG(status)
        elif _changes_file(child, directory):
            calls += 1
            if calls == kill_at:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return calls


def _changes_file(child: int, directory: Path) -> bool:
    """Return True if the child enters a call that changes a file of the directory."""
    info = ctypes.create_string_buffer(_INFO_BYTES)
    _ptrace(_SYSCALL_INFO, child, _INFO_BYTES, ctypes.addressof(info))
    entering, number, *arguments = struct.unpack_from("=B23xQ3Q", info.raw)
    machine = platform.machine()
    if entering != _ENTRY:
        return False
    if number in _BY_DESCRIPTOR[machine]:
        return _path_of(child, arguments[0]).parent == directory
    if number in _BY_PATH[machine]:
        _, place = _BY_PATH[machine][number]
        return _text_at(child, arguments[place]).parent == directory
    return False


def _path_of(child: int, descriptor: int) -> Path:
    try:
        return Path(f"/proc/{child}/fd/{descriptor}").readlink()
    except OSError:
        return Path()


def _text_at(child: int, address: int) -> Path:
    with Path(f"/proc/{child}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return Path(os.fsdecode(memory.read(256).partition(b"\0")[0]))


def _ptrace(request: int, process: int, address: int, data: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    call.restype = ctypes.c_long
    if call(request, process, address, data) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace({request:#x}): {os.strerror(code)}")
