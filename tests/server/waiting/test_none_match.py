"""A wait for what is not there: it says so, and never that it is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.server.watching import save, uniqc, watchers

if TYPE_CHECKING:
    from tests.server.conftest import Cache


@pytest.mark.parametrize("asked", [{"backend": "WK_C180"}, {"name_contains": "vqe"}])
@pytest.mark.parametrize("until", ["any", "all"])
async def test_a_filter_that_no_task_passes_gives_the_notes_of_a_list(
    cache: Cache, asked: dict[str, Any], until: str
) -> None:
    uniqc(cache, a="running", b="success")
    text, structured = await cache.ask("wait_for_tasks", **asked, until=until)
    assert structured["state"] == "none_match"
    assert "is active" not in text
    _, listed = await cache.ask("list_tasks", status="any", **asked)
    assert listed["store"]["notes"]
    assert set(listed["store"]["notes"]) <= set(structured["store"]["notes"])


@pytest.mark.parametrize("cursor", [True, False])
async def test_an_unknown_id_does_not_refuse_the_others(cache: Cache, *, cursor: bool) -> None:
    other = uniqc(cache, uqt_abcdef1="running")
    asked: dict[str, Any] = {"task_ids": ["uqt_abcdef2", "uqt_abcdef1"], "timeout_seconds": 1}
    if cursor:
        _, before = await cache.ask("wait_for_tasks", **asked)
        asked["cursor"] = before["cursor"]
    text, structured = await cache.ask("wait_for_tasks", **asked)
    assert structured["state"] == "timeout"
    assert [task["task_id"] for task in structured["active"]] == ["uqt_abcdef1"]
    said = 'No task has the id "uqt_abcdef2". Nearest: "uqt_abcdef1".'
    assert said in text
    assert any(said in note for note in structured["store"]["notes"])
    save(other, "uqt_abcdef1", "success")
    _, structured = await cache.ask("wait_for_tasks", **asked)
    assert any(said in note for note in structured["store"]["notes"])


async def test_many_unknown_ids_are_named_in_one_note(cache: Cache) -> None:
    uniqc(cache, known="success")
    unknown = [f"nothing-{number:02}" for number in range(40)]
    text, structured = await cache.ask("wait_for_tasks", task_ids=[*unknown, "known"])
    assert [one["task_id"] for one in structured["finished"]] == ["known"]
    assert 'No task has the ids "nothing-00", "nothing-01", ' in text
    assert '"nothing-09" and 30 more. They are not waited for.' in text
    assert len(text) < 1_500


@pytest.mark.parametrize("asked", [["nothing-1"], ["nothing-1", "nothing-2"], [""]])
async def test_ids_that_are_all_unknown_are_refused(cache: Cache, asked: list[str]) -> None:
    uniqc(cache, known="success")
    assert "No task has the id" in await cache.refusal("wait_for_tasks", {"task_ids": asked})
    assert not watchers()
