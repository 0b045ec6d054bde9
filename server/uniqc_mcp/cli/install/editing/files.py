"""Reading and writing a configuration file: whole or not at all, with a backup beside it."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from uniqc_mcp.cli.install.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Generator


def backup_of(file: Path) -> Path:
    """Return the path of the backup beside a file."""
    return file.with_name(f"{file.name}.before-uniqc-mcp")


def read(file: Path) -> bytes | None:
    """Return the content of a file, None if there is none.

    Raises:
        InstallError: It can't be read.
    """
    with _told(file, "read"):
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None


def write(file: Path, before: bytes | None, after: bytes) -> None:
    """Replace the content of a file, of which a backup is left beside it.

    A link stays a link, and the mode stays. At each moment the file is the old one or the new one.

    Raises:
        InstallError: It can't be written, or its content is no longer the one before.
    """
    with _told(file, "written"):
        target = Path(os.path.realpath(file))
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600
        if before is not None:
            mode = stat.S_IMODE(target.stat().st_mode)
            if not os.access(target, os.W_OK):
                raise InstallError(f"{file} is read-only, and was left alone.")
            back_up(file, before)
        if read(file) != before:
            raise InstallError(f"{file} was changed by another program meanwhile. Try again.")
        _replace(target, after, mode)


def back_up(file: Path, content: bytes) -> None:
    """Leave a copy of the content of a file beside it, with the same mode.

    Raises:
        InstallError: It can't be written.
    """
    backup = backup_of(file)
    with _told(backup, "written"):
        _replace(backup, content, stat.S_IMODE(file.stat().st_mode))


def remove(file: Path) -> None:
    """Remove a file that held nothing but our entry. A link to it stays, as it was before.

    Raises:
        InstallError: It can't be removed.
    """
    with _told(file, "removed"):
        Path(os.path.realpath(file)).unlink()


def remove_empty_folders(file: Path, root: Path) -> None:
    """Remove the empty folders above a file, up to a folder that stays."""
    for folder in file.parents:
        if folder == root or root not in folder.parents:
            return
        try:
            folder.rmdir()
        except OSError:  # it holds something, is a link, or belongs to another user
            return


def _replace(target: Path, content: bytes, mode: int) -> None:
    """Put a new file in place of another, by a rename in the same folder."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _told(file: Path, done: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise InstallError(f"{file} can't be {done}: {error.strerror}.") from error
