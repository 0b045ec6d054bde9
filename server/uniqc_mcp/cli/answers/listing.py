"""``uniqc-mcp list``: the pages of a list as one, and its rows on a terminal and in a pipe."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from uniqc_mcp.cli.columns import Row, cut, status_style, table_lines, wrap
from uniqc_mcp.responses.times import duration, is_in_future, seconds_since
from uniqc_mcp.safety.display import in_quotes
from uniqc_mcp.tasks.shown_page import RECENT_ONLY
from uniqc_mcp.tasks.silence import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from uniqc_mcp.tasks.models import TaskList, TaskView
    from uniqc_mcp.tasks.tools import ReadTools

MAX_PAGE: Final = 100
"""The most tasks of a page."""

_MIN_PAGE: Final = 50
"""The least to ask for: a page can be short for another reason, as where few of many match."""

MORE: Final = "A larger --limit lists more."
FIELDS: Final = (
    *("task_id", "status", "backend", "shots", "submitted_at", "updated_at"),
    *("name", "error", "note"),
)
"""The columns of a row in a pipe."""

_ROOM: Final = "There is room for "
"""The beginning of the note on a page that holds fewer tasks than were asked for."""


def read_list(tools: ReadTools, arguments: Mapping[str, Any], *, limit: int) -> TaskList:
    """Return the first tasks that match as one list, however many pages that takes."""
    pages: list[TaskList] = []
    tasks: list[TaskView] = []
    cursor, size = "", MAX_PAGE
    while not pages or (cursor and len(tasks) < limit):
        page = tools.list_tasks(**arguments, limit=min(size, limit - len(tasks)), cursor=cursor)
        pages.append(page)
        tasks += page.tasks
        cursor = page.next_cursor
        size = next_size(len(page.tasks))
    last = pages[-1]
    # Where the last page is read, the tasks are all there are.
    total, at_least = (last.total, last.total_at_least) if cursor else (len(tasks), None)
    store = last.store.model_copy(update={"notes": [*notes_of_pages(pages)]})
    return last.model_copy(
        update={
            "tasks": tasks,
            "shown": len(tasks),
            "total": total,
            "total_at_least": None if at_least is None else max(at_least, len(tasks)),
            "next_cursor": "",
            "more": MORE if cursor else "",
            "store": store,
        }
    )


def next_size(shown: int) -> int:
    """Return how many tasks to ask for after a page that had room for so many.

    A page that has no room for all is searched twice. Asking for as many as fitted takes 0.7 of
    the time for a list of some thousand tasks.
    """
    return min(MAX_PAGE, max(_MIN_PAGE, shown))


def notes_of_pages(pages: Sequence[TaskList]) -> Iterator[str]:
    """Yield the notes of all pages once, without those that hold for one of several pages."""
    several = len(pages) > 1
    way = "come with a larger --limit, after" if pages[-1].next_cursor else "come after"
    for note in dict.fromkeys(note for page in pages for note in page.store.notes):
        if note == RECENT_ONLY:
            yield note.replace("come by next_cursor, after", way)
        elif not (note.startswith(_ROOM) or "next_cursor" in note) and not (
            several and note.startswith(SILENT)
        ):
            yield note


def tab_separated(tasks: Sequence[TaskView]) -> Iterator[str]:
    """Yield a line of fields for each task; no field holds a tab."""
    for task in tasks:
        values = (getattr(task, name) for name in FIELDS)
        yield "\t".join("" if value is None else str(value) for value in values)


def terminal_lines(answer: TaskList, width: int) -> Iterator[Text]:
    """Yield the totals, a row for each task with its error below it, and the notes."""
    total, *_ = answer.model_copy(update={"tasks": []}).text().splitlines()
    yield from map(Text, wrap(total, width))
    now = datetime.fromisoformat(answer.store.read_at)
    if answer.tasks:
        rows = [_row(task, now) for task in answer.tasks]
        heading, *lines = table_lines({"task": ("touched", rows)}, width)
        yield heading
        for task, line in zip(answer.tasks, lines, strict=True):
            yield line
            if task.note:
                yield cut(f"  {task.note}", width, style="dim")
            if task.error:
                yield cut(f"  error: {in_quotes(task.error)}", width, style="dim")
    for note in filter(None, [answer.more, *answer.store.notes]):
        yield from (Text(line, style="yellow") for line in wrap(note, width))


def _row(task: TaskView, now: datetime) -> Row:
    return Row(
        task_id=task.task_id,
        name=task.name,
        status=task.status,
        style=status_style(task.status),
        backend=task.backend,
        shots="" if task.shots is None else f"{int(task.shots):,}",
        submitted=_age(task.submitted_at, now),
        last=_age(task.updated_at, now),
    )


def _age(time: str, now: datetime) -> str:
    if is_in_future(time, now):
        return "in future"
    seconds = seconds_since(time, now)
    return "" if seconds is None else f"{duration(seconds)} ago"
