"""A database that can't be reached: every answer says so, and none says where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mcp.shared.exceptions import MCPError
from tests.contract.records import StoredTask
from tests.lab.http.doors import Grants, Receiver
from tests.lab.http.serving import running

from uniqc_mcp.lab.answers.server import build_lab_server
from uniqc_mcp.lab.database.pool import Database
from uniqc_mcp.lab.http.app import HttpSettings, build_app
from uniqc_mcp.lab.operations import connected
from uniqc_mcp.lab.serving.stores import DatabaseStores, check_database

if TYPE_CHECKING:
    from tests.lab.conftest import Lab

ADDRESS = "host=/secret-place dbname=lab user=secret-role password=hunter2"
TOKEN = "uqm_of_alice"  # noqa: S105 - a test's


async def test_each_answer_says_that_nothing_is_known_and_not_where_the_database_is() -> None:
    grants = Grants()
    grants.add(TOKEN, "alice")
    said: list[str] = []
    with Database(ADDRESS, connect_timeout=0.1) as database:
        app = build_app(
            build_lab_server(DatabaseStores(database)),
            readers=grants,
            sharers=grants,
            receiver=Receiver(),
            check=lambda: check_database(database),
            settings=HttpSettings(),
        )
        async with running(app) as at, at.person(TOKEN) as alice:
            for tool, arguments in (
                ("list_tasks", {}),
                ("count_tasks", {"owner": "bob"}),
                ("get_task", {"task_id": "uqt_1"}),
                ("compare_tasks", {}),
                ("wait_for_tasks", {"timeout_seconds": 1}),
            ):
                said.append(await alice.refusal(tool, **arguments))
            with pytest.raises(MCPError) as caught:
                await alice.read("uniqc://store")
            said.append(str(caught.value))
            with pytest.raises(MCPError) as caught:
                await alice.client.get_prompt("whats_running", {})
            said.append(str(caught.value))
            async with at.http() as http:
                health = await http.get("/healthz")
            assert health.status_code == 503
    for text in said:
        assert "The laboratory's database can't be reached" in text
        assert "Nothing is known of its tasks now" in text
        assert "0 " not in text
    for secret in ("secret-place", "secret-role", "hunter2"):
        assert secret not in repr((said, health.text))


async def test_connections_that_the_database_ended_are_replaced(lab: Lab) -> None:
    lab.share("alice", StoredTask(task_id="uqt_1"))
    async with lab.serving(seconds_kept=60) as at, at.person(lab.token("alice")) as alice:
        assert (await alice.ask("count_tasks"))[1]["total"] == 1
        with connected(lab.address.admin_address) as operator:
            ended = operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        assert (True,) in ended
        assert (await alice.ask("count_tasks"))[1]["total"] == 1
