"""A laboratory of several people: its database, tokens and server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.http.serving import running
from tests.lab.messages import compare_of, push_of

from uniqc_mcp.lab.access.requester import READ, SHARE
from uniqc_mcp.lab.access.tokens import StaticTokens, add_token, revoke_tokens
from uniqc_mcp.lab.answers.server import build_lab_server
from uniqc_mcp.lab.database.ingest import Ingest
from uniqc_mcp.lab.http.app import HttpSettings, build_app
from uniqc_mcp.lab.operations import connected
from uniqc_mcp.lab.serving.stores import DatabaseStores, check_database
from uniqc_mcp.responses.times import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from tests.contract.records import StoredTask
    from tests.lab.fixtures import LabDatabase
    from tests.lab.http.serving import Address

    from uniqc_mcp.lab.access.requester import Verifier
    from uniqc_mcp.lab.database.pool import Database
    from uniqc_mcp.lab.http.open_requests import OpenRequests


@dataclass
class Lab:
    """A laboratory whose people share what a test says."""

    database: Database
    address: LabDatabase
    tasks: dict[tuple[str, str], list[StoredTask]] = field(
        default_factory=dict[tuple[str, str], "list[StoredTask]"]
    )

    def token(self, owner: str, *scopes: str) -> str:
        with connected(self.address.admin_address) as connection:
            token, _ = add_token(connection, owner, scopes=scopes or (READ, SHARE))
        return token

    def revoke(self, owner: str) -> None:
        with connected(self.address.admin_address) as connection:
            assert revoke_tokens(connection, owner=owner)

    def share(
        self, owner: str, *tasks: StoredTask, machine: str = "laptop", audience: str = "me"
    ) -> None:
        """Share tasks from a machine, beside those that it has shared before."""
        ingest, store_id = Ingest(self.database), _store_id(owner, machine)
        mine = self.tasks.setdefault((owner, machine), [])
        kept = {task.task_id: task for task in (*mine, *tasks)}
        mine[:] = kept.values()
        ingest.compare(
            owner, compare_of(mine, store_id=store_id, machine=machine, audience=audience)
        )
        places = {task_id: place for place, task_id in enumerate(kept)}
        sent = push_of([(places[task.task_id], task) for task in tasks], store_id=store_id)
        assert ingest.push(owner, sent).refused == ()

    def app(
        self,
        *,
        clock: Callable[[], datetime] = utc_now,
        seconds_kept: float = 0,
        readers: Verifier | None = None,
        **settings: Any,
    ) -> OpenRequests:
        tokens = StaticTokens(self.database, seconds_kept=seconds_kept)
        stores = DatabaseStores(self.database, seconds_kept=seconds_kept)
        return build_app(
            build_lab_server(stores, clock=clock),
            readers=readers or tokens,
            sharers=tokens,
            receiver=Ingest(self.database),
            check=lambda: check_database(self.database),
            settings=HttpSettings(**settings),
        )

    def serving(self, **settings: Any) -> AbstractAsyncContextManager[Address]:
        return running(self.app(**settings))


def _store_id(owner: str, machine: str) -> str:
    return f"{owner}-{machine}".encode().hex().ljust(32, "0")[:32]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lab(database: Database, lab_database: LabDatabase) -> Lab:
    """Return a laboratory in which nobody shares anything yet."""
    return Lab(database, lab_database)
