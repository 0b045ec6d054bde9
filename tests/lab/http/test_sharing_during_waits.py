"""Waits and subscriptions that go on while a member begins or stops to share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.contract.records import StoredJob, StoredTask
from tests.server.watching import A_WHILE, PATIENCE, until

from uniqc_mcp.lab.answers.stores import EVERYTHING
from uniqc_mcp.lab.serving.stores import DatabaseStores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.conftest import Lab
    from tests.lab.http.serving import Person

ALICES = StoredTask(task_id="uqt_of_alice", jobs=(StoredJob(platform_task_id="job-1"),))
BOBS = StoredTask(task_id="uqt_of_bob", jobs=(StoredJob(platform_task_id="job-2"),))
OLD = StoredTask(task_id="uqt_old", status="success")


class Waiting:
    """A wait in the background, and its answer."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self.answers: list[tuple[str, Mapping[str, Any]]] = []

    async def run(self) -> None:
        self.answers.append(await self._person.ask("wait_for_tasks", timeout_seconds=30))

    @property
    def changes(self) -> list[tuple[str, str]]:
        ((_, answer),) = self.answers
        return [(one["task_id"], one["status"]) for one in answer["changes"]]


@pytest.mark.parametrize("shared", [True, False], ids=["begins", "stops"])
async def test_a_wait_goes_on_while_another_begins_or_stops_to_share(
    lab: Lab, *, shared: bool
) -> None:
    lab.share("alice", ALICES)
    lab.share("bob", BOBS, OLD, audience="me" if shared else "lab")
    async with lab.serving(seconds_kept=1) as at, at.person(lab.token("alice")) as alice:
        waiting = Waiting(alice)
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(waiting.run)
                await anyio.sleep(2 * A_WHILE)
                lab.share("bob", audience="lab" if shared else "me")
                await anyio.sleep(4 * A_WHILE)
                assert waiting.answers == []
                if not shared:
                    lab.share("bob", replace(BOBS, status="failed"), audience="me")
                    await anyio.sleep(2 * A_WHILE)
                    assert waiting.answers == []
                lab.share("alice", replace(ALICES, status="success"))
        assert waiting.changes == [("uqt_of_alice", "success")]
        assert ("uqt_of_bob" in waiting.answers[0][0]) == shared


async def test_a_wait_ends_by_a_task_that_came_in_sight_meanwhile(lab: Lab) -> None:
    lab.share("alice", ALICES)
    lab.share("bob", BOBS, OLD)
    async with lab.serving(seconds_kept=1) as at, at.person(lab.token("alice")) as alice:
        waiting = Waiting(alice)
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(waiting.run)
                await anyio.sleep(2 * A_WHILE)
                lab.share("bob", audience="lab")
                await anyio.sleep(4 * A_WHILE)
                lab.share("bob", replace(BOBS, status="failed"), audience="lab")
        assert waiting.changes == [("uqt_of_bob", "failed")]


async def test_a_subscriber_is_told_that_tasks_came_in_sight(lab: Lab) -> None:
    lab.share("bob", BOBS)
    async with (
        lab.serving(seconds_kept=1) as at,
        at.person(lab.token("alice")) as alice,
        alice.client.listen(resource_subscriptions=["uniqc://tasks/active"]),
    ):
        await anyio.sleep(2 * A_WHILE)
        alice.told.clear()
        lab.share("bob", audience="lab")
        await until(lambda: alice.told)


def test_nothing_is_told_of_what_changed_while_it_was_still_in_sight(lab: Lab) -> None:
    lab.share("alice", ALICES)
    lab.share("bob", BOBS, audience="lab")
    watch = DatabaseStores(lab.database, seconds_kept=0).watch("alice", EVERYTHING)
    watch.refresh()
    cursor = watch.since().cursor
    lab.share("bob", replace(BOBS, status="failed"), audience="lab")
    assert watch.refresh()
    assert watch.since(cursor).task_ids == {"uqt_of_bob"}
    lab.share("bob", audience="me")
    assert watch.refresh()
    assert watch.since(cursor).task_ids == set()
    assert [one.task_id for one in watch.active()] == ["uqt_of_alice"]
    lab.share("bob", audience="lab")
    assert watch.refresh()
    changes = watch.since(cursor)
    assert (changes.task_ids, changes.file_changed) == (frozenset(), True)
    lab.share("alice", replace(ALICES, status="success"))
    watch.refresh()
    assert watch.since(cursor).task_ids == {"uqt_of_alice"}
