"""What goes over the wire about clearing, and putting back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from uniqc_mcp.responses.json_schema import Named
from uniqc_mcp.responses.times import recorded_time, wire_time
from uniqc_mcp.tasks.models import (
    LONGEST_ID,
    Answer,
    GroupView,
    GroupViews,
    StoreField,
    StoreView,
    Wire,
    largest_groups,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from uniqc_mcp.pending_plans import HeldPlan
    from uniqc_mcp.safety.sanitizer import Screen
    from uniqc_store import Clearance, ClearPlan, Reason, StoreState, TaskRecord

ClearState = Literal["planned", "cleared", "declined", "refused", "expired", "changed"]


_GROUPS = 8_000
"""Tokens of a plan's groups."""


class ReasonView(Wire):
    """How many tasks stay, and why."""

    why: str
    count: int

    @classmethod
    def of(cls, reason: Reason) -> Self:
        return cls(why=reason.why, count=reason.count)


class ExampleView(Wire):
    """A task that would go."""

    task_id: str
    name: str
    backend: str
    status: str
    updated_at: str

    @classmethod
    def of(cls, record: TaskRecord, screen: Screen) -> Self:
        return cls(
            task_id=screen.line("task_id", record.task_id, limit=LONGEST_ID),
            name=screen.line("name", record.name, limit=120),
            backend=screen.line("backend", record.backend, limit=120),
            status=screen.line("status", record.status, limit=60),
            updated_at=recorded_time(record.update_time),
        )


class ClearAnswer(Answer):
    """A plan, or what became of one."""

    state: Annotated[
        ClearState,
        Field(
            description="planned: nothing removed yet. changed: nothing was as planned any more."
        ),
    ]
    said: str
    plan_id: str = ""
    expires_at: str = ""
    matched: Annotated[int, Field(description="Tasks in the plan.")] = 0
    bytes: int = 0
    oldest: str = ""
    newest: str = ""
    groups: GroupViews = Field(default_factory=list[GroupView])
    examples: Annotated[list[ExampleView], Named()] = Field(default_factory=list[ExampleView])
    left_out: Annotated[list[ReasonView], Named("Asked for, kept by policy:")] = Field(
        default_factory=list[ReasonView]
    )
    cleared: int = 0
    kept: Annotated[list[ReasonView], Named()] = Field(default_factory=list[ReasonView])
    receipt: str = ""
    store: StoreField

    @classmethod
    def planned(
        cls, held: HeldPlan, state: StoreState, now: datetime, *, said: str, screen: Screen
    ) -> Self:
        """A plan that waits for its commit."""
        plan = held.plan
        groups, notes = largest_groups(plan.groups, screen, tokens=_GROUPS)
        return cls(
            state="planned",
            said=said,
            plan_id=held.plan_id,
            expires_at=wire_time(held.expires_at),
            matched=len(plan.rows),
            bytes=plan.bytes,
            oldest=recorded_time(plan.oldest),
            newest=recorded_time(plan.newest),
            groups=groups,
            examples=[ExampleView.of(record, screen) for record in plan.examples],
            left_out=_reasons(plan.left_out),
            store=StoreView.of(state, now, notes),
        )

    @classmethod
    def empty(cls, plan: ClearPlan, state: StoreState, now: datetime) -> Self:
        """A plan with nothing in it, which nobody needs to commit."""
        said = "There is nothing to clear: no finished task matches within the operator's policy."
        return cls(
            state="planned",
            said=said,
            left_out=_reasons(plan.left_out),
            store=StoreView.of(state, now),
        )

    @classmethod
    def nothing(cls, state: ClearState, said: str, store: StoreState, now: datetime) -> Self:
        """Nothing was done."""
        return cls(state=state, said=said, store=StoreView.of(store, now))

    @classmethod
    def committed(
        cls, held: HeldPlan, done: Clearance, state: StoreState, now: datetime, *, said: str
    ) -> Self:
        """What a commit did."""
        return cls(
            state="cleared" if done.cleared else "changed",
            said=said,
            matched=len(held.plan.rows),
            cleared=done.cleared,
            kept=_reasons(done.kept),
            receipt=done.receipt_id,
            store=StoreView.of(state, now),
        )


class UndoAnswer(Answer):
    """What was put back."""

    said: str
    restored: int
    kept: int
    store: StoreField


def _reasons(reasons: Iterable[Reason]) -> list[ReasonView]:
    return [ReasonView.of(reason) for reason in reasons]
