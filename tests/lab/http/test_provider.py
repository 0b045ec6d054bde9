"""A server whose members log in with an OIDC provider, while machines share with its own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.records import StoredTask
from tests.lab.access.test_oidc import ISSUER, Provider, claims, signed
from tests.lab.messages import push_of

from uniqc_mcp.lab.exchange import PUSH_PATH

if TYPE_CHECKING:
    from tests.lab.conftest import Lab


async def test_each_door_takes_its_own_kind_of_tokens(lab: Lab) -> None:
    lab.share("alice", StoredTask(task_id="uqt_of_alice"))
    lab.share("bob", StoredTask(task_id="uqt_of_bob"))
    readers = Provider().tokens(owner_claim="preferred_username")
    own, jwt = lab.token("alice"), signed(claims(preferred_username="alice"))
    push = push_of([]).model_dump(mode="json")
    async with lab.serving(
        readers=readers, public_url="https://lab.example.org", issuer=ISSUER
    ) as at:
        async with at.person(jwt) as alice:
            _, listed = await alice.ask("list_tasks", status="any")
            assert [task["owner"] for task in listed["tasks"]] == ["alice"]
        async with at.http(own) as http:
            refused = await http.post("/mcp", json={})
            assert refused.status_code == 401
            assert "resource_metadata=" in refused.headers["www-authenticate"]
            assert (await http.post(PUSH_PATH, json=push)).status_code == 200
        async with at.http(jwt) as http:
            refused = await http.post(PUSH_PATH, json=push)
            assert refused.status_code == 401
            assert "resource_metadata" not in refused.headers["www-authenticate"]
        async with at.http(signed(claims(scope="openid"))) as http:
            assert (await http.post("/mcp", json={})).status_code == 403
