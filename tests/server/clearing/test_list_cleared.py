"""What was cleared can be told afterwards: by list_cleared, as resources, and by get_task."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextResourceContents
from tests.faults.test_kill_in_commit import cut_off
from tests.server.test_token_budget import NASTY, cost

from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_mcp.token_budget import ANSWER
from uniqc_store import (
    CLEARED_FILENAME,
    ClearPolicy,
    JsonValue,
    TaskFilter,
    TaskInfo,
    TaskStore,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp import Client
    from tests.clearing_cache import Cache, Mode

NOTHING = "Nothing was cleared that could be put back."


def clear(cache: Cache, task_filter: TaskFilter | None = None) -> str:
    store = TaskStore(cache.directory)
    return store.clear(store.plan_clear(task_filter or TaskFilter())).receipt_id


def change_copies(cache: Cache, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(cache.directory / CLEARED_FILENAME)) as connection, connection:
        connection.execute(statement, values)


def reader(cache: Cache, mode: Mode = "auto") -> Client:
    return cache.client(mode, cache.settings(clears=False))


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content.text


# Receipts


@pytest.mark.parametrize("clears", [False, True])
async def test_receipts_come_newest_first_with_what_they_hold(
    cache: Cache, mode: Mode, *, clears: bool
) -> None:
    cache.fill(3, prefix="old", status="failed").fill(40)
    older = clear(cache, TaskFilter(status="failed"))
    newer = clear(cache)
    change_copies(
        cache,
        "UPDATE receipts SET cleared_at = '2026-11-01T09:00:00.5+00:00' WHERE receipt_id = ?",
        older,
    )
    TaskStore(cache.directory).undo_clear(older, task_ids=["old-2"])
    async with cache.client(mode, cache.settings(clears=clears)) as client:
        text, answer = await cache.call(client, "list_cleared")
        assert json.loads(await read(client, "uniqc://cleared")) == answer
    assert [receipt["receipt"] for receipt in answer["receipts"]] == [newer, older]
    assert (answer["total"], answer["tasks"], answer["next_cursor"]) == (2, [], "")
    assert answer["receipts"][1] == {
        "receipt": older,
        "cleared_at": "2026-11-01T09:00:00Z",
        "held": 2,
        "returned": 1,
        "undoable_until": "2026-12-01T09:00:00Z",
        "state": "done",
    }
    assert text.startswith("2 receipts, 42 tasks held.")
    assert (
        f"- {older}, cleared 2026-11-01T09:00:00Z: 2 tasks held, 1 put back, undoable until "
        "2026-12-01T09:00:00Z"
    ) in text
    way_back = "undo_clear" if clears else "`uniqc-mcp restore RECEIPT`"
    assert way_back in text
    assert way_back in answer["message"]


async def test_without_a_clear_it_says_that_nothing_was_cleared(cache: Cache) -> None:
    cache.fill(1)
    async with reader(cache) as client:
        text, answer = await cache.call(client, "list_cleared")
    assert text.startswith(NOTHING)
    assert (answer["message"], answer["total"]) == (NOTHING, 0)
    assert answer["store"]["exists"] is False
    assert not (cache.directory / CLEARED_FILENAME).exists()


async def test_receipts_are_paged(cache: Cache) -> None:
    for number in range(5):
        cache.fill(1, prefix=f"{number}")
        clear(cache)
    seen: list[str] = []
    cursor = ""
    async with reader(cache) as client:
        for left in (3, 1, 0):
            _, answer = await cache.call(client, "list_cleared", limit=2, cursor=cursor)
            seen += [receipt["receipt"] for receipt in answer["receipts"]]
            cursor = answer["next_cursor"]
            assert (answer["total"], bool(cursor)) == (5, left > 0)
        assert seen == [receipt.receipt_id for receipt in cache.store.receipts()]
        refusal = await cache.refusal(client, "list_cleared", cursor="clr_gone")
    assert "not held any more. Leave cursor out" in refusal


async def test_the_time_until_which_it_can_be_undone_follows_the_setting(cache: Cache) -> None:
    clear(cache.fill(1))
    change_copies(cache, "UPDATE receipts SET cleared_at = '2026-11-01T09:00:00+00:00'")
    for keep, until in (
        (timedelta(days=2), "2026-11-03T09:00:00Z"),
        (timedelta.max, "9999-12-31T23:59:59Z"),
    ):
        clearing = ClearSettings(policy=ClearPolicy(), keep=keep)
        settings = Settings(cache_dir=cache.directory, clearing=clearing)
        async with cache.client(settings=settings) as client:
            text, answer = await cache.call(client, "list_cleared")
        assert answer["receipts"][0]["undoable_until"] == until
        assert f"undoable until {until}" in text


async def test_a_clear_that_was_killed_is_told_as_interrupted(cache: Cache) -> None:
    clear(cache.fill(2))
    change_copies(cache, "UPDATE receipts SET state = 'open', planned = 9")
    async with reader(cache) as client:
        text, answer = await cache.call(client, "list_cleared")
    assert "returned" not in answer["receipts"][0]
    assert answer["receipts"][0]["state"] == "interrupted or under way"
    assert "2 tasks held, undoable until" in text
    assert "interrupted or under way" in text


# The tasks of a receipt


async def test_the_tasks_of_a_receipt_are_named(cache: Cache, mode: Mode) -> None:
    cache.fill(2, backend="originq:WK_C180", status="failed", name="VQE of H2").fill(1, prefix="x")
    receipt = clear(cache, TaskFilter(status="failed"))
    async with reader(cache, mode) as client:
        text, answer = await cache.call(client, "list_cleared", receipt=receipt)
        assert json.loads(await read(client, f"uniqc://cleared/{receipt}")) == answer
    assert answer["tasks"][1] == {
        "task_id": "task-2",
        "name": "VQE of H2",
        "backend": "originq:WK_C180",
        "status": "failed",
        "submitted_at": "2025-01-01T00:00:02Z",
    }
    assert [one["receipt"] for one in answer["receipts"]] == [receipt]
    assert answer["total"] == 2
    assert '- task-2 "VQE of H2" failed on originq:WK_C180, submitted 2025-01-01T00:00:02Z' in text


async def test_ten_thousand_tasks_are_paged_within_the_budget(cache: Cache) -> None:
    receipt = clear(cache.fill(10_000, name="a name of some length"))
    seen: list[str] = []
    cursor = ""
    async with reader(cache) as client:
        while True:
            text, answer = await cache.call(
                client, "list_cleared", receipt=receipt, limit=100, cursor=cursor
            )
            assert answer["total"] == 10_000
            seen += [task["task_id"] for task in answer["tasks"]]
            assert all(task["task_id"] in text for task in answer["tasks"])
            if not (cursor := answer["next_cursor"]):
                break
        uri = f"uniqc://cleared/{receipt}"
        first = json.loads(await read(client, uri))
        second = json.loads(await read(client, f"{uri}?cursor={first['next_cursor']}"))
    assert seen == [f"task-{number}" for number in range(1, 10_001)]
    shown = [task["task_id"] for task in (*first["tasks"], *second["tasks"])]
    assert shown == seen[: len(shown)]


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
async def test_long_records_stay_within_the_budget(cache: Cache, text: str) -> None:
    store = TaskStore(cache.fill(1).directory)
    for number in range(100):
        metadata: dict[str, JsonValue] = {"task_name": text}
        task = TaskInfo(
            task_id=f"{number} {text}", backend=text[:500], status="failed", metadata=metadata
        )
        store.save(task)
    receipt = clear(cache)
    seen = 0
    cursor = ""
    async with reader(cache) as client:
        for _ in range(3):
            said, answer = await cache.call(
                client, "list_cleared", receipt=receipt, limit=100, cursor=cursor
            )
            assert cost(said, answer) <= ANSWER
            assert len(answer["tasks"]) >= 5
            seen += len(answer["tasks"])
            cursor = answer["next_cursor"]
    assert 15 <= seen <= 101


async def test_many_receipts_stay_within_the_budget(cache: Cache) -> None:
    clear(cache.fill(1))
    name = "龘" * 3_000
    for number in range(150):
        change_copies(
            cache, "INSERT INTO receipts VALUES (?, '2026-01-01', 1, 'open')", f"{number}{name}"
        )
        change_copies(cache, "INSERT INTO cleared_tasks (_receipt) VALUES (?)", f"{number}{name}")
    async with reader(cache) as client:
        said, answer = await cache.call(client, "list_cleared", limit=100)
    assert cost(said, answer) <= ANSWER
    assert answer["total"] == 151


async def test_an_unknown_receipt_is_refused_with_the_reasons(cache: Cache) -> None:
    cache.fill(1)
    async with reader(cache) as client:
        refusal = await cache.refusal(client, "list_cleared", receipt="clr_0")
        with pytest.raises(MCPError) as caught:
            await read(client, "uniqc://cleared/clr_0")
    assert "There is nothing to put back for the receipt 'clr_0'" in refusal
    assert "There is nothing to put back for the receipt 'clr_0'" in caught.value.error.message


# A cleared task by its id


@pytest.mark.parametrize("clears", [False, True])
async def test_get_task_shows_a_cleared_task_and_the_way_back(
    cache: Cache, mode: Mode, *, clears: bool
) -> None:
    cache.copy()
    async with cache.client(mode, cache.settings(clears=clears)) as client:
        shards = "SELECT uniqc_task_id FROM task_shards JOIN tasks ON task_id = uniqc_task_id"
        with closing(sqlite3.connect(cache.path)) as connection:
            (task_id,) = connection.execute(
                f"{shards} WHERE tasks.status = 'success' AND result_json <> ''".replace(
                    "result_json", "tasks.result_json"
                )
            ).fetchone()
        _, before = await cache.call(client, "get_task", task_id=task_id)
        result = await read(client, f"uniqc://task/{task_id}/result")
        circuit = await read(client, f"uniqc://task/{task_id}/circuit")
        receipt = clear(cache)
        text, after = await cache.call(client, "get_task", task_id=task_id)
        assert await read(client, f"uniqc://task/{task_id}/result") == result != "null"
        assert await read(client, f"uniqc://task/{task_id}/circuit") == circuit
        assert json.loads(await read(client, f"uniqc://task/{task_id}")) == after
    told, *notes = after["task"].pop("notes")
    assert notes == before["task"].pop("notes", [])
    assert after["task"].pop("receipt") == receipt
    assert after["task"].pop("cleared_at").endswith("Z")
    assert after["task"] == before["task"]
    way_back = (
        f'undo_clear with this receipt and task_ids=["{task_id}"] puts it back.'
        if clears
        else f"`uniqc-mcp restore {receipt} --task {task_id}` puts it back."
    )
    assert f"under receipt {receipt}: it is not in the cache any more, and in no list." in told
    assert told.endswith(way_back)
    assert told in text
    assert after["store"]["location"].endswith(CLEARED_FILENAME)


async def test_the_way_back_that_is_told_works(cache: Cache) -> None:
    receipt = clear(cache.fill(3))
    async with cache.client() as client:
        _, answer = await cache.call(client, "get_task", task_id="task-2")
        found = answer["task"]
        await cache.call(
            client, "undo_clear", receipt=found["receipt"], task_ids=[found["task_id"]]
        )
        _, live = await cache.call(client, "get_task", task_id="task-2")
        assert "receipt" not in live["task"]
    assert (cache.ids(), receipt) == (["task-2"], found["receipt"])


async def test_an_id_of_the_store_that_begins_with_a_cleared_one_is_not_shown_for_it(
    cache: Cache,
) -> None:
    cache.fill(1, prefix="job-long").fill(1, prefix="job-long-1-more", status="running")
    clear(cache)
    async with reader(cache) as client:
        _, answer = await cache.call(client, "get_task", task_id="job-long-1")
        assert (answer["task"]["task_id"], "receipt" in answer["task"]) == ("job-long-1", True)
        _, answer = await cache.call(client, "get_task", task_id="job-long-1-")
        assert (answer["task"]["task_id"], "receipt" in answer["task"]) == (
            "job-long-1-more-1",
            False,
        )


async def test_an_archived_task_tells_of_a_cleared_one_with_its_id(cache: Cache) -> None:
    cache.copy()
    cache.change(
        "UPDATE archived_tasks SET task_id = (SELECT min(task_id) FROM tasks "
        "WHERE status = 'success') WHERE rowid = (SELECT min(rowid) FROM archived_tasks)"
    )
    before = set(cache.ids())
    receipt = clear(cache)
    with closing(sqlite3.connect(cache.path)) as connection:
        archived = {one for (one,) in connection.execute("SELECT task_id FROM archived_tasks")}
    (twin,) = before & archived
    async with reader(cache) as client:
        text, answer = await cache.call(client, "get_task", task_id=twin)
        assert answer["task"]["archived_at"]
        note = answer["task"]["notes"][0]
        assert note.startswith("Another record of this id was cleared 20")
        assert f"under receipt {receipt}. `uniqc-mcp restore" in note
        assert note in text
        other = min(archived - before)
        _, answer = await cache.call(client, "get_task", task_id=other)
        assert "Another record" not in str(answer)


async def test_the_beginning_of_several_cleared_ids_names_them(cache: Cache) -> None:
    receipt = clear(cache.fill(3, prefix="cleared"))
    async with reader(cache) as client:
        refusal = await cache.refusal(client, "get_task", task_id="cleared-")
    assert refusal.startswith('"cleared-" stands for several cleared tasks.')
    assert '- "cleared-2", cleared ' in refusal
    assert refusal.count(receipt) == 3


async def test_an_id_of_no_task_is_unknown_as_before(cache: Cache) -> None:
    clear(cache.fill(3))
    async with reader(cache) as client:
        for task_id in ("nobody-at-all", "x", ""):
            refusal = await cache.refusal(client, "get_task", task_id=task_id)
            assert refusal.startswith(f'No task has the id "{task_id}"')


# The file


async def test_beside_a_hot_journal_it_answers_and_changes_no_byte(cache: Cache) -> None:
    receipt = clear(cache.fill(50))
    cut_off(cache.directory, "UPDATE cleared_tasks SET metadata_json = zeroblob(5000)")
    before = cache.files()
    async with reader(cache) as client:
        _, answer = await cache.call(client, "list_cleared", receipt=receipt)
        assert answer["total"] == 50
        _, answer = await cache.call(client, "get_task", task_id="task-9")
        assert answer["task"]["receipt"] == receipt
    assert cache.files() == before


def damage(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\1" * 5000)


def overwrite(path: Path) -> None:
    path.write_text("nothing of ours")


BROKEN: Mapping[str, Callable[[Path], None]] = {
    "damaged": damage,
    "text": overwrite,
    "a directory": Path.mkdir,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_broken_file_of_copies_is_told_and_never_an_empty_list(
    cache: Cache, broken: Callable[[Path], None]
) -> None:
    cache.copy()
    broken(cache.directory / CLEARED_FILENAME)
    async with reader(cache) as client:
        refusal = await cache.refusal(client, "list_cleared")
        assert refusal.startswith("The file of cleared tasks can't be used; tasks can still be")
        unknown = await cache.refusal(client, "get_task", task_id="uqt_nothing")
        assert unknown.startswith('No task has the id "uqt_nothing"')
        assert "Cleared tasks could not be searched. The file of cleared tasks" in unknown
        with closing(sqlite3.connect(cache.path)) as connection:
            (archived,) = connection.execute("SELECT min(task_id) FROM archived_tasks").fetchone()
        text, answer = await cache.call(client, "get_task", task_id=archived)
        assert "Cleared tasks could not be searched for this id." in answer["task"]["notes"][0]
        assert answer["task"]["notes"][0] in text
        await cache.call(client, "get_task", task_id=cache.ids()[0])


async def test_the_copies_can_be_listed_when_the_store_is_lost(cache: Cache) -> None:
    receipt = clear(cache.fill(4))
    cache.path.write_bytes(b"overwritten by something else" * 500)
    async with reader(cache) as client:
        _, answer = await cache.call(client, "list_cleared", receipt=receipt)
        assert answer["total"] == 4
        refusal = await cache.refusal(client, "get_task", task_id="task-1")
    assert "The task store can't be read" in refusal
