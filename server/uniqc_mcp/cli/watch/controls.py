"""The choices that a user of the live table made with keys: an order, a filter, a task, a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from uniqc_store import TaskState

Page = Literal["list", "filter", "task", "help"]
Sort = Literal["newest", "oldest", "silent"]

SORTS: Final[dict[Sort, str]] = {
    "newest": "newest first",
    "oldest": "oldest first",
    "silent": "longest unheard of first",
}
_NEXT: Final[dict[Sort, Sort]] = {"newest": "oldest", "oldest": "silent", "silent": "newest"}

HELP: Final = (
    "Keys",
    "",
    "up, down, k, j          choose a task",
    "page up, page down      choose one a screen further; also space and b",
    "home, end, g, G         choose the first or the last",
    "Enter                   show the task; Enter or Esc goes back",
    "s                       sort: newest, oldest, longest unheard of",
    "/                       show only tasks with a text in id, name, status or backend",
    "Esc                     drop the filter and the choice",
    "?                       this page",
    "q, Ctrl-C               end the watch",
)

_STEPS: Final = {"up": -1, "k": -1, "down": 1, "j": 1}
_PAGES: Final = {"page up": -1, "b": -1, "page down": 1, " ": 1}
_ENDS: Final = {"home": 0, "g": 0, "end": -1, "G": -1}


class Controls:
    """The state that keys change.

    Attributes:
        page: What is on the screen; ``filter`` is the list while a filter is typed.
        sort: The order of the active tasks.
        filter_text: The text that tasks have to contain.
        chosen: The id of the chosen task; empty if none is.
        scroll: The first line that is shown of a task or of the help.
    """

    def __init__(self) -> None:
        """Begin with the list of all tasks, the newest first."""
        self.page: Page = "list"
        self.sort: Sort = "newest"
        self.filter_text = ""
        self.chosen = ""
        self.scroll = 0

    def press(self, key: str, ids: Sequence[str], *, rows: int) -> None:
        """Do what a key means.

        Args:
            key: The key, by the name that ``keys`` gives it.
            ids: The ids of the tasks in the list, in the order in which they are shown.
            rows: How many lines fit on the screen.

        Raises:
            KeyboardInterrupt: The key ends the watch.
        """
        if self.page == "filter":
            self._type(key)
        elif key.lower() == "q":
            raise KeyboardInterrupt
        elif self.page == "list":
            self._press_in_list(key, ids, rows)
        elif key in ("escape", "enter"):
            self.page = "list"
        else:
            self._scroll(key, rows)

    def arranged(self, tasks: Iterable[TaskState]) -> list[TaskState]:
        """Return the tasks that the filter leaves, in the chosen order."""
        tasks = self.matching(tasks)
        if self.sort == "silent":
            return sorted(tasks, key=lambda task: (task.update_time, task.task_id))
        newest_first = self.sort == "newest"
        return sorted(
            tasks, key=lambda task: (task.submit_time, task.task_id), reverse=newest_first
        )

    def matching(self, tasks: Iterable[TaskState]) -> Iterable[TaskState]:
        """Return the tasks that the filter leaves."""
        return filter(self.matches, tasks) if self.filter_text else tasks

    def matches(self, task: TaskState) -> bool:
        """Return whether the filter leaves a task."""
        text = self.filter_text.casefold()
        fields = (task.task_id, task.name, task.status, task.backend)
        return any(text in field.casefold() for field in fields)

    def _type(self, key: str) -> None:
        match key:
            case "enter":
                self.page = "list"
            case "escape":
                self.page, self.filter_text = "list", ""
            case "backspace":
                self.filter_text = self.filter_text[:-1]
            case _ if len(key) == 1:
                self.filter_text += key
            case _:
                pass

    def _press_in_list(self, key: str, ids: Sequence[str], rows: int) -> None:
        match key:
            case "?":
                self.page, self.scroll = "help", 0
            case "/":
                self.page = "filter"
            case "s":
                self.sort = _NEXT[self.sort]
            case "escape":
                self.filter_text = self.chosen = ""
            case "enter" if ids:
                self.chosen = self.chosen if self.chosen in ids else ids[0]
                self.page, self.scroll = "task", 0
            case _ if ids:
                self._choose(key, ids, rows)
            case _:
                pass

    def _choose(self, key: str, ids: Sequence[str], rows: int) -> None:
        step = _STEPS.get(key, 0) + _PAGES.get(key, 0) * max(1, rows // 2)
        if key in _ENDS:
            self.chosen = ids[_ENDS[key]]
        elif step and self.chosen in ids:
            place = ids.index(self.chosen) + step
            self.chosen = ids[max(0, min(place, len(ids) - 1))]
        elif step:
            self.chosen = ids[0]

    def _scroll(self, key: str, rows: int) -> None:
        step = _STEPS.get(key, 0) + _PAGES.get(key, 0) * max(1, rows - 2)
        self.scroll = max(0, self.scroll + step)
        if key in _ENDS:
            # The page that is drawn next stops at its last line.
            self.scroll = 0 if _ENDS[key] == 0 else 10**6
