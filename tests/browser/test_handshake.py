"""The messages between a view and its host, and what the view takes from the host's context."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect
from tests.browser.host import shown, until

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

VIEWS = [("list_tasks", {}), ("get_task", {"task_id": "task-000001"})]
each_view = pytest.mark.parametrize(("tool", "arguments"), VIEWS, ids=["board", "result"])


@pytest.fixture
def cache(cache: Cache) -> Cache:
    return cache.write({"status": "running"}, {"result_json": '{"00": 5, "11": 7}'}, version=5)


@each_view
async def test_a_view_introduces_itself_then_says_that_it_is_ready(
    browser: Browser, cache: Cache, tool: str, arguments: dict[str, Any]
) -> None:
    async with shown(browser, cache.server, tool, arguments) as host:
        await expect(host.view.get_by_text("task-000001").first).to_be_visible()
        messages: list[dict[str, Any]] = await host.tab.evaluate("received")
        assert host.errors == []
        assert host.outside == []
    assert all(message["jsonrpc"] == "2.0" for message in messages)
    first, second = messages[:2]
    assert first["method"] == "ui/initialize"
    assert first["params"]["protocolVersion"] == "2026-01-26"
    assert first["params"]["appInfo"].keys() == {"name", "version"}
    assert first["params"]["appCapabilities"]
    assert second == {"jsonrpc": "2.0", "method": "ui/notifications/initialized", "params": {}}


@each_view
async def test_a_view_tells_its_height_whenever_that_changes(
    browser: Browser, cache: Cache, tool: str, arguments: dict[str, Any]
) -> None:
    async with shown(browser, cache.server, tool, arguments, resizes=True) as host:
        await expect(host.view.get_by_text("task-000001").first).to_be_visible()
        await host.tell("ui/notifications/tool-cancelled", {"reason": "by the user"})
        await expect(host.view.get_by_role("alert")).to_contain_text("by the user")
        root, told = host.view.locator("html"), list[dict[str, Any]]()

        async def is_told() -> bool:
            told[:] = [
                one["params"] for one in await host.received("ui/notifications/size-changed")
            ]
            height = await root.evaluate("node => node.getBoundingClientRect().height")
            return len(told) > 1 and told[-1]["height"] == pytest.approx(height, abs=1)

        await until(is_told)
        scrolls = await root.evaluate(
            "node => node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth"
        )
    assert not scrolls


@each_view
async def test_a_host_that_lets_no_view_ask_gets_no_request(
    browser: Browser, cache: Cache, tool: str, arguments: dict[str, Any]
) -> None:
    async with shown(browser, cache.server, tool, arguments, capabilities={}) as host:
        await expect(host.view.get_by_text("task-000001").first).to_be_visible()
        await host.tab.wait_for_timeout(200)
        assert host.asked == []
        assert host.errors == []


async def test_requests_of_the_host_are_answered(browser: Browser, cache: Cache) -> None:
    async with shown(browser, cache.server, "list_tasks", {}) as host:
        await expect(host.view.locator(".row").first).to_be_visible()
        for number, method in ((901, "ping"), (902, "ui/resource-teardown"), (903, "no/such")):
            await host.tab.evaluate("send", {"id": number, "method": method, "params": {}})
        answers: dict[int, Any] = {}

        async def all_answered() -> bool:
            messages: list[dict[str, Any]] = await host.tab.evaluate("received")
            answers.update({one["id"]: one for one in messages if one.get("id", 0) > 900})
            return len(answers) == 3

        await until(all_answered)
    assert answers[901]["result"] == answers[902]["result"] == {}
    assert answers[903]["error"]["code"] == -32601


async def test_a_message_that_is_none_is_ignored(browser: Browser, cache: Cache) -> None:
    async with shown(browser, cache.server, "list_tasks", {}) as host:
        await expect(host.view.locator(".row").nth(1)).to_be_visible()
        odd: list[Any] = [None, 5, "text", [], {"jsonrpc": "1.0"}, {"jsonrpc": "2.0", "id": 777}]
        for message in odd:
            await host.tab.evaluate("data => view.contentWindow.postMessage(data, '*')", message)
        await host.tell("ui/notifications/tool-result", {})
        await host.tell("ui/notifications/tool-input", {})
        await host.tab.wait_for_timeout(100)
        assert host.errors == []
        await expect(host.view.get_by_text("task-000001").first).to_be_visible()


@each_view
async def test_light_and_dark_follow_the_host(
    browser: Browser, cache: Cache, tool: str, arguments: dict[str, Any]
) -> None:
    async with shown(browser, cache.server, tool, arguments, context={"theme": "dark"}) as host:
        body = host.view.locator("body")
        await expect(body).to_have_css("background-color", "rgb(22, 24, 29)")
        await host.tell("ui/notifications/host-context-changed", {"theme": "light"})
        await expect(body).to_have_css("background-color", "rgb(255, 255, 255)")
        variables = {"--color-background-primary": "rgb(250, 240, 230)", "--font-sans": "serif"}
        styles = {"styles": {"variables": variables | {"color": "red", "--color-text-primary": 5}}}
        await host.tell("ui/notifications/host-context-changed", styles)
        await expect(body).to_have_css("background-color", "rgb(250, 240, 230)")
        await expect(body).to_have_css("color", "rgb(27, 34, 48)")
        await expect(body).to_have_css("font-family", "serif")


async def test_texts_are_readable_on_their_ground_in_both_themes(
    browser: Browser, cache: Cache
) -> None:
    for theme in ("light", "dark"):
        async with shown(browser, cache.server, "list_tasks", {}, context={"theme": theme}) as host:
            await expect(host.view.locator(".row").nth(1)).to_be_visible()
            ratios: dict[str, float] = await host.view.locator("body").evaluate(CONTRASTS)
        assert len(ratios) > 8
        assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}, theme


CONTRASTS = """() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    const color = getComputedStyle(node).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" ? ground(node.parentElement) : color;
  };
  const found = {};
  for (const node of document.querySelectorAll("main *")) {
    const text = [...node.childNodes].find((one) => one.nodeType === 3 && one.data.trim());
    if (!text || !node.getClientRects().length) continue;
    const [one, other] = [light(getComputedStyle(node).color), light(ground(node))];
    found[text.data] = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }
  return found;
}"""


async def test_times_and_numbers_are_those_of_the_hosts_language_and_zone(
    browser: Browser, cache: Cache
) -> None:
    cache.change("UPDATE tasks SET shots = 12345 WHERE task_id = 'task-000001'")
    german = {"locale": "de-DE", "timeZone": "Asia/Shanghai"}
    async with shown(browser, cache.server, "list_tasks", {}, context=german) as host:
        row = host.view.locator(".body .row").first
        await expect(row).to_contain_text("12.345")
        await expect(row.locator("time").first).to_have_text(re.compile(r"^vor "))
        # Submitted 12:00 UTC.
        await expect(row.locator("time").first).to_have_attribute("title", re.compile("20:00:00"))
        await host.tell("ui/notifications/host-context-changed", {"locale": "zh-CN"})
        await expect(row.locator("time").first).to_have_text(re.compile("前$"))


async def test_an_unknown_language_or_zone_is_no_error(browser: Browser, cache: Cache) -> None:
    odd = {"locale": "not a locale", "timeZone": "Nowhere/At_All"}
    async with shown(browser, cache.server, "list_tasks", {}, context=odd) as host:
        await expect(host.view.locator(".body .row").first).to_be_visible()
        assert host.errors == []


async def test_nothing_moves_where_the_user_wants_no_motion(browser: Browser, cache: Cache) -> None:
    names = {}
    for motion in ("reduce", "no-preference"):
        tab = {"reduced_motion": motion}
        async with shown(browser, cache.server, "list_tasks", {}, tab=tab) as host:
            row = host.view.locator(".body .row").first
            names[motion] = await row.evaluate(
                "node => { node.classList.add('arrives'); "
                "return getComputedStyle(node).animationName; }"
            )
    assert names == {"reduce": "none", "no-preference": "arrive"}


async def test_full_screen_is_offered_where_the_host_has_it(browser: Browser, cache: Cache) -> None:
    modes = {"availableDisplayModes": ["inline", "fullscreen"], "displayMode": "inline"}
    async with shown(browser, cache.server, "list_tasks", {}, context=modes) as host:
        await host.view.get_by_role("button", name="Full screen", exact=True).click()
        await expect(host.view.get_by_role("button", name="Leave full screen")).to_be_visible()
        (asked,) = await host.received("ui/request-display-mode")
    assert asked["params"] == {"mode": "fullscreen"}
