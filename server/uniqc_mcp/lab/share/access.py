"""The address of the server, and the token that it knows this person by."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from uniqc_mcp.lab.share.errors import ShareRefusedError
from uniqc_mcp.safety.display import quoted, tilde

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_VARIABLE: Final = "UNIQC_MCP_SHARE_TOKEN"  # noqa: S105 - the name of a variable
"""The variable with the token. A command line is no place for it: others can see that."""

_TOKEN: Final = re.compile(r"[\x21-\x7e]{8,4096}")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def server_address(text: str) -> str:
    """Return the address of a server, which ends in a slash.

    Raises:
        ValueError: It is none, or a token would travel to another computer unencrypted.
    """
    if any(mark <= " " or mark == "\x7f" for mark in text):
        raise ValueError("it has spaces or control characters.")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{quoted(text)} is no address such as https://lab.example/.")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"a name or password does not belong there; use {TOKEN_VARIABLE}.")
    if parts.query or parts.fragment:
        raise ValueError(f"{quoted(text)} has a ? or # part, which the address of a server lacks.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("http:// would send the token readable for others; use https://.")
    return text if text.endswith("/") else f"{text}/"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(path: Path | None) -> str:
    """Return the token of a file, or of the variable where no file is given.

    Raises:
        ShareRefusedError: There is none, it is malformed, or others could read the file.
    """
    if path is None:
        where, text = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE, "")
    else:
        where, text = tilde(path), _private_text(path)
    token = text.strip()
    if not token:
        raise ShareRefusedError(
            f"There is no token in {where}. `uniqc-mcp lab token add` on the laboratory's server "
            f"makes one; give it in {TOKEN_VARIABLE}, or in a file with --token-file."
        )
    if not _TOKEN.fullmatch(token):
        raise ShareRefusedError(
            f"What {where} holds is no token: one line of 8 or more letters, digits and signs."
        )
    return token


def _private_text(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _OTHERS:
                raise ShareRefusedError(
                    f"Others can read {tilde(path)}, which holds a token. "
                    f"Make it yours alone: chmod 600 {tilde(path)}"
                )
            return file.read(8_192)
    except OSError as error:
        raise ShareRefusedError(
            f"{tilde(path)} can't be read: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        raise ShareRefusedError(f"{tilde(path)} holds no token: it is no plain text.") from error
