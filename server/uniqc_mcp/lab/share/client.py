"""The server of a laboratory, as a machine that shares its tasks calls it."""

from __future__ import annotations

import random
import ssl
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

from uniqc_mcp import __version__
from uniqc_mcp.lab.exchange import COMPARE_PATH, PUSH_PATH, Compared, Problem, Pushed
from uniqc_mcp.lab.share.errors import (
    BatchRefusedError,
    BatchTooLargeError,
    OutOfStepError,
    ServerUnavailableError,
    ShareError,
    ShareRefusedError,
)
from uniqc_mcp.safety.display import in_quotes, quoted, tilde
from uniqc_mcp.safety.redaction import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from uniqc_mcp.lab.exchange import Compare

Answer = TypeVar("Answer", bound=BaseModel)

ATTEMPTS: Final = 4
"""Tries of one message before the pass is given up; a later pass goes on."""

MAX_RETRY_AFTER: Final = 3_600.0
"""Most seconds that a server can ask to wait."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
"""A server that asks for a longer pause ends the pass."""

_TIMEOUT: Final = httpx2.Timeout(30.0, connect=10.0, read=120.0)
_MAX_ANSWER_BYTES: Final = 64 * 2**20
_MAX_REASON: Final = 400
"""Characters of the server's reason for a refusal, which says what to do."""

_WHO_AM_I: Final = {
    401: "The server does not know the token, or it has expired or was revoked",
    403: "The token does not allow to share tasks",
}
_UNTIMELY: Final = frozenset({9, 10})
"""OpenSSL's codes for a certificate that is not valid yet, or not any more."""

_OK: Final = 200
_CONFLICT: Final = 409
_TOO_LARGE: Final = 413
_NO_SUCH_PLACE: Final = frozenset({404, 405})
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class LabClient:
    """Sends messages to the server, and tries again where that may help.

    Args:
        address: The address of the server; see :func:`access.server_address`.
        token: Says whose the tasks are.
        pause: Waits some seconds, and returns True if the program is to end.
        ca_file: Certificates to trust in place of the system's.
        transport: A transport in place of the network.
    """

    def __init__(
        self,
        address: str,
        token: str,
        *,
        pause: Callable[[float], bool],
        ca_file: Path | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Prepare the connection; nothing is sent yet."""
        self._host = urlsplit(address).netloc
        self._pause = pause
        self._client = httpx2.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {token}", "User-Agent": f"uniqc-mcp/{__version__}"},
            verify=True if ca_file is None else _context(ca_file),
            timeout=_TIMEOUT,
            # A proxy of the environment would see the token of an unencrypted request.
            trust_env=address.startswith("https:"),
            transport=transport,
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def compare(self, message: Compare) -> Compared:
        """Return where the server differs; see :meth:`push` for the errors."""
        return self._answer(COMPARE_PATH, message.model_dump_json().encode(), Compared)

    def push(self, body: bytes) -> Pushed:
        """Send a batch, a ``Push`` as JSON.

        Raises:
            ShareRefusedError: The token does not allow it.
            BatchTooLargeError: The message is too large.
            BatchRefusedError: The server does not take the message for another reason.
            OutOfStepError: The server took another message since this one was made.
            ServerUnavailableError: Several tries failed, or the program is to end.
            ShareError: What answers is no such server.
        """
        return self._answer(PUSH_PATH, body, Pushed)

    def _answer(self, path: str, body: bytes, kind: type[Answer]) -> Answer:
        for attempt in range(ATTEMPTS):
            try:
                return self._one_try(path, body, kind)
            except ServerUnavailableError as error:
                seconds = pause_before(attempt, error.retry_after)
                if attempt == ATTEMPTS - 1 or seconds > _LONGEST_PAUSE or self._pause(seconds):
                    raise
        raise AssertionError("unreachable")

    def _one_try(self, path: str, body: bytes, kind: type[Answer]) -> Answer:
        try:
            with self._client.stream(
                "POST", path, content=body, headers={"Content-Type": "application/json"}
            ) as response:
                content = self._content(response)
        except httpx2.TransportError as error:
            cause = _cause(error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise _untrusted(self._host, cause) from error
            raise ServerUnavailableError(
                f"{self._host} can't be reached: {quoted(str(error) or type(error).__name__)}"
            ) from error
        if response.status_code != _OK:
            raise self._error(response, content)
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            raise self._no_such_server(response) from error

    def _content(self, response: httpx2.Response) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > _MAX_ANSWER_BYTES:
                raise ServerUnavailableError(f"{self._host} sent an answer without end")
        return bytes(content)

    def _error(self, response: httpx2.Response, content: bytes) -> ShareError:
        status = response.status_code
        said, retry_after = _problem(content)
        shown = safe_text(said.rstrip("."), limit=_MAX_REASON).text
        reason = f": {in_quotes(shown)}" if shown else ""
        what = f"{self._host} answers {status}{reason}"
        if status in _WHO_AM_I:
            return ShareRefusedError(
                f"{what}. {_WHO_AM_I[status]}. Ask for a token with the scope tasks:share."
            )
        if status in _BUSY:
            return ServerUnavailableError(what, _retry_after(response, retry_after))
        if status == _CONFLICT:
            return OutOfStepError(what)
        if status == _TOO_LARGE:
            return BatchTooLargeError(what)
        if said and status not in _NO_SUCH_PLACE:
            return BatchRefusedError(what)
        return self._no_such_server(response)

    def _no_such_server(self, response: httpx2.Response) -> ShareError:
        return ShareError(
            f"{response.url} is not answered by a laboratory's server of this version "
            f"(status {response.status_code}); check --to."
        )


def pause_before(
    attempt: int, retry_after: float | None, *, longest: float = _LONGEST_PAUSE
) -> float:
    """Return the seconds to wait before another attempt, of which the first is number 0.

    They double each time and are random, so that many machines do not come back at once. They are
    never less than the server asks for.
    """
    # The exponent is bounded, as a week of attempts would be too large for a float.
    grown: float = min(_FIRST_PAUSE * 2 ** min(attempt, 30), longest)
    return (retry_after or 0.0) + grown * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _problem(content: bytes) -> tuple[str, float | None]:
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError:
        return "", None
    return problem.error, problem.retry_after


def _retry_after(response: httpx2.Response, said: float | None) -> float | None:
    """Return the seconds of the answer, or of its header; a date there is not understood."""
    header = response.headers.get("retry-after", "")
    seconds = said if said is not None else (float(header) if header.isdecimal() else None)
    return None if seconds is None else min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _untrusted(host: str, cause: ssl.SSLCertVerificationError) -> ShareError:
    """Return the error of a certificate: an expired one is renewed sooner or later."""
    shown = safe_text(cause.verify_message, limit=_MAX_REASON).text
    what = f"The certificate of {host} is not to be trusted: {in_quotes(shown)}"
    if cause.verify_code in _UNTIMELY:
        return ServerUnavailableError(
            f"{what}. Its operator has to renew it, if the clock of this machine is right"
        )
    return ShareRefusedError(
        f"{what}. If the laboratory has an authority of its own, give its certificate: --ca-file"
    )


def _cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error


def _context(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ShareRefusedError(
            f"{tilde(ca_file)} holds no certificates that can be read: {error}"
        ) from error
