"""The views in the language of the host, and labels that would not be seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect
from tests.browser.host import shown
from tests.browser.test_board import named, names, rows
from tests.browser.test_result import counted
from tests.server.apps.test_words import table

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from tests.browser.host import Host
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio


async def english_words(host: Host) -> set[str]:
    """Return the words of the table that are seen or heard in a view in English."""
    tree = await host.view.locator("main").aria_snapshot()
    texts = {english for english in table() if "{" not in english and english in tree}
    return {text for text in texts if re.search(rf"\b{text}\b", tree)}


async def test_the_board_speaks_chinese_to_a_host_that_does(browser: Browser, cache: Cache) -> None:
    cache.write(named("Live"), named("vqe", status="pending"), version=5)
    async with shown(browser, cache.server, "list_tasks", {}, context={"locale": "zh-CN"}) as host:
        await expect(host.view.get_by_text("2 个任务", exact=True)).to_be_visible()
        await expect(host.view.get_by_role("columnheader", name="最近消息")).to_be_visible()
        await expect(host.view.get_by_role("table", name="量子任务")).to_be_visible()
        box = host.view.get_by_role("searchbox", name="筛选任务")
        await expect(box).to_have_attribute(
            "placeholder", table()["Filter by name, id, backend, status"]
        )
        await host.view.get_by_role("columnheader", name="任务").get_by_role("button").click()
        await expect(host.view.get_by_role("status")).to_have_text("按任务升序")
        await rows(host).first.click()
        await expect(host.view.get_by_role("region", name="任务详情")).to_contain_text("关闭")
        # A name is no word of the view.
        assert await names(host) == ["Live", "vqe"]
        assert await english_words(host) == {"Live"}
        await expect(host.view.locator("html")).to_have_attribute("lang", "zh-CN")
        await host.tell("ui/notifications/host-context-changed", {"locale": "en-GB"})
        await expect(host.view.get_by_text("2 tasks", exact=True)).to_be_visible()
        await expect(host.view.get_by_role("button", name="Live")).to_be_visible()
        await expect(host.view.locator("html")).to_have_attribute("lang", "en")
        assert host.errors == []


async def test_the_result_speaks_chinese_to_a_host_that_does(
    browser: Browser, cache: Cache
) -> None:
    cache.write(counted("bell", {"00": 480, "11": 520}), version=5)
    context = {"locale": "zh-Hans-SG"}
    async with shown(
        browser, cache.server, "get_task", {"task_id": "task-000001"}, context=context
    ) as host:
        await expect(host.view.get_by_role("table", name="测量结果")).to_be_visible()
        await expect(host.view.get_by_text("按比特串")).to_be_visible()
        box = host.view.get_by_role("textbox", name="要比较的任务的 ID 或名称")
        await box.fill("task-000001")
        await box.press("Enter")
        await expect(host.view.get_by_role("alert")).to_have_text("该任务已显示。")
        assert await english_words(host) == set()
        assert host.errors == []


@pytest.mark.parametrize("locale", ["zh-TW", "no such locale"])
async def test_another_language_gets_english_words(
    browser: Browser, cache: Cache, locale: str
) -> None:
    cache.write(named("vqe"), version=5)
    async with shown(browser, cache.server, "list_tasks", {}, context={"locale": locale}) as host:
        await expect(host.view.get_by_role("heading", name="Quantum tasks")).to_be_visible()
        await expect(rows(host)).to_have_count(1)


async def test_a_label_of_spaces_is_shown_by_its_characters(browser: Browser, cache: Cache) -> None:
    cache.write(
        named("\u3164", task_id="filler"),
        named("\u2800\u2800", task_id="blank"),
        named("\u00a0", task_id="space", backend="\u2003"),
        version=5,
    )
    async with shown(browser, cache.server, "list_tasks", {}) as host:
        await expect(rows(host)).to_have_count(3)
        # The server removes the first, so that the id stands for it.
        assert set(await names(host)) == {"filler", "\\u{2800}\\u{2800}", "\\u{a0}"}
        await expect(rows(host).filter(has_text="space")).to_contain_text("\\u{2003}")
        await rows(host).filter(has_text="blank").click()
        heading = host.view.get_by_role("heading", name="\\u{2800}\\u{2800}")
        await expect(heading).to_be_visible()
