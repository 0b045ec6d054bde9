"""A long list is read in pages that are searched once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from uniqc_mcp.cli.answers.listing import MAX_PAGE, read_list
from uniqc_mcp.tasks.tools import ReadTools

if TYPE_CHECKING:
    from tests.server.conftest import Cache

    from uniqc_mcp.tasks.models import TaskList


class RecordingTools(ReadTools):
    """Tools that keep how many tasks each page was asked for, and how many it had."""

    def __init__(self, cache: Cache) -> None:
        super().__init__(cache.store)
        self.pages: list[tuple[int, int]] = []

    def list_tasks(self, **arguments: Any) -> TaskList:
        page = super().list_tasks(**arguments)
        self.pages.append((arguments["limit"], len(page.tasks)))
        return page


def test_only_the_first_page_is_asked_for_more_than_it_has_room_for(cache: Cache) -> None:
    name = json.dumps({"task_name": "a long name of a task " * 3})
    cache.write(*({"metadata_json": name} for _ in range(400)))
    tools = RecordingTools(cache)
    found = read_list(tools, {"status": ["any"]}, limit=300)
    assert len({task.task_id for task in found.tasks}) == 300
    (asked, shown), *others = tools.pages
    assert asked == MAX_PAGE > shown
    assert all(asked == shown for asked, shown in others)
