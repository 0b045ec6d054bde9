"""Conditions that let PostgreSQL choose the index of the few tasks that are wanted."""

from __future__ import annotations

import pytest

from uniqc_mcp.lab.store import conditions
from uniqc_store import TaskFilter

CHIP, PLATFORM = "originq:wk_c180", "originq"


@pytest.mark.parametrize("status", ["failed", "active", ("failed", "cancelled"), "queued"])
def test_a_backend_names_its_platform_where_the_index_begins_with_it(
    status: str | tuple[str, ...],
) -> None:
    found = conditions.labels(TaskFilter(status=status, backend="OriginQ:WK_C180"))
    assert "platform_folded = %(platform)s" in found.sql
    assert (found.parameters["platform"], found.parameters["backend"]) == (PLATFORM, CHIP)


@pytest.mark.parametrize("status", ["any", "success", "finished", ("failed", "success")])
def test_it_does_not_where_the_planner_would_expect_too_few_tasks(
    status: str | tuple[str, ...],
) -> None:
    found = conditions.labels(TaskFilter(status=status, backend=CHIP))
    assert "platform_folded" not in found.sql


def test_finished_tasks_are_not_looked_for_by_their_status() -> None:
    assert conditions.labels(TaskFilter(status="finished")).sql.endswith(" IS TRUE")
