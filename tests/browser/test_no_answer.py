"""Views without an answer: they don't say that there is nothing, and tell what went wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from playwright.async_api import expect
from tests.browser.host import shown

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

BUSY: dict[str, Any] = {"isError": True, "content": [{"type": "text", "text": "The file is busy."}]}
NOTHING: dict[str, Any] = {"content": []}


async def busy(method: str, params: dict[str, Any]) -> dict[str, Any]:
    del method, params
    return BUSY


@pytest.mark.parametrize(
    ("tool", "told"),
    [("list_tasks", "The tasks are not known."), ("get_task", "The result is not known.")],
)
async def test_an_error_is_not_an_empty_list(
    browser: Browser, cache: Cache, tool: str, told: str
) -> None:
    async with shown(browser, cache.server, tool, {}, override=busy, result=BUSY) as host:
        await expect(host.view.get_by_role("alert")).to_contain_text("The file is busy.")
        await expect(host.view.locator("#empty")).to_have_text(told)
        assert await host.view.get_by_text("0 tasks").count() == 0


@pytest.mark.parametrize(
    ("tool", "told"),
    [("list_tasks", "Waiting for the tasks…"), ("get_task", "Waiting for the result…")],
)
async def test_a_host_that_gives_no_data_is_waited_for(
    browser: Browser, cache: Cache, tool: str, told: str
) -> None:
    async with shown(browser, cache.server, tool, {}, result=NOTHING, capabilities={}) as host:
        await expect(host.view.locator("#empty")).to_have_text(told)
        assert await host.view.get_by_text("0 tasks").count() == 0
        await host.tell("ui/notifications/tool-cancelled", {"reason": "by the user"})
        await expect(host.view.locator("#empty")).to_contain_text("not known")


async def test_a_list_that_can_not_be_read_on_is_told_and_not_read_for_ever(
    browser: Browser, cache: Cache
) -> None:
    cache.write({"status": "running"}, version=5)
    async with Client(cache.server) as client:
        answer = await client.call_tool("list_tasks", {})
    result = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
    async with shown(browser, cache.server, "list_tasks", {}, override=busy, result=result) as host:
        await expect(host.view.get_by_role("alert")).to_contain_text("The file is busy.")
        await expect(host.view.locator("#summary")).to_have_text("1 task")


async def test_an_archived_task_with_the_id_of_a_live_one_has_a_row(
    browser: Browser, cache: Cache
) -> None:
    twins = [
        {"task_id": "twin", "status": "success", "name": name, "note": note}
        for name, note in (("second run", "archived twin"), ("first run", "archived"))
    ]
    answer = {"tasks": twins, "total": 2, "store": {"read_at": "2026-11-03T18:00:00Z"}}
    result = {"content": [{"type": "text", "text": json.dumps(answer)}]}
    result["structuredContent"] = answer  # type: ignore[assignment]  # of another type than content
    async with shown(
        browser, cache.server, "list_tasks", {}, result=result, capabilities={}
    ) as host:
        await expect(host.view.get_by_text("2 tasks", exact=True)).to_be_visible()
        assert await host.view.locator(".body .title").all_inner_texts() == [
            "second run",
            "first run",
        ]
