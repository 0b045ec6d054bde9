"""This server's own tokens: made once, known by a digest, and refused when their time is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.lab.counted import Counted

from uniqc_mcp.lab.access.requester import READ, SHARE
from uniqc_mcp.lab.access.tokens import StaticTokens, add_token, list_tokens, revoke_tokens
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.errors import LabRefusedError, LabUnavailableError
from uniqc_mcp.lab.operations import connected
from uniqc_store import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Generator

    import psycopg
    from tests.lab.fixtures import LabDatabase


@pytest.fixture
def operator(lab_database: LabDatabase) -> Generator[psycopg.Connection[Any]]:
    with connected(lab_database.admin_address) as connection:
        yield connection


@pytest.fixture
def tokens(database: Database) -> StaticTokens:
    return StaticTokens(database, seconds_kept=0)


async def test_a_token_grants_its_owner_its_scopes(
    operator: psycopg.Connection[Any], tokens: StaticTokens
) -> None:
    token, stored = add_token(operator, "alice", scopes=[READ])
    grant = await tokens.grant_of(token)
    assert grant is not None
    assert (grant.owner, grant.scopes, grant.name) == ("alice", frozenset({READ}), stored.token_id)


async def test_nothing_that_is_kept_or_handed_on_has_the_token(
    operator: psycopg.Connection[Any], tokens: StaticTokens
) -> None:
    token, _ = add_token(operator, "alice", scopes=[READ])
    assert token.startswith("uqm_")
    assert len(token) == len("uqm_") + 43
    secret = token.removeprefix("uqm_")
    rows = operator.execute("SELECT token::text FROM token").fetchall()
    assert secret not in repr(rows)
    grant = await tokens.grant_of(token)
    assert grant is not None
    assert secret not in repr(grant.access_token())


@pytest.mark.parametrize("wrong", ["", "uqm_", "x", "uqm_" + "A" * 43, "\ud800", "uqm_\ud800"])
async def test_another_text_grants_nothing(tokens: StaticTokens, wrong: str) -> None:
    assert await tokens.grant_of(wrong) is None


async def test_a_token_with_the_id_of_another_grants_nothing(
    operator: psycopg.Connection[Any], tokens: StaticTokens
) -> None:
    token, _ = add_token(operator, "alice", scopes=[READ])
    operator.execute("UPDATE token SET digest = left(digest, 12) || repeat('0', 52)")
    assert await tokens.grant_of(token) is None


async def test_an_expired_token_grants_nothing(
    operator: psycopg.Connection[Any], tokens: StaticTokens
) -> None:
    moment = datetime.now(UTC)
    past, _ = add_token(operator, "alice", scopes=[READ], expires_at=moment)
    later, _ = add_token(operator, "alice", scopes=[READ], expires_at=moment + timedelta(hours=1))
    assert await tokens.grant_of(past) is None
    assert await tokens.grant_of(later) is not None


async def test_a_revoked_token_grants_nothing_and_others_go_on(
    operator: psycopg.Connection[Any], tokens: StaticTokens
) -> None:
    one, stored = add_token(operator, "alice", scopes=[READ])
    other, _ = add_token(operator, "alice", scopes=[SHARE])
    assert await tokens.grant_of(one) is not None
    assert revoke_tokens(operator, token_id=stored.token_id) == [stored.token_id]
    assert revoke_tokens(operator, token_id=stored.token_id) == []
    assert await tokens.grant_of(one) is None
    assert await tokens.grant_of(other) is not None
    assert len(revoke_tokens(operator, owner="alice")) == 1
    assert await tokens.grant_of(other) is None
    assert [one.revoked_at is None for one in list_tokens(operator)] == [False, False]


async def test_a_checked_token_is_not_looked_up_again_for_a_moment(
    operator: psycopg.Connection[Any], database: Database
) -> None:
    tokens = StaticTokens(database, seconds_kept=60)
    token, stored = add_token(operator, "alice", scopes=[READ])
    assert await tokens.grant_of(token) is not None
    revoke_tokens(operator, token_id=stored.token_id)
    assert await tokens.grant_of(token) is not None


async def test_the_tokens_of_requests_at_the_same_time_are_one_question(
    operator: psycopg.Connection[Any], lab_database: LabDatabase
) -> None:
    owners = [f"owner-{number}" for number in range(50)]
    made = {add_token(operator, owner, scopes=[SHARE])[0]: owner for owner in owners}
    granted: dict[str, str] = {}
    with Counted(lab_database.address) as database:
        tokens = StaticTokens(database)

        async def check(token: str) -> None:
            grant = await tokens.grant_of(token)
            granted[token] = grant.owner if grant else ""

        for _ in range(2):
            async with anyio.create_task_group() as group:
                for token in (*made, "uqm_" + "A" * 43):
                    group.start_soon(check, token)
        # The one that is unknown is not remembered.
        assert len(database.asked) == 2
    assert granted == {**made, "uqm_" + "A" * 43: ""}


def test_a_token_needs_scopes_and_an_owner(operator: psycopg.Connection[Any]) -> None:
    with pytest.raises(LabRefusedError, match="tasks:read, tasks:share"):
        add_token(operator, "alice", scopes=[])
    with pytest.raises(LabRefusedError, match="tasks:read, tasks:share"):
        add_token(operator, "alice", scopes=[READ, "admin"])
    with pytest.raises(InvalidValueError):
        add_token(operator, "al\nice", scopes=[READ])
    assert list_tokens(operator) == []


def test_the_service_can_make_no_token(lab_database: LabDatabase) -> None:
    with (
        pytest.raises(LabRefusedError, match="the role that owns the database"),
        connected(lab_database.address) as connection,
    ):
        add_token(connection, "alice", scopes=[READ])


async def test_a_database_that_is_away_is_told_and_is_no_refusal() -> None:
    with (
        Database("host=/nowhere dbname=none", connect_timeout=0.2) as database,
        pytest.raises(LabUnavailableError),
    ):
        await StaticTokens(database).grant_of("uqm_" + "A" * 43)
