"""The state of sharing a cache directory with a laboratory, as ``doctor`` tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uniqc_mcp.lab.share.errors import ShareError
from uniqc_mcp.lab.share.state import StateFile
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.display import tilde
from uniqc_mcp.safety.redaction import safe_text
from uniqc_store import StoreError, TaskFilter, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uniqc_mcp.lab.share.state import ShareState
    from uniqc_store import Snapshot, TaskStore


_EVERY_TASK = TaskFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareFacts:
    """The state of sharing one cache directory.

    Attributes:
        address: The laboratory's server.
        visible_to: Who may see the tasks: ``me`` or ``lab``.
        running: True while a process shares the directory.
        last_pass: Time of the last pass that ended; empty if there is none.
        tasks: Number of tasks that the last pass found.
        behind: Number of tasks that were written since the file was last read for the server; None
            if that could not be counted.
        refused: Number of tasks that the server did not take.
        left_out: Number of tasks whose id can't be shared.
        last_error: The reason why the last try failed; empty if it did not.
        state: The path of the file with this state.
    """

    address: str
    visible_to: str
    running: bool
    last_pass: str
    tasks: int
    behind: int | None
    refused: int
    left_out: int
    last_error: str
    state: str

    def lines(self) -> Iterator[str]:
        """Yield the state as lines for a person."""
        audience = "everybody in the laboratory" if self.visible_to == "lab" else "you alone"
        yield f"share     {self.address}, visible to {audience}"
        if not self.running:
            yield "          no `uniqc-mcp share` runs now"
        if self.last_pass:
            yield f"          last pass {self.last_pass}, {self.tasks:,} tasks"
        else:
            yield "          no pass was complete yet"
        if self.behind:
            tasks = "task" if self.behind == 1 else "tasks"
            written = " that uniqc wrote since" if self.last_pass else ""
            yield f"          behind by {self.behind:,} {tasks}{written}"
        if self.refused or self.left_out:
            yield f"          refused {self.refused:,}, not to be shared {self.left_out:,}"
        if self.last_error:
            yield f"          last error: {self.last_error}"


def share_facts(store: TaskStore) -> tuple[ShareFacts | None, list[str]]:
    """Return the state of sharing a cache directory, None if it never was, and notes on it."""
    try:
        file = StateFile(store.cache_dir)
    except ShareError:  # no place for a state, so that nothing was ever shared
        return None, []
    try:
        state = file.load()
    except ShareError as error:
        return None, [str(error)]
    if state is None:
        return None, []
    facts = ShareFacts(
        address=safe_text(state.address).text,
        visible_to=state.audience,
        running=file.is_locked,
        last_pass=recorded_time(state.passed_at),
        tasks=state.tasks,
        behind=_behind(store, state),
        refused=state.refused,
        left_out=state.left_out,
        last_error=safe_text(state.error).text,
        state=tilde(file.path),
    )
    return facts, []


def _behind(store: TaskStore, state: ShareState) -> int | None:
    read_at = parse_time(state.read_at)

    def count(snapshot: Snapshot) -> int:
        if read_at is None:
            return snapshot.count(_EVERY_TASK)
        return snapshot.count_later_than(read_at)

    try:
        return store.read(count)
    except StoreError:
        return None
