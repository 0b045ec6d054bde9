"""A wait goes on without an id that stands for several tasks, and names these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.server.watching import save, uniqc

if TYPE_CHECKING:
    from tests.server.conftest import Cache


@pytest.mark.parametrize("cursor", [True, False])
async def test_an_ambiguous_id_does_not_refuse_the_others(cache: Cache, *, cursor: bool) -> None:
    other = uniqc(cache, uqt_abcd01="running", uqt_abcd02="running", uqt_ef="running")
    asked: dict[str, Any] = {"task_ids": ["uqt_abcd", "uqt_ef"], "timeout_seconds": 1}
    if cursor:
        _, before = await cache.ask("wait_for_tasks", **asked)
        asked["cursor"] = before["cursor"]
    save(other, "uqt_abcd01", "failed")
    text, structured = await cache.ask("wait_for_tasks", **asked)
    assert structured["state"] == "timeout"
    assert [task["task_id"] for task in structured["active"]] == ["uqt_ef"]
    note = 'Not waited for: "uqt_abcd" stands for several tasks, "uqt_abcd01", "uqt_abcd02".'
    assert note in structured["store"]["notes"]
    assert note in text


async def test_many_ambiguous_ids_have_few_notes(cache: Cache) -> None:
    tasks = {f"uqt_{group:02}{member}": "success" for group in range(20) for member in range(5)}
    uniqc(cache, known="success", **tasks)
    groups = [f"uqt_{group:02}" for group in range(20)]
    text, structured = await cache.ask("wait_for_tasks", task_ids=[*groups, "known"])
    assert [one["task_id"] for one in structured["finished"]] == ["known"]
    notes = [note for note in structured["store"]["notes"] if note.startswith("Not waited for")]
    assert len(notes) == 5
    assert notes[0].endswith('several tasks, "uqt_000", "uqt_001", "uqt_002" and others.')
    assert notes[4].endswith(
        '"uqt_04", "uqt_05", "uqt_06", "uqt_07", "uqt_08", "uqt_09", "uqt_10", '
        '"uqt_11", "uqt_12", "uqt_13" and 6 more.'
    )
    assert all(note in text for note in notes)


async def test_an_ambiguous_name_is_left_out_too(cache: Cache) -> None:
    store = uniqc(cache, known="success")
    for task_id in ("first", "second"):
        save(store, task_id, "running", name="bell")
    _, structured = await cache.ask("wait_for_tasks", task_ids=["bell", "known"])
    (note,) = [note for note in structured["store"]["notes"] if "bell" in note]
    assert '"first"' in note
    assert '"second"' in note


@pytest.mark.parametrize("asked", [["uqt_abcd"], ["uqt_abcd", "zzz_nothing"]])
async def test_ids_of_which_none_stands_for_one_task_are_refused_with_the_candidates(
    cache: Cache, asked: list[str]
) -> None:
    uniqc(cache, uqt_abcd01="running", uqt_abcd02="running")
    refusal = await cache.refusal("wait_for_tasks", {"task_ids": asked})
    assert "stands for several tasks" in refusal
    assert '- "uqt_abcd02" "running"' in refusal


async def test_without_some_ids_the_answer_is_about_the_others_alone(cache: Cache) -> None:
    uniqc(cache, uqt_abcd01="running", uqt_abcd02="running", uqt_ef="success")
    for left_out in ("uqt_abcd", "uqt_nosuch"):
        text, structured = await cache.ask("wait_for_tasks", task_ids=[left_out, "uqt_ef"])
        assert structured["matching"] == "tasks that could be waited for"
        assert text.startswith("None of the tasks that could be waited for is active")
    text, structured = await cache.ask("wait_for_tasks", task_ids=["uqt_ef"])
    assert structured["matching"] == "tasks asked for"
