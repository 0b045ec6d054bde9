"""The answers of the tools that clear tasks and put them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from uniqc_mcp.clearing.reasons import ReasonView, reasons_in
from uniqc_mcp.responses.base import (
    OMIT_EMPTY,
    Absent,
    Answer,
    OptionalInt,
    OptionalText,
    StoreField,
    StoreView,
    Wire,
)
from uniqc_mcp.responses.json_schema import Unnamed
from uniqc_mcp.responses.text import counted, plural, told_time
from uniqc_mcp.responses.times import recorded_time, wire_time, zone_notes
from uniqc_mcp.safety.display import word
from uniqc_mcp.safety.sanitizer import Sanitizer
from uniqc_mcp.tasks.count_models import GroupView, GroupViews, largest_groups
from uniqc_mcp.tasks.policy_model import PolicyView
from uniqc_mcp.tasks.text import task_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from uniqc_store import (
        ClearPlan,
        ClearResult,
        PendingPlan,
        StoreState,
        TaskRecord,
    )

ClearState = Literal[
    "planned",
    "nothing_to_clear",
    "cleared",
    "declined",
    "refused",
    "expired",
    "changed",
    "dropped",
]

_MAX_GROUPS_TOKENS = 8_000


class ExampleView(Wire):
    """A task of a plan."""

    task_id: str
    name: OptionalText
    backend: str
    status: str
    updated_at: OptionalText

    @classmethod
    def of(cls, record: TaskRecord, sanitizer: Sanitizer) -> Self:
        """Return the view of a task, with its texts safe to show."""
        return cls(
            task_id=sanitizer.one_line("task_id", record.task_id),
            name=sanitizer.one_line("name", record.name),
            backend=sanitizer.one_line("backend", record.backend),
            status=sanitizer.one_line("status", record.status),
            updated_at=recorded_time(record.update_time),
        )

    @property
    def label(self) -> str:
        """The task's line in the text of the answer."""
        return task_label(self.task_id, self.name, self.status, self.backend)


class ClearAnswer(Answer):
    """A plan, or the result of a commit."""

    state: Annotated[
        ClearState,
        Field(description="changed: none was as planned."),
    ]
    message: str
    matching: OptionalText = ""
    plan_id: OptionalText = ""
    expires_at: OptionalText = ""
    matched: OptionalInt = None
    planned: OptionalInt = None
    left_for_later: Annotated[int, OMIT_EMPTY] = 0
    bytes: OptionalInt = None
    oldest: OptionalText = ""
    newest: OptionalText = ""
    groups: GroupViews = Field(default_factory=list[GroupView])
    examples: Annotated[list[ExampleView], Unnamed(), OMIT_EMPTY] = Field(
        default_factory=list[ExampleView]
    )
    excluded: Annotated[list[ReasonView], Unnamed("Kept by policy."), OMIT_EMPTY] = Field(
        default_factory=list[ReasonView]
    )
    cleared: OptionalInt = None
    skipped: Annotated[list[ReasonView], Unnamed(), OMIT_EMPTY] = Field(
        default_factory=list[ReasonView]
    )
    receipt: OptionalText = ""
    policy: Annotated[PolicyView | Absent, Unnamed()] = None
    store: StoreField

    def text(self) -> str:
        """Return the plan's figures, the message, and a line for each group, task and reason."""
        return "\n".join([*self._lines(), f"({self.store.source})", *self.store.notes])

    def _lines(self) -> Iterator[str]:
        if self.plan_id:
            bytes_of = f"{self.bytes} {plural('byte', self.bytes or 0)}"
            yield (
                f"Plan: clear {self.planned} of {counted(self.matched or 0, self.matching)}, "
                f"{bytes_of}, submitted {told_time(self.oldest)} to "
                f"{told_time(self.newest)}."
            )
        yield self.message
        if self.cleared is not None:
            yield from self._asked_for()
        for group in self.groups:
            yield f"- {group.count} {word(group.status)} on {word(group.backend)}"
        for example in self.examples:
            touched = f", updated {told_time(example.updated_at)}" if example.updated_at else ""
            yield f"  such as {example.label}{touched}"
        for reason in self.excluded:
            yield f"- excluded, {reason.in_words}"
        if self.left_for_later:
            yield f"Left for another plan: {self.left_for_later}."
        for reason in self.skipped:
            yield f"- skipped, {reason.in_words}"
        if self.policy is not None:
            yield self.policy.in_words()
        if self.plan_id:
            yield f"plan_id: {self.plan_id} (until {self.expires_at})"

    def _asked_for(self) -> Iterator[str]:
        if self.planned:
            yield f"- planned: {self.planned}"
        if self.matching:
            yield f"- asked for: {self.matching}"

    @classmethod
    def for_plan(
        cls,
        pending: PendingPlan,
        state: StoreState,
        now: datetime,
        *,
        message: str,
        policy: PolicyView,
        notes: Sequence[str],
        sanitizer: Sanitizer,
    ) -> Self:
        """Return the answer for a plan that waits for its commit."""
        plan = pending.plan
        groups, hidden = largest_groups(plan.groups, sanitizer, tokens=_MAX_GROUPS_TOKENS)
        notes = [*hidden, *notes]
        examples = [ExampleView.of(record, sanitizer) for record in plan.examples]
        oldest, newest = recorded_time(plan.oldest), recorded_time(plan.newest)
        notes += zone_notes([oldest, newest, *(example.updated_at for example in examples)])
        return cls(
            state="planned",
            message=message,
            matching=pending.matching,
            plan_id=pending.plan_id,
            expires_at=wire_time(pending.expires_at),
            matched=plan.matched,
            planned=len(plan.rows),
            left_for_later=plan.left_for_later,
            bytes=plan.bytes,
            oldest=oldest,
            newest=newest,
            groups=groups,
            examples=examples,
            excluded=reasons_in(plan.excluded, sanitizer),
            policy=policy,
            store=StoreView.of(state, now, notes),
        )

    @classmethod
    def empty(
        cls,
        plan: ClearPlan,
        state: StoreState,
        now: datetime,
        notes: Sequence[str],
        *,
        matching: str,
        policy: PolicyView,
        sanitizer: Sanitizer,
    ) -> Self:
        """Return the answer for a plan without tasks, which is not held for a commit."""
        reason = "no finished task matches"
        if plan.excluded:
            reason = "the operator's policy keeps every finished task that matches"
        return cls(
            state="nothing_to_clear",
            message=f"There is nothing to clear: {reason}. Asked for: {matching}.",
            matching=matching,
            matched=plan.matched,
            planned=0,
            bytes=0,
            excluded=reasons_in(plan.excluded, sanitizer),
            policy=policy,
            store=StoreView.of(state, now, notes),
        )

    @classmethod
    def nothing(
        cls,
        state: ClearState,
        message: str,
        store: StoreState,
        now: datetime,
        pending: PendingPlan | None = None,
    ) -> Self:
        """Return the answer for a commit that removed nothing, with its reason as the message."""
        matching = pending.matching if pending is not None else ""
        view = StoreView.of(store, now)
        return cls(state=state, message=message, matching=matching, cleared=0, store=view)

    @classmethod
    def committed(
        cls,
        pending: PendingPlan,
        result: ClearResult,
        state: StoreState,
        now: datetime,
        *,
        message: str,
    ) -> Self:
        """Return the answer for a commit that was carried out."""
        return cls(
            state="cleared" if result.cleared else "changed",
            message=message,
            matching=pending.matching,
            planned=len(pending.plan.rows),
            cleared=result.cleared,
            skipped=reasons_in(result.skipped, Sanitizer()),
            receipt=result.receipt_id,
            store=StoreView.of(state, now),
        )
