"""An application whose database, tokens and messages a test chooses, asked without a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import httpx2

from uniqc_mcp.lab.access.requester import READ, SHARE, Grant
from uniqc_mcp.lab.answers.server import build_lab_server
from uniqc_mcp.lab.exchange import Compared, Pushed
from uniqc_mcp.lab.http.app import HttpSettings, build_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from uniqc_mcp.lab.exchange import Compare, Push
    from uniqc_mcp.lab.http.open_requests import OpenRequests

EPOCH = "e" * 32


class NoStores:
    """The stores of a test that asks for no task."""

    def visible(self, requester: str) -> NoReturn:
        raise AssertionError(requester)

    def store(self, requester: str, selection: object) -> NoReturn:
        raise AssertionError((requester, selection))

    watch = store

    async def ask(self, requester: str, question: object) -> NoReturn:
        raise AssertionError((requester, question))


@dataclass
class Grants:
    """Tokens that a test chooses."""

    known: dict[str, Grant] = field(default_factory=dict[str, Grant])
    fault: Exception | None = None

    def add(self, token: str, owner: str, *scopes: str) -> None:
        chosen = frozenset(scopes or (READ, SHARE))
        self.known[token] = Grant(owner=owner, name=f"{owner}-1", scopes=chosen)

    async def grant_of(self, token: str) -> Grant | None:
        if self.fault is not None:
            raise self.fault
        return self.known.get(token)


@dataclass
class Receiver:
    """Takes messages, and remembers whose they were."""

    taken: list[tuple[str, Compare | Push]] = field(
        default_factory=list["tuple[str, Compare | Push]"]
    )
    during: Callable[[], object] = lambda: None

    def compare(self, owner: str, message: Compare) -> Compared:
        self.during()
        self.taken.append((owner, message))
        return Compared(epoch=EPOCH, revision=3, same=True)

    def push(self, owner: str, message: Push) -> Pushed:
        self.during()
        self.taken.append((owner, message))
        return Pushed(epoch=EPOCH, revision=4)


class Doors:
    """The application, its parts, and a client of it."""

    def __init__(self, **settings: Any) -> None:
        self.grants = Grants()
        self.receiver = Receiver()
        self.problem: Exception | None = None
        self.app: OpenRequests = build_app(
            build_lab_server(NoStores()),
            readers=self.grants,
            sharers=self.grants,
            receiver=self.receiver,
            check=lambda: self.check(),  # noqa: PLW0108 - a test may replace it
            settings=HttpSettings(**settings),
        )

    def check(self) -> None:
        if self.problem is not None:
            raise self.problem

    def http(self, token: str = "", **headers: str) -> httpx2.AsyncClient:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(app=self.app)
        return httpx2.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8765", headers=headers
        )
