"""The operator's decisions on a laboratory's server, which each of its workers gets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from uniqc_mcp.lab.database.quota import MAX_STORES
from uniqc_mcp.lab.http.app import HttpSettings
from uniqc_mcp.settings import MAX_WAIT

if TYPE_CHECKING:
    from uniqc_mcp.lab.access.oidc import OidcSettings

DEFAULT_PORT: Final = 8765
_LOCAL_NAMES: Final = ("localhost",)


class SettingsError(ValueError):
    """Decisions that do not go together; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSettings:
    """The settings of one server.

    Attributes:
        database: The address of the database, which may hold a password.
        host: The address to listen at.
        port: The port; 0 for any that is free.
        public_url: The address by which clients reach the server.
        proxies: The addresses of reverse proxies on other machines, which are believed whose
            request they pass on.
        workers: The number of processes.
        oidc: The provider whose tokens are taken at ``/mcp``; None for this server's own.
        max_wait: The longest wait for tasks, in seconds.
        max_stores: The most stores of one member.
        log_level: How much is logged.
        state_key: The key of what clients carry from one request to the next, which all workers
            share.
    """

    database: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    public_url: str = ""
    proxies: tuple[str, ...] = ()
    workers: int = 1
    oidc: OidcSettings | None = None
    max_wait: int = MAX_WAIT
    max_stores: int = MAX_STORES
    log_level: str = "info"
    state_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def __post_init__(self) -> None:
        """Check what does not go together.

        Raises:
            SettingsError: The server would be open to whom it should not be, or called by a name
                that it does not know.
        """
        if not is_loopback(self.host) and not self.public_url:
            raise SettingsError(
                f"--host {self.host} is reached from other machines, so --public-url has to say by "
                "which address, such as --public-url https://lab.example.org"
            )
        for proxy in self.proxies:
            _check_proxy(proxy)
        if self.public_url:
            _check_public_url(self.public_url)
        if self.oidc is not None:
            _check_issuer(self.oidc.issuer)
            if not self.public_url:
                raise SettingsError(
                    "--oidc-issuer needs --public-url: the provider's clients look there for it."
                )

    @property
    def http(self) -> HttpSettings:
        """The decisions on HTTP."""
        return HttpSettings(
            public_url=self.public_url,
            issuer="" if self.oidc is None else self.oidc.issuer,
            stateless=self.workers > 1,
        )


def is_loopback(host: str) -> bool:
    """Return whether an address is reached from this machine alone."""
    if host in _LOCAL_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_proxy(address: str) -> None:
    try:
        ip_network(address)
    except ValueError:
        raise SettingsError(
            f"--proxy {address} is no address, such as 10.0.0.5, and no network, such as "
            "172.16.0.0/12."
        ) from None


def _check_public_url(url: str) -> None:
    parts = urlsplit(url)
    local = is_loopback(parts.hostname or "")
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise SettingsError("--public-url must be an address such as https://lab.example.org")
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise SettingsError(
            "--public-url must begin with https://: tokens would be sent for everybody to read. "
            "Let a reverse proxy speak TLS."
        )


def _check_issuer(issuer: str) -> None:
    parts = urlsplit(issuer)
    local = is_loopback(parts.hostname or "")
    if not parts.hostname or (parts.scheme != "https" and not (local and parts.scheme == "http")):
        raise SettingsError("--oidc-issuer must be an address that begins with https://")
