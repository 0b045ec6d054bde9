"""New tasks come to the end of the board where the order of its question has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect
from tests.browser.host import shown
from tests.browser.test_board import rows

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

COPY = (
    "INSERT INTO tasks (task_id, backend, status, shots, submit_time, update_time, metadata_json)"
    " SELECT 'new-' || {n}, backend, status, shots, '2026-11-03T17:00:0{n}+00:00',"
    " '2026-11-03T17:00:0{n}+00:00', '{{}}' FROM tasks WHERE task_id = 'task-000001'"
)


@pytest.mark.parametrize(
    ("order", "number"), [("newest", 3), ("newest", 1_100), ("oldest", 1_100), ("updated", 1_100)]
)
async def test_a_new_task_is_where_the_order_has_it(
    browser: Browser, cache: Cache, order: str, number: int
) -> None:
    """Of more than 1,000 tasks the board reads the newest again."""
    time = "2026-11-02T{:02}:{:02}:00+00:00"
    cache.write(
        *(
            {
                "status": "running",
                "submit_time": time.format(n // 60, n % 60),
                "update_time": time.format(n // 60, n % 60),
            }
            for n in range(number)
        ),
        version=5,
    )
    waits = 0

    async def override(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        nonlocal waits
        if method != "tools/call" or params["name"] != "wait_for_tasks":
            return None
        waits += 1
        if waits > 2:
            return None
        # The wait tells nothing of new tasks, and the board does not pause after a whole one.
        cache.change(COPY.format(n=waits))
        answer = {"changes": [], "waited_seconds": 5, "cursor": ""}
        return {"content": [], "structuredContent": answer}

    async with shown(
        browser, cache.server, "list_tasks", {"order": order}, override=override
    ) as host:
        table = host.view.get_by_role("table")
        await expect(table).to_have_attribute("aria-rowcount", str(number + 3))
        await rows(host).first.focus()
        if order == "oldest":
            await host.tab.keyboard.press("End")
        ids = await host.view.locator(".body .title").all_inner_texts()
        ends = ids[-2:] if order == "oldest" else ids[1::-1]
        assert ends == ["new-1", "new-2"]
        assert host.errors == []
