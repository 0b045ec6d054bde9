"""A clear that drops older receipts says how many, and which."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from uniqc_mcp.cli.doctor import examine
from uniqc_mcp.settings import Settings
from uniqc_store import CLEARED_FILENAME, TaskFilter, TaskStore

if TYPE_CHECKING:
    from tests.clearing_cache import Cache


async def test_the_answer_names_the_receipts_that_were_dropped(cache: Cache) -> None:
    settings = cache.settings()
    assert settings.clearing is not None
    settings = replace(settings, clearing=replace(settings.clearing, keep=timedelta(0)))
    async with cache.client("auto", settings) as client:
        told: list[tuple[str, dict[str, object]]] = []
        for prefix in ("first", "second"):
            cache.fill(2, prefix=prefix)
            _, plan = await cache.call(client, "clear_tasks")
            told.append(await cache.call(client, "clear_tasks", plan_id=plan["plan_id"]))
    (_, first), (text, second) = told
    expected = f"can't be undone any more: 1 with 2 tasks ({first['receipt']})."
    assert "any more" not in json.dumps(first)
    assert expected in text
    assert expected in str(second["message"])


def test_doctor_tells_how_much_can_be_put_back_and_what_is_wrong_with_the_copies(
    cache: Cache,
) -> None:
    store = TaskStore(cache.fill(3).directory)
    settings = Settings(cache_dir=cache.directory)
    assert examine(settings).notes == []
    store.clear(store.plan_clear(TaskFilter()))
    (note,) = examine(settings).notes
    assert "can be put back: 3" in note
    (cache.directory / CLEARED_FILENAME).write_text("Dear diary")
    reading, clearing = examine(settings), examine(cache.settings())
    assert (reading.ok, clearing.ok) == (True, False)
    assert CLEARED_FILENAME in reading.notes[0]
    assert CLEARED_FILENAME in clearing.problems[0]
