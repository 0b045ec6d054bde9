"""An error that uniqc records in three places is told once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("quota"),
        RuntimeError("line one isn't\nline two of it"),
        RuntimeError('a "quoted" \\ path'),
        KeyError("q"),
        RuntimeError("(401)"),
    ],
)
async def test_the_error_of_a_submission_is_told_once(cache: Cache, error: Exception) -> None:
    metadata = {"failure_error": str(error), "submission_error": str(error), "mine": 1}
    task = {"status": "failed", "error_message": f"submission failed: {error!r}"}
    cache.write({**task, "metadata_json": json.dumps(metadata)}, version=5)
    text, structured = await cache.ask("get_task", task_id="task-000001")
    assert structured["task"]["metadata"] == {"mine": 1}
    assert text.count("submission failed") == 1


@pytest.mark.parametrize(
    ("metadata", "left"),
    [
        ({"failure_error": "no", "submission_error": "no"}, {"failure_error": "no"}),
        ({"failure_error": "not", "submission_error": "a"}, None),
        (
            {"failure_error": "none of it", "submission_error": "none"},
            {"failure_error": "none of it"},
        ),
        ({"failure_error": ["quota"]}, None),
    ],
)
async def test_an_error_that_is_told_nowhere_else_stays(
    cache: Cache, metadata: dict[str, Any], left: dict[str, Any] | None
) -> None:
    task = {"status": "failed", "error_message": "noted: a1 quota"}
    cache.write({**task, "metadata_json": json.dumps(metadata)}, version=5)
    _, structured = await cache.ask("get_task", task_id="task-000001")
    assert structured["task"]["metadata"] == (metadata if left is None else left)
