"""The application: its addresses, who may ask at each, and by which names it is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.applications import Starlette
from starlette.routing import Route

from uniqc_mcp.lab.access.requester import READ, SHARE
from uniqc_mcp.lab.http.authentication import SECONDS_BETWEEN_CHECKS, RequireToken
from uniqc_mcp.lab.http.health import HEALTH, Health
from uniqc_mcp.lab.http.open_requests import OpenRequests
from uniqc_mcp.lab.http.problems import problem
from uniqc_mcp.lab.http.share import ShareEndpoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import MCPServer
    from starlette.requests import Request
    from starlette.responses import Response

    from uniqc_mcp.lab.access.requester import Verifier
    from uniqc_mcp.lab.http.share import Receives

MCP: Final = "/mcp"

# Without a path it would get a slash. Clients compare it with the provider's own name, byte for
# byte (RFC 8414, section 3.3), and give up where they differ.
_EXACT_URL: Final = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The operator's decisions on HTTP.

    Attributes:
        public_url: The address by which clients reach the server, such as
            ``https://lab.example.org``; empty where they are on this machine.
        issuer: The OIDC provider whose tokens are taken at ``/mcp``; empty for this server's own.
        stateless: True where several workers serve: no session of a client of an older revision
            outlives its request, since the next one may reach another worker.
        seconds_between_checks: Interval in which the token of an open request is checked.
    """

    public_url: str = ""
    issuer: str = ""
    stateless: bool = False
    seconds_between_checks: float = SECONDS_BETWEEN_CHECKS

    @property
    def resource(self) -> AnyHttpUrl:
        """The address of MCP, by which an OIDC provider knows it."""
        return AnyHttpUrl(f"{self.public_url.rstrip('/')}{MCP}")

    @property
    def security(self) -> TransportSecuritySettings:
        """The names in Host and Origin by which the server is called.

        A page that a browser shows could otherwise reach it by a name of its own.
        """
        hosts = [name for host in _LOOPBACK for name in (host, f"{host}:*")]
        origins = [f"http://{name}" for name in hosts]
        if self.public_url:
            parts = urlsplit(self.public_url)
            # nginx passes on $host, which has no port.
            hosts += [parts.netloc, str(parts.hostname), f"{parts.hostname}:*"]
            origins.append(f"{parts.scheme}://{parts.netloc}")
        return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def build_app(
    server: MCPServer[Any],
    *,
    readers: Verifier,
    sharers: Verifier,
    receiver: Receives,
    check: Callable[[], None],
    settings: HttpSettings,
) -> OpenRequests:
    """Return the application, which runs with its lifespan.

    Args:
        server: The MCP server.
        readers: The tokens that are taken at ``/mcp``.
        sharers: The tokens that are taken at ``/share``.
        receiver: Takes the messages of machines.
        check: Returns if the database can be used.
        settings: The operator's decisions.
    """
    manager = StreamableHTTPSessionManager(
        # MCPServer makes an application with an authorization server's settings only.
        app=server._lowlevel_server,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        stateless=settings.stateless,
        security_settings=settings.security,
    )
    app = Starlette(
        routes=[
            *_mcp_routes(manager, readers, settings),
            Route(HEALTH, Health(check).answer, methods=["GET"]),
            *_sharing_routes(receiver, sharers),
        ],
        exception_handlers=_HANDLERS,
        lifespan=lambda _: manager.run(),
    )
    # It would send clients on to http://, by whatever name the request was made.
    app.router.redirect_slashes = False
    return OpenRequests(app)


def _mcp_routes(
    manager: StreamableHTTPSessionManager, readers: Verifier, settings: HttpSettings
) -> list[Route]:
    """Return the addresses of MCP, behind a token, and the metadata on who issues tokens."""
    metadata = _metadata_routes(settings)
    door = RequireToken(
        StreamableHTTPASGIApp(manager),
        readers,
        scope=READ,
        metadata_url=str(build_resource_metadata_url(settings.resource)) if metadata else "",
        seconds_between_checks=settings.seconds_between_checks,
    )
    return [Route(MCP, endpoint=door), Route(f"{MCP}/", endpoint=door), *metadata]


def _sharing_routes(receiver: Receives, sharers: Verifier) -> list[Route]:
    """Return the addresses that machines send to, behind a token."""
    return [
        Route(route.path, RequireToken(route.app, sharers, scope=SHARE), methods=["POST"])
        for route in ShareEndpoints(receiver).routes()
    ]


def _metadata_routes(settings: HttpSettings) -> list[Route]:
    """Return the metadata of RFC 9728; none where tokens are this server's own.

    A client that finds them registers with a provider, and ignores a token that it was given.
    """
    if not settings.issuer:
        return []
    return create_protected_resource_routes(
        resource_url=settings.resource,
        authorization_servers=[_EXACT_URL.validate_python(settings.issuer)],
        scopes_supported=[READ],
    )


async def _not_found(_: Request, __: Exception) -> Response:
    return problem(404, "There is no such address.")


async def _wrong_method(_: Request, __: Exception) -> Response:
    return problem(405, "This address takes another method.")


_HANDLERS: Final = {404: _not_found, 405: _wrong_method}
