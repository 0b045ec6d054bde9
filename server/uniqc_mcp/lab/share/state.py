"""The state that ``share`` keeps of one cache directory on one machine, in a file of its own.

The name of the file depends on the machine and on the directory. So a home directory that was
copied to another computer, or that two computers have in common, gives each a state of its own.
"""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import sys
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.lab.share.errors import ShareRefusedError
from uniqc_mcp.safety.display import tilde

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator

_MACHINE_ID: Final = Path("/etc/machine-id")
_STORE_ID: Final = re.compile("[0-9a-f]{32}")
_SECRET: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareState:
    """The state of one cache directory.

    Times are ISO 8601 in UTC; a text is empty where there is nothing to say.

    Attributes:
        store_id: The random name of the cache directory on the server.
        secret: The key of the fingerprints, in hexadecimal digits.
        address: The address of the server.
        audience: Who may see the tasks.
        tried_at: Time of the last pass, whatever became of it.
        passed_at: Time of the last pass that sent everything that the server keeps.
        read_at: Time of the last read of the file of which everything was sent.
        tasks: Number of tasks that the last pass found.
        refused: Number of tasks that the server did not keep in that pass.
        left_out: Number of tasks whose id can't be shared.
        error: The reason why the last try failed; empty if it did not.
        epoch: The server's database at the last answer.
        revision: Its revision of this store at the last answer.
    """

    store_id: str
    secret: str
    address: str = ""
    audience: str = "me"
    tried_at: str = ""
    passed_at: str = ""
    read_at: str = ""
    tasks: int = 0
    refused: int = 0
    left_out: int = 0
    error: str = ""
    epoch: str = ""
    revision: int = 0

    @classmethod
    def new(cls) -> ShareState:
        """Return the state of a store that the server does not know yet."""
        return cls(store_id=secrets.token_hex(16), secret=secrets.token_hex(32))

    def at(self, address: str) -> ShareState:
        """Return the state for a server: without what another server has been told."""
        if address == self.address:
            return self
        return ShareState(store_id=self.store_id, secret=self.secret, address=address)


_TYPES: Final[dict[str, type]] = {
    field.name: {"str": str, "int": int}[str(field.type)] for field in fields(ShareState)
}


class StateFile:
    """The file with the state of one cache directory.

    Args:
        cache_dir: The directory.
        directory: Where such files are; by default below ``$XDG_STATE_HOME``.
    """

    def __init__(self, cache_dir: Path, *, directory: Path | None = None) -> None:
        """Name the file; nothing is read or made yet.

        Raises:
            ShareRefusedError: There is no place for it.
        """
        named = f"{machine_id()}\0{_resolved(cache_dir)}"
        name = blake2b(named.encode(errors="surrogateescape"), digest_size=12).hexdigest()
        self.path = (directory or state_directory()) / f"{name}.json"

    def load(self) -> ShareState | None:
        """Return the state; None if there is none yet.

        Raises:
            ShareRefusedError: The file can't be read, or is not such a file.
        """
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable(str(error)) from error
        try:
            found: Any = json.loads(text)
            state = ShareState(
                **{name: _checked(found[name], kind) for name, kind in _TYPES.items()}
            )
        except (ValueError, TypeError, KeyError) as error:
            raise self._unusable("it is no state of share") from error
        if not (_STORE_ID.fullmatch(state.store_id) and _SECRET.fullmatch(state.secret)):
            raise self._unusable("its store_id or secret is malformed")
        return state

    def save(self, state: ShareState) -> None:
        """Write the state; a process that is killed meanwhile leaves the one before.

        Raises:
            ShareRefusedError: It can't be written.
        """
        draft = self.path.with_suffix(f".{os.getpid()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(opened, "w", encoding="utf-8") as file:
                json.dump(asdict(state), file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise self._unusable(str(error)) from error

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the state, so that no other process shares the same directory.

        Raises:
            ShareRefusedError: Another process does, or the file can't be made.
        """
        lock = self.path.with_suffix(".lock")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = lock.open("a", encoding="utf-8")
        except OSError as error:
            raise self._unusable(str(error)) from error
        with file:
            if not _lock(file.fileno()):
                raise ShareRefusedError(
                    "Another `uniqc-mcp share` runs for this cache directory. End it, or let it be."
                )
            yield

    @property
    def is_locked(self) -> bool:
        """True while a process shares the directory."""
        lock = self.path.with_suffix(".lock")
        try:
            with lock.open("r+", encoding="utf-8") as file:
                return not _lock(file.fileno())
        except OSError:
            return False

    def _unusable(self, reason: str) -> ShareRefusedError:
        return ShareRefusedError(
            f"The state of share, {tilde(self.path)}, can't be used: {reason}. If it is removed, "
            "the tasks are shared as another store, beside the one that the server has."
        )


def state_directory() -> Path:
    """Return the directory of the state files, which may not exist.

    Raises:
        ShareRefusedError: The user has no home, and ``XDG_STATE_HOME`` names no directory.
    """
    given = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    if Path(given).is_absolute():
        base = Path(given)
    else:
        try:
            base = Path("~/.local/state").expanduser()
        except RuntimeError as error:
            raise ShareRefusedError(
                "This user has no home directory for the state of share. "
                "Name one in XDG_STATE_HOME."
            ) from error
    return base / "uniqc-mcp" / "share"


def machine_id() -> str:
    """Return a name of this machine that others do not have, as far as the system has one."""
    try:
        found = _MACHINE_ID.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        found = ""
    return found or f"{uuid.getnode():x} {platform.node()}"


def changed(state: ShareState, **values: str | int) -> ShareState:
    """Return a state with some values changed."""
    return replace(state, **values)  # type: ignore[arg-type] # checked when it is loaded


def _checked(value: object, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


def _resolved(directory: Path) -> Path:
    try:
        return directory.resolve()
    except OSError:
        return directory.absolute()


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; return whether no other process has it locked."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
