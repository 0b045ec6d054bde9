"""A client that asks a server while others commit, and the check of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from commit_history import CommitHistory, Tally, is_possible, possible_totals
from steady_writer import PLATFORM, backend_of

if TYPE_CHECKING:
    import random
    import threading
    from collections.abc import Mapping

    from tool_client import ToolAnswer, ToolClient

WAIT_SECONDS = 2
UNKNOWN = "No task has the id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer with what it was about.

    Attributes:
        answer: The answer.
        backend: The backend of one writer, the platform of all of them, or empty for all tasks.
        task_id: The task that was asked for, if one was.
        since: The monotonic time since which changes may be told.
    """

    answer: ToolAnswer
    backend: str
    task_id: str
    since: float


@dataclass(slots=True, kw_only=True)
class Asker:
    """The client of one server.

    Attributes:
        client: The server.
        writers: The number of writers.
        dice: Chooses what to ask.
        pause: The mean seconds between two calls.
        kept: Every answer.
    """

    client: ToolClient
    writers: int
    dice: random.Random
    pause: float
    kept: list[Kept] = field(default_factory=list[Kept])
    _listed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _cursor: str = ""
    _cursor_since: float = 0.0

    def run(self, stop: threading.Event) -> None:
        """Ask until the event is set."""
        while not stop.is_set():
            self._ask()
            stop.wait(self.dice.random() * 2 * self.pause)

    def _ask(self) -> None:
        match self.dice.randrange(6):
            case 0:
                self._keep("", "count_tasks", group_by="total")
            case 1:
                self._keep(PLATFORM, "count_tasks", group_by="status_backend", backend=PLATFORM)
            case 2:
                self._keep("", "list_tasks", status="any", limit=20)
            case 3:
                backend = backend_of(self.dice.randrange(self.writers))
                answer = self._keep(backend, "list_tasks", backend=backend, limit=20)
                tasks = answer.structure.get("tasks", [])
                self._listed = [(backend, task["task_id"]) for task in tasks]
            case 4 if self._listed:
                backend, task_id = self.dice.choice(self._listed)
                self._keep(backend, "get_task", task_id=task_id)
            case _:
                self._wait()

    def _wait(self) -> None:
        arguments = {"cursor": self._cursor} if self._cursor else {}
        answer = self._keep(
            PLATFORM,
            "wait_for_tasks",
            since=self._cursor_since,
            backend=PLATFORM,
            timeout_seconds=WAIT_SECONDS,
            **arguments,
        )
        self._cursor = answer.structure.get("cursor", "")
        # The cursor stands for a moment during that call.
        self._cursor_since = answer.began if self._cursor else 0.0

    def _keep(
        self, about: str, tool: str, *, since: float = 0.0, **arguments: object
    ) -> ToolAnswer:
        answer = self.client.call(tool, **arguments)
        task_id = str(arguments.get("task_id", ""))
        since = since or answer.began
        self.kept.append(Kept(answer=answer, backend=about, task_id=task_id, since=since))
        return answer


def fault_of(kept: Kept, histories: Mapping[str, CommitHistory], base: int) -> str:
    """Return what is wrong with an answer; empty if it was true at some moment of its call.

    Args:
        kept: The answer.
        histories: The commits of each writer, by its backend.
        base: The number of tasks that nobody writes.
    """
    answer = kept.answer
    if answer.error:
        gone = kept.task_id and UNKNOWN in answer.error
        if gone and None in _statuses(kept, histories):
            return ""
        return f"{answer.tool}: {answer.error[:200]}"
    match answer.tool:
        case "count_tasks" if kept.backend:
            right = _counts_are_right(answer, histories)
        case "count_tasks":
            right = _total_is_right(answer, histories, base)
        case "list_tasks" if kept.backend:
            right = _list_is_right(kept, histories)
        case "list_tasks":
            right = _total_is_right(answer, histories, base)
        case "get_task":
            right = answer.structure["task"]["status"] in _statuses(kept, histories)
        case _:
            right = _wait_is_right(kept, histories)
    return "" if right else f"{answer.tool} about {kept.backend or 'all'}"


def _total_is_right(answer: ToolAnswer, histories: Mapping[str, CommitHistory], base: int) -> bool:
    possible = possible_totals(histories.values(), answer.began, answer.ended)
    if "total" in answer.structure:
        return answer.structure["total"] - base in possible
    # A list that stops searching gives a lower bound.
    at_least: int = answer.structure["total_at_least"]
    return at_least - base <= max(possible)


def _counts_are_right(answer: ToolAnswer, histories: Mapping[str, CommitHistory]) -> bool:
    found: dict[str, Tally] = {}
    for group in answer.structure.get("groups", []):
        found.setdefault(group["backend"], {})[group["status"]] = group["count"]
    total = sum(sum(tally.values()) for tally in found.values())
    possible = is_possible(histories, found, answer.began, answer.ended)
    return possible and total == answer.structure["total"]


def _list_is_right(kept: Kept, histories: Mapping[str, CommitHistory]) -> bool:
    answer, history = kept.answer, histories[kept.backend]
    totals = possible_totals([history], answer.began, answer.ended, status="running")
    return answer.structure["total"] in totals and all(
        task["status"] in history.statuses(task["task_id"], answer.began, answer.ended)
        for task in answer.structure.get("tasks", [])
    )


def _wait_is_right(kept: Kept, histories: Mapping[str, CommitHistory]) -> bool:
    answer = kept.answer
    active = possible_totals(histories.values(), kept.since, answer.ended, status="running")
    return answer.structure["active_total"] in active and all(
        _status_of(change["status"])
        in histories[change["backend"]].statuses(change["task_id"], kept.since, answer.ended)
        for change in answer.structure.get("changes", [])
    )


def _status_of(told: str) -> str | None:
    return None if told == "gone" else told


def _statuses(kept: Kept, histories: Mapping[str, CommitHistory]) -> set[str | None]:
    answer = kept.answer
    return histories[kept.backend].statuses(kept.task_id, answer.began, answer.ended)
