"""The results of tasks: their outcomes in both orders, beside each other, with jobs and errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect
from tests.browser.host import shown
from tests.server.records.test_result_cases import job, task

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator
    from tests.browser.host import Host
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

MARKUP = "<img src=x onerror=alert(1)><b>bold</b></script>"
WIDTHS = "all => all.map((one) => one.style.width)"
FIRST = {"task_id": "task-000001"}


def counted(name: str, counts: dict[str, int]) -> dict[str, object]:
    return task(counts, backend="originq:WK_C180", task_name=name)


def rows(host: Host) -> Locator:
    return host.view.locator(".body .row")


async def outcomes(host: Host) -> list[str]:
    found: list[str] = await rows(host).locator(".bits").all_inner_texts()
    return found


@pytest.fixture
def two(cache: Cache) -> Cache:
    return cache.write(
        counted("bell 1", {"00": 480, "01": 20, "11": 500}),
        counted("贝尔 2", {"00": 500, "10": 500}),
        version=5,
    )


async def test_outcomes_come_by_count_then_by_bits(browser: Browser, two: Cache) -> None:
    async with shown(browser, two.server, "get_task", FIRST) as host:
        await expect(rows(host)).to_have_count(3)
        assert await outcomes(host) == ["11", "00", "01"]
        await expect(rows(host).first).to_contain_text("500")
        await expect(rows(host).first).to_contain_text("50.00%")
        widths = await rows(host).locator(".fill").evaluate_all(WIDTHS)
        assert widths == ["100%", "96%", "4%"]
        await host.view.get_by_text("By bits").click()
        assert await outcomes(host) == ["00", "01", "11"]
        await expect(host.view.get_by_text("counted shots")).to_be_visible()
        assert host.errors == []


@pytest.fixture
def twins(two: Cache) -> Cache:
    """The archived task of an id that is live too: its outcomes are those of the second task."""
    columns = "task_id, backend, status, shots, submit_time, update_time, metadata_json"
    two.change(
        f"INSERT INTO archived_tasks ({columns}, result_json, archived_at)"
        f" SELECT {columns}, (SELECT result_json FROM tasks WHERE task_id = 'task-000002'),"
        " '2026-11-01T00:00:00+00:00' FROM tasks WHERE task_id = 'task-000001'"
    )
    return two


async def test_an_archived_task_is_drawn_and_not_the_live_one_of_its_id(
    browser: Browser, twins: Cache
) -> None:
    archived = {"task_id": "archived:task-000001"}
    async with shown(browser, twins.server, "get_task", archived) as host:
        await expect(rows(host)).to_have_count(2)
        assert await outcomes(host) == ["00", "10"]


@pytest.mark.parametrize("capabilities", [None, {}])
async def test_a_task_is_compared_with_the_archived_one_of_its_id(
    browser: Browser, twins: Cache, capabilities: dict[str, Any] | None
) -> None:
    """A host that lets no view ask has the tasks of the answer, which have no outcomes."""
    both = {"task_ids": ["archived:task-000001", "task-000001"]}
    async with shown(
        browser, twins.server, "compare_tasks", both, capabilities=capabilities
    ) as host:
        await expect(host.view.get_by_role("alert")).to_be_hidden()
        await expect(host.view.get_by_role("article")).to_have_count(2)
        if capabilities is None:
            await expect(rows(host).filter(has_text="10")).to_contain_text("50.00%\u2013")


async def test_4096_outcomes_are_drawn_in_few_elements(browser: Browser, cache: Cache) -> None:
    counts = {f"{state:012b}": 5_000 - state for state in range(4_096)}
    cache.write(counted("wide", counts), version=5)
    async with shown(browser, cache.server, "get_task", FIRST) as host:
        await expect(host.view.get_by_role("table")).to_have_attribute("aria-rowcount", "4097")
        assert await rows(host).count() < 40
        path = await host.view.locator("svg path").get_attribute("d")
        assert path is not None
        assert path.count("M") == 4_096
        await host.view.get_by_text("By bits").click()
        await rows(host).first.focus()
        await host.tab.keyboard.press("End")
        await expect(host.view.locator(":focus")).to_contain_text("111111111111")
        await expect(host.view.locator(":focus")).to_contain_text("905")


async def test_a_task_is_added_by_its_name_and_removed(browser: Browser, two: Cache) -> None:
    async with shown(browser, two.server, "get_task", FIRST) as host:
        box = host.view.get_by_role("textbox", name="Id or name of a task to compare")
        await box.fill("贝尔 2")
        await box.press("Enter")
        heading = host.view.get_by_role("columnheader", name="贝尔 2")
        await expect(heading).to_be_visible()
        assert await outcomes(host) == ["00", "10", "11", "01"]
        # Neither has all of these outcomes.
        await expect(rows(host).filter(has_text="10")).to_contain_text("\u2013")
        await box.fill("task-000002")
        await box.press("Enter")
        await expect(host.view.get_by_role("alert")).to_contain_text("shown already")
        await box.fill("no such task")
        await box.press("Enter")
        await expect(host.view.get_by_role("alert")).to_contain_text("no such task")
        await host.view.get_by_role("button", name="Remove bell 1").click()
        assert await outcomes(host) == ["00", "10"]


async def test_six_tasks_stand_beside_each_other_and_no_seventh(
    browser: Browser, cache: Cache
) -> None:
    cache.write(*(counted(f"run {n}", {"0": n, "1": 9 - n}) for n in range(1, 8)), version=5)
    asked = {"task_ids": [f"task-{n:06}" for n in range(1, 7)]}
    async with shown(browser, cache.server, "compare_tasks", asked) as host:
        await expect(host.view.get_by_role("article")).to_have_count(6)
        await expect(host.view.get_by_role("columnheader")).to_have_count(7)
        await expect(host.view.get_by_role("textbox")).to_have_count(0)
        tints = await host.view.locator("article").evaluate_all(
            "all => all.map((one) => getComputedStyle(one).borderLeftColor)"
        )
        assert len(set(tints)) == 6


async def test_a_circuit_of_a_batch_is_chosen(browser: Browser, cache: Cache) -> None:
    batch = [{"counts": {"0": 10 + place, "1": 5}} for place in range(12)]
    cache.write(task(batch, backend="originq:WK_C180", batch_size=12), version=5)
    async with shown(browser, cache.server, "get_task", FIRST) as host:
        choice = host.view.get_by_role("combobox", name="Circuit")
        await expect(choice.locator("option")).to_have_count(12)
        await expect(rows(host).first).to_contain_text("10")
        await choice.select_option("11")
        await expect(rows(host).first).to_contain_text("21")


async def test_a_failed_task_shows_its_error_and_its_jobs(browser: Browser, cache: Cache) -> None:
    jobs = job({}, backend="originq:WK_C180", platform_id="P1") + job(
        {"error": "compile error"}, backend="originq:WK_C180", index=1, first=1, platform_id="P2"
    )
    failed = {"status": "failed", "error_message": "shard 1: failed"}
    cache.write(failed, version=5, script=jobs)
    cache.change(
        "UPDATE task_shards SET status = 'failed', error_message = 'no qubit 7' "
        "WHERE shard_index = 1"
    )
    async with shown(browser, cache.server, "get_task", FIRST) as host:
        await expect(host.view.locator(".error")).to_contain_text("no qubit 7")
        await expect(host.view.get_by_text("2 platform jobs")).to_be_visible()
        listed = host.view.get_by_role("listitem")
        await expect(listed.filter(has_text="P2")).to_contain_text("failed")
        await expect(host.view.get_by_text("No outcomes to draw.")).to_be_visible()


async def test_without_resources_the_most_frequent_are_shown_and_said_to_be(
    browser: Browser, cache: Cache
) -> None:
    counts = {f"{state:08b}": 900 - state for state in range(200)}
    cache.write(counted("wide", counts), version=5)
    only_tools: dict[str, Any] = {"serverTools": {}}
    async with shown(browser, cache.server, "get_task", FIRST, capabilities=only_tools) as host:
        await expect(rows(host)).to_have_count(8)
        await expect(host.view.get_by_text("8 of 200 outcomes are shown")).to_be_visible()
        assert host.asked == []


async def test_markup_in_a_record_stays_text(browser: Browser, cache: Cache) -> None:
    stored = counted(MARKUP, {"0": 1, "1": 2})
    texts = {"status": "failed", "error_message": MARKUP, "backend": MARKUP}
    cache.write(stored | texts, counted("plain", {"0": 1}), version=5)
    asked = {"task_ids": ["task-000001", "task-000002"]}
    async with shown(browser, cache.server, "compare_tasks", asked) as host:
        await expect(host.view.get_by_role("heading", name=MARKUP)).to_be_visible()
        await expect(host.view.locator(".error")).to_have_text(MARKUP)
        assert await host.view.locator("main img, main b, main script").count() == 0
        assert host.errors == []
        assert host.outside == []


async def test_text_that_reverses_others_is_replaced(browser: Browser, two: Cache) -> None:
    evil = {"task": {"task_id": "t\u202e1", "name": "a\u202eb\u0000c", "status": "success"}}
    given = {"content": [], "structuredContent": evil}
    async with shown(browser, two.server, "get_task", FIRST, result=given, capabilities={}) as host:
        await expect(host.view.get_by_role("heading")).to_have_text("a\ufffdb\ufffdc")


DAMAGED: list[Any] = [
    {},
    {"task": None},
    {"task": {"task_id": "t", "result": 5, "shards": "none", "notes": {}, "shots": "x"}},
    {"task": {"task_id": "t", "result": {"outcomes": [None, 5, {"bits": 1}, {"count": []}]}}},
    {"task": {"task_id": "t", "result": {"outcomes": [{"bits": "0", "count": -5}]}}},
    {"task": {"task_id": "t", "result": {"batch": [None, {}, {"outcomes": {}}]}}},
    {"tasks": [None, {"task_id": "a"}, {"task_id": "a"}]},
]


async def test_an_answer_without_the_usual_fields_is_no_error(browser: Browser, two: Cache) -> None:
    async with shown(browser, two.server, "get_task", FIRST, capabilities={}) as host:
        await expect(rows(host)).to_have_count(3)
        for structure in DAMAGED:
            given = {"content": [], "structuredContent": structure}
            await host.tell("ui/notifications/tool-result", given)
            articles = host.view.get_by_role("article")
            await expect(articles).to_have_count(1 if "task_id" in json.dumps(structure) else 0)
        assert host.errors == []


async def test_a_reader_hears_a_table_of_outcomes(browser: Browser, two: Cache) -> None:
    async with shown(browser, two.server, "get_task", FIRST) as host:
        await expect(rows(host)).to_have_count(3)
        tree = await host.view.locator("main").aria_snapshot()
    assert '- table "Outcomes"' in tree
    assert '- rowheader "11"' in tree
    assert '- cell "500 50.00%"' in tree
    assert '- radiogroup "Order of the outcomes"' in tree
    assert '- article "bell 1"' in tree


async def test_numbers_beyond_those_of_javascript_are_shown_to_the_digit(
    browser: Browser, cache: Cache
) -> None:
    cache.write({**counted("many", {"00": 2**62 + 1, "11": 5}), "shots": 2**62 + 6}, version=5)
    async with shown(browser, cache.server, "get_task", FIRST) as host:
        await expect(rows(host).first).to_contain_text(f"{2**62 + 1:,}")
        await expect(host.view.get_by_text(f"{2**62 + 6:,} shots")).to_be_visible()
        first, second = await rows(host).locator(".fill").evaluate_all(WIDTHS)
        assert (first, float(second.rstrip("%")) < 0.01) == ("100%", True)
    async with shown(browser, cache.server, "list_tasks", {"status": ["any"]}) as host:
        await expect(rows(host).locator(".of-shots")).to_have_text(f"{2**62 + 6:,}")
