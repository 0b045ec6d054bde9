"""The client of a laboratory's server: what it tries again, and what it trusts."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from typing import TYPE_CHECKING

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.lab.share.fake_server import TOKEN, FakeServer, problem
from tests.lab.share.http_server import listening

from uniqc_mcp.lab.exchange import Compare
from uniqc_mcp.lab.share.client import ATTEMPTS, LabClient, pause_before
from uniqc_mcp.lab.share.errors import (
    BatchRefusedError,
    BatchTooLargeError,
    ServerUnavailableError,
    ShareError,
    ShareRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = "127.0.0.1"
QUESTION = Compare(store_id="0" * 32, machine="laptop", audience="me", count=0, digest="0" * 32)


class Waits:
    """The pauses of a client, which takes none."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return False


def first(count: int, answer: Callable[[], httpx2.Response]) -> tuple[LabClient, FakeServer, Waits]:
    """Return a client of a server that answers so many requests in this way."""
    server, waits = FakeServer(), Waits()
    server.before = lambda _: answer() if len(server.requests) <= count else None
    return server.client(waits), server, waits


def test_a_busy_server_is_asked_again_after_the_time_that_it_names() -> None:
    client, _, waits = first(2, lambda: problem(429, "slow down", retry_after=7.5))
    assert client.compare(QUESTION).same
    assert len(waits.seconds) == 2
    assert all(7.5 < seconds < 10 for seconds in waits.seconds)


def test_the_header_is_heeded_too() -> None:
    client, _, waits = first(1, lambda: httpx2.Response(503, headers={"Retry-After": "9"}))
    assert client.compare(QUESTION).same
    assert 9 < waits.seconds[0] < 10


def test_a_long_pause_ends_the_pass_with_its_length() -> None:
    client, server, waits = first(1, lambda: problem(503, "maintenance", retry_after=600))
    with pytest.raises(ServerUnavailableError) as raised:
        client.compare(QUESTION)
    assert raised.value.retry_after == 600
    assert (len(server.requests), waits.seconds) == (1, [])


def test_a_message_is_tried_a_few_times() -> None:
    client, server, waits = first(99, lambda: httpx2.Response(502, text="<html>bad gateway"))
    with pytest.raises(ServerUnavailableError, match="answers 502"):
        client.compare(QUESTION)
    assert len(server.requests) == ATTEMPTS
    assert waits.seconds == sorted(waits.seconds)


def test_it_ends_at_once_when_the_program_does() -> None:
    server = FakeServer()
    server.before = lambda _: problem(503, "busy")
    with pytest.raises(ServerUnavailableError):
        server.client(lambda _: True).compare(QUESTION)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: problem(401, "no"), ShareRefusedError),
        (lambda: problem(403, "no"), ShareRefusedError),
        (lambda: problem(413, "no"), BatchTooLargeError),
        (lambda: problem(422, "no"), BatchRefusedError),
        (lambda: httpx2.Response(404, text="no"), ShareError),
        (lambda: httpx2.Response(200, text="<html>a portal"), ShareError),
        (lambda: httpx2.Response(302, headers={"Location": "https://evil.example/"}), ShareError),
    ],
)
def test_what_does_not_help_is_tried_once(
    answer: Callable[[], httpx2.Response], error: type[ShareError]
) -> None:
    client, server, _ = first(99, answer)
    with pytest.raises(error):
        client.compare(QUESTION)
    assert len(server.requests) == 1


def test_the_words_of_a_server_are_redacted_and_bounded() -> None:
    client, _, _ = first(1, lambda: problem(422, f"token={TOKEN} " + "x" * 5_000))
    with pytest.raises(BatchRefusedError) as raised:
        client.compare(QUESTION)
    assert TOKEN not in str(raised.value)
    assert len(str(raised.value)) < 450


def test_a_refusal_is_told_with_what_it_says_to_do() -> None:
    advice = f"alice shares 100 stores already. {'Some more words. ' * 12}Use --max-stores"
    client, _, _ = first(1, lambda: problem(422, advice))
    with pytest.raises(BatchRefusedError, match="Use --max-stores"):
        client.compare(QUESTION)


def test_pauses_grow_to_a_limit_even_after_a_week() -> None:
    assert pause_before(0, None) <= 0.5
    assert pause_before(10_000, None, longest=300) <= 300


def certificate(tmp_path: Path, *, valid: tuple[int, int] = (-1, 1), address: str = HERE) -> Path:
    """Return a file with a certificate of its own authority, and its key.

    Args:
        tmp_path: The directory of the file.
        valid: From when until when, in days from now.
        address: The IP address that it is of.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + datetime.timedelta(days=valid[0]))
        .not_valid_after(now + datetime.timedelta(days=valid[1]))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "lab.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def with_certificate(path: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def test_an_unknown_certificate_is_refused_and_a_named_one_is_trusted(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    server = FakeServer()
    with listening(server, with_certificate(path)) as address:
        assert address.startswith(f"https://{HERE}:")
        with pytest.raises(ShareRefusedError, match=r'self-signed certificate".*--ca-file'):
            LabClient(address, TOKEN, pause=Waits()).compare(QUESTION)
        assert server.requests == []
        client = LabClient(address, TOKEN, pause=Waits(), ca_file=path)
        assert client.compare(QUESTION).same
        client.close()


@pytest.mark.parametrize(
    ("valid", "reason"), [((-2, -1), "has expired"), ((1, 2), "is not yet valid")]
)
def test_a_certificate_out_of_its_time_is_tried_again_and_its_reason_told_whole(
    tmp_path: Path, valid: tuple[int, int], reason: str
) -> None:
    path = certificate(tmp_path, valid=valid)
    waits = Waits()
    with listening(FakeServer(), with_certificate(path)) as address:
        client = LabClient(address, TOKEN, pause=waits, ca_file=path)
        with pytest.raises(ServerUnavailableError, match=f'certificate {reason}".*renew it'):
            client.compare(QUESTION)
        client.close()
    assert len(waits.seconds) == ATTEMPTS - 1


def test_a_certificate_of_another_address_is_refused(tmp_path: Path) -> None:
    path = certificate(tmp_path, address="192.0.2.1")
    with listening(FakeServer(), with_certificate(path)) as address:
        client = LabClient(address, TOKEN, pause=Waits(), ca_file=path)
        with pytest.raises(ShareRefusedError, match=f"not valid for '{HERE}'"):
            client.compare(QUESTION)
        client.close()


def test_a_file_without_certificates_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.pem"
    path.write_text("none")
    with pytest.raises(ShareRefusedError, match="no certificates"):
        LabClient("https://lab.example/", TOKEN, pause=Waits(), ca_file=path)
