"""Model of a platform job, of which a task has one or more, and its text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Self

from uniqc_mcp.records.failures import job_reason
from uniqc_mcp.responses.base import OptionalText, Wire
from uniqc_mcp.responses.text import is_or_are, plural
from uniqc_mcp.responses.times import recorded_time
from uniqc_mcp.safety.cuts import parts_of_cut
from uniqc_mcp.safety.display import in_quotes, quoted, word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.safety.unicode import LINE_BREAK
from uniqc_mcp.token_budget import how_many_fit, max_tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uniqc_store import TaskShard

MAX_SHARDS: Final = 50

_SHARD_TOKENS: Final = 95
"""Tokens of a platform job in an answer without its texts."""

_MAX_STATUSES: Final = 6


class ShardView(Wire):
    """A platform job of a task."""

    index: int
    platform_task_id: OptionalText
    backend: str
    status: str
    circuits: int
    updated_at: OptionalText
    error: OptionalText

    @classmethod
    def of(cls, shard: TaskShard, sanitizer: Sanitizer) -> Self:
        """Return the view of a shard."""
        error = job_reason(shard) or shard.error_message or ""
        return cls(
            index=shard.shard_index,
            platform_task_id=sanitizer.one_line("platform_task_id", shard.platform_task_id),
            backend=sanitizer.one_line("backend", shard.backend),
            status=sanitizer.one_line("status", shard.status),
            circuits=shard.circuit_count,
            updated_at=recorded_time(shard.update_time),
            error=sanitizer.one_line("shards.error", error),
        )

    def line(self, place: int, total: int, *, told: str = "") -> str:
        """Return the job as text.

        Args:
            place: Its place among the jobs of its task, from 1.
            total: The number of these jobs.
            told: The error of the task, which is not told a second time.
        """
        error = f", error: {in_quotes(self.error)}" if self.error else ""
        if error and _is_in(self.error, told.replace("\n", LINE_BREAK)):
            error = ", error: as above"
        return (
            f"job {place} of {total}: {word(self.status)} on {word(self.backend)}, {self.circuits} "
            f"{plural('circuit', self.circuits)}, platform id {word(self.platform_task_id)}{error}"
        )

    @property
    def size(self) -> int:
        """The most tokens it takes in an answer, as text and as structured content together."""
        texts = (self.platform_task_id, self.backend, self.status, self.error)
        return _SHARD_TOKENS + 2 * sum(map(max_tokens_of, texts))


def _is_in(error: str, told: str) -> bool:
    """Return whether a text has an error, of which each may be cut in the middle."""
    if error in told:
        return True
    beginning, end = parts_of_cut(error)
    return beginning in told and told.endswith(end)


def shards_that_fit(
    shards: Sequence[TaskShard], sanitizer: Sanitizer, *, tokens: int
) -> list[ShardView]:
    """Return the first of these shards, at most `MAX_SHARDS` and as many as the tokens allow."""
    views = [ShardView.of(shard, sanitizer) for shard in shards[:MAX_SHARDS]]
    return views[: how_many_fit((view.size for view in views), tokens)]


def hidden_shards_note(shards: Sequence[TaskShard], *, shown: int) -> list[str]:
    """Return a note on the shards beyond the first `shown` ones, if there are any."""
    statuses = Counter(shard.status for shard in shards[shown:])
    if not statuses:
        return []
    sanitizer = Sanitizer()
    by_status = ", ".join(
        f"{count} {quoted(sanitizer.one_line('status', status))}"
        for status, count in statuses.most_common(_MAX_STATUSES)
    )
    total = statuses.total()
    jobs_are = f"{total} more platform {plural('job', total)} {is_or_are(total)}"
    return [f"{jobs_are} not shown: {by_status}."]
