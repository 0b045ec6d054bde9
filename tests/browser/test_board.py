"""The board of tasks: what it shows, how it is used, and that it stays up to date."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect
from tests.browser.host import shown, until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator
    from tests.browser.host import Host
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

MARKUP = "<img src=x onerror=alert(1)><b>bold</b>{{style}}</script>"


def named(name: str, **more: object) -> dict[str, object]:
    return {
        "status": "running",
        "metadata_json": f'{{"task_name": "{name}"}}',
        **more,
    }


def rows(host: Host) -> Locator:
    return host.view.locator(".body .row")


async def names(host: Host) -> list[str]:
    found: list[str] = await host.view.locator(".body .title").all_inner_texts()
    return found


@pytest.fixture
def three(cache: Cache) -> Cache:
    day = "2026-11-03T{:02}:00:00+00:00"
    return cache.write(
        named("vqe step 2", shots=100, submit_time=day.format(9)),
        named("vqe step 10", shots=20, submit_time=day.format(11), backend="ibm:ibm_fez"),
        named("量子相位", shots=3000, submit_time=day.format(10), status="pending"),
        {"status": "success"},
        version=5,
    )


async def test_active_tasks_are_there_with_their_ages(browser: Browser, three: Cache) -> None:
    async with shown(browser, three.server, "list_tasks", {}) as host:
        await expect(rows(host)).to_have_count(3)
        assert await names(host) == ["vqe step 10", "量子相位", "vqe step 2"]
        # It is 18:00 by the server's clock; that of this machine is not asked.
        await expect(rows(host).first).to_contain_text("7 hr ago")
        await expect(rows(host).first).to_contain_text("6 hr ago")
        await expect(host.view.get_by_text("3 tasks", exact=True)).to_be_visible()
        assert host.errors == []


async def test_a_filter_leaves_the_tasks_that_have_each_word(
    browser: Browser, three: Cache
) -> None:
    async with shown(browser, three.server, "list_tasks", {}) as host:
        box = host.view.get_by_role("searchbox", name="Filter tasks")
        for typed, left in (
            ("VQE", ["vqe step 10", "vqe step 2"]),
            ("vqe fez", ["vqe step 10"]),
            ("相位", ["量子相位"]),
            ("pending", ["量子相位"]),
            ("task-000001", ["vqe step 2"]),
            ("", ["vqe step 10", "量子相位", "vqe step 2"]),
        ):
            await box.fill(typed)
            await expect(rows(host)).to_have_count(len(left))
            assert await names(host) == left
        await box.fill("nothing like it")
        await expect(host.view.get_by_text("No task matches the filter.")).to_be_visible()
        await expect(host.view.get_by_text("0 of 3 tasks").first).to_be_visible()


async def test_a_column_sorts_up_then_down_then_as_the_server_did(
    browser: Browser, three: Cache
) -> None:
    async with shown(browser, three.server, "list_tasks", {}) as host:
        await expect(rows(host)).to_have_count(3)
        header = host.view.get_by_role("columnheader", name="Shots")
        for state, first in (
            ("ascending", "vqe step 10"),
            ("descending", "量子相位"),
            ("none", "vqe step 10"),
        ):
            await header.get_by_role("button").click()
            await expect(header).to_have_attribute("aria-sort", state)
            assert (await names(host))[0] == first
        # Numbers in names count as numbers.
        await host.view.get_by_role("button", name="Task").click()
        ordered = await names(host)
        assert ordered.index("vqe step 2") < ordered.index("vqe step 10")


async def test_the_keyboard_reaches_everything(browser: Browser, three: Cache) -> None:
    async with shown(browser, three.server, "list_tasks", {}) as host:
        await expect(rows(host)).to_have_count(3)
        await host.view.get_by_role("searchbox").focus()
        press = host.tab.keyboard.press
        for _ in range(2 + 6):  # live, the six headings, then the first row
            await press("Tab")
        focused = host.view.locator(":focus")
        await expect(focused).to_contain_text("vqe step 10")
        for key, name in (
            ("ArrowDown", "量子相位"),
            ("End", "vqe step 2"),
            ("ArrowDown", "vqe step 2"),
            ("Home", "vqe step 10"),
            ("PageDown", "vqe step 2"),
            ("ArrowUp", "量子相位"),
        ):
            await press(key)
            await expect(focused).to_contain_text(name)
        await press("Enter")
        details = host.view.get_by_role("region", name="Details of the task")
        await expect(details).to_contain_text("task-000003")
        await expect(focused).to_contain_text("量子相位")
        await press("Enter")
        await expect(details).to_be_hidden()


async def test_a_reader_hears_a_table_with_its_columns(browser: Browser, three: Cache) -> None:
    async with shown(browser, three.server, "list_tasks", {}) as host:
        await expect(rows(host)).to_have_count(3)
        table = host.view.get_by_role("table", name="Quantum tasks")
        await expect(table).to_have_attribute("aria-rowcount", "4")
        tree = await table.aria_snapshot()
        whole = await host.view.locator("main").aria_snapshot()
    lines = [line.strip() for line in tree.splitlines()]
    heard = [line for line in lines if line.startswith("- columnheader")]
    assert [re.findall(r'"(.+?)"', line)[0] for line in heard] == [
        *("Status", "Task", "Backend", "Shots", "Submitted", "Last heard")
    ]
    assert sum(line.startswith("- row ") for line in lines) == 4
    assert sum(line.startswith("- cell") for line in lines) == 18
    assert '- cell "量子相位 task-000003"' in tree
    assert '- searchbox "Filter tasks"' in whole
    assert '- button "Live" [pressed]' in whole
    assert '- heading "Quantum tasks" [level=1]' in whole


async def test_a_change_in_the_file_shows_at_once_and_is_marked(
    browser: Browser, three: Cache
) -> None:
    async with shown(browser, three.server, "list_tasks", {}) as host:
        await expect(rows(host)).to_have_count(3)
        await expect(host.view.get_by_role("button", name="Live")).to_have_attribute(
            "aria-pressed", "true"
        )
        await until(lambda: host.calls_of("wait_for_tasks"))
        await host.tab.wait_for_timeout(300)
        await rows(host).first.evaluate("node => { node.isOfBefore = true; }")
        three.change("UPDATE tasks SET status = 'failed' WHERE task_id = 'task-000001'")
        marked = host.view.locator(".fresh")
        await expect(marked).to_have_count(1)
        await expect(marked).to_contain_text("vqe step 2")
        await expect(marked).to_contain_text("failed")
        await expect(marked).to_contain_text("was running")
        await expect(host.view.get_by_role("status")).to_have_text("vqe step 2 is failed")
        assert await names(host) == ["vqe step 10", "量子相位", "vqe step 2"]
        # What a user selected in a row that did not change stays selected.
        assert await rows(host).first.evaluate("node => node.isOfBefore")
        three.change(
            "INSERT INTO tasks SELECT 'task-new', backend, 'running', shots, submit_time, "
            "update_time, NULL, '{}', NULL FROM tasks WHERE task_id = 'task-000002'"
        )
        # Within five seconds, and whatever a busy machine needs.
        await expect(rows(host)).to_have_count(4)
        await expect(marked).to_have_count(2)


async def test_live_can_be_switched_off(browser: Browser, three: Cache) -> None:
    async with shown(browser, three.server, "list_tasks", {}) as host:
        await expect(rows(host)).to_have_count(3)
        await host.view.get_by_role("button", name="Live").click()
        await host.tab.wait_for_timeout(300)
        three.change("UPDATE tasks SET status = 'failed' WHERE task_id = 'task-000001'")
        await host.tab.wait_for_timeout(1_000)
        assert len(await host.calls_of("wait_for_tasks")) == 1
        await expect(host.view.locator(".fresh")).to_have_count(0)


async def test_the_question_of_the_model_is_kept(browser: Browser, three: Cache) -> None:
    asked = {"status": ["success", "pending"], "backend": "originq", "limit": 5}
    async with shown(browser, three.server, "list_tasks", asked) as host:
        await expect(rows(host)).to_have_count(2)
        (first, *_) = await host.calls_of("list_tasks")
    assert first == {"status": ["success", "pending"], "backend": "originq", "limit": 100}


async def test_a_wait_opens_the_board_with_what_changed(browser: Browser, three: Cache) -> None:
    change = {
        "task_id": "task-000004",
        "name": "done one",
        "backend": "dummy",
        "before": "running",
        "status": "success",
    }
    answer = {
        "state": "changed",
        "changes": [change],
        "changes_total": 1,
        "active": [],
        "active_total": 3,
        "waited_seconds": 1,
        "cursor": "",
        "store": {"location": "x", "read_at": "2026-11-03T18:00:00Z"},
    }
    given = {"content": [], "structuredContent": answer}
    async with shown(
        browser, three.server, "wait_for_tasks", {"timeout_seconds": 5}, result=given
    ) as host:
        await expect(rows(host)).to_have_count(4)
        await expect(host.view.locator(".fresh")).to_contain_text("done one")


def page_of_many(params: dict[str, Any]) -> dict[str, Any]:
    """Return a page of 10,000 tasks, as quickly as none of a real store is read."""
    start = int(params["arguments"].get("cursor", "0"))
    tasks = [
        {"task_id": f"id-{n}", "name": f"task {n}", "status": "running", "backend": "dummy"}
        for n in range(start, start + 100)
    ]
    more = {"next_cursor": str(start + 100)} if start < 9_900 else {}
    return {"content": [], "structuredContent": {"tasks": tasks, "total": 10_000, **more}}


async def test_ten_thousand_tasks_do_not_freeze_it(browser: Browser, cache: Cache) -> None:
    async def override(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        del method
        return page_of_many(params) if params["name"] == "list_tasks" else None

    first = page_of_many({"arguments": {}})
    async with shown(
        browser, cache.server, "list_tasks", {}, result=first, override=override
    ) as host:
        await expect(host.view.get_by_text("10,000 tasks", exact=True)).to_be_visible(
            timeout=120_000
        )
        assert await rows(host).count() < 40
        await expect(host.view.get_by_role("table")).to_have_attribute("aria-rowcount", "10001")
        box = host.view.get_by_role("searchbox")
        took: list[float] = [
            await box.evaluate(
                "box => { const began = performance.now(); box.value = '99'; "
                "box.dispatchEvent(new Event('input')); document.body.offsetHeight; "
                "return performance.now() - began; }"
            )
            for _ in range(5)
        ]
        assert min(took) < 1_000  # the others may have waited for the processor
        await expect(
            host.view.get_by_text(re.compile(r"^\d+ of 10,000 tasks$")).first
        ).to_be_visible()
        await box.fill("")
        await host.view.get_by_role("button", name="Task").click()
        await rows(host).first.focus()
        await host.tab.keyboard.press("End")
        await expect(host.view.locator(":focus")).to_contain_text("task 9999")
        assert await rows(host).count() < 40
        assert host.errors == []


async def test_a_narrow_view_keeps_status_and_name(browser: Browser, three: Cache) -> None:
    async with shown(browser, three.server, "list_tasks", {}, size=(360, 600)) as host:
        await expect(rows(host)).to_have_count(3)
        for shows, name in ((True, "Status"), (True, "Task"), (False, "Shots"), (False, "Backend")):
            heading = host.view.get_by_role("columnheader", name=name)
            await expect(heading).to_have_count(int(shows))
        overflow: bool = await host.view.locator("html").evaluate(
            "node => node.scrollWidth > node.clientWidth"
        )
        assert not overflow
        await host.tab.set_viewport_size({"width": 900, "height": 600})
        await expect(host.view.get_by_role("columnheader", name="Shots")).to_be_visible()


async def test_markup_in_a_record_stays_text(browser: Browser, cache: Cache) -> None:
    columns = ("task_id", "backend", "status")
    task: dict[str, Any] = {name: f"{MARKUP} {name}" for name in columns}
    cache.write(named(MARKUP, **task, error_message=MARKUP), version=5)
    async with shown(browser, cache.server, "list_tasks", {}) as host:
        await expect(host.view.locator(".body .title")).to_have_text(MARKUP)
        await rows(host).first.click()
        await expect(host.view.locator(".details h2")).to_have_text(MARKUP)
        assert await host.view.locator("main img, main b, main script").count() == 0
        assert host.errors == []
        assert host.outside == []


DAMAGED: list[Any] = [
    {},
    {"tasks": None},
    {"tasks": [None, 5, "text", [], {}, {"task_id": None}, {"task_id": "only-an-id"}]},
    {"tasks": [{"task_id": "t", "name": 5, "status": {}, "shots": "many", "submitted_at": "soon"}]},
    {"tasks": [{"task_id": "t", "seconds_since_update": 1e308, "updated_at": [], "shots": -1}]},
    {"tasks": [{"task_id": "t"}], "total": "x", "store": [], "next_cursor": 5},
]


async def test_an_answer_without_the_usual_fields_is_no_error(
    browser: Browser, three: Cache
) -> None:
    async with shown(browser, three.server, "list_tasks", {}, capabilities={}) as host:
        await expect(rows(host)).to_have_count(3)
        for structure in DAMAGED:
            given = {"content": [], "structuredContent": structure}
            await host.tell("ui/notifications/tool-result", given)
        # The three of before, and the two ids among the damaged answers.
        await expect(rows(host)).to_have_count(5)
        assert host.errors == []


async def test_an_error_of_the_server_is_told(browser: Browser, three: Cache) -> None:
    async def override(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        del method, params
        text = "The file is damaged."
        return {"isError": True, "content": [{"type": "text", "text": text}]}

    async with shown(
        browser,
        three.server,
        "list_tasks",
        {},
        override=override,
        result={"isError": True, "content": []},
    ) as host:
        await expect(host.view.get_by_role("alert")).to_contain_text("The file is damaged.")
