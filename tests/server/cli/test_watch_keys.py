"""The keys of ``uniqc-mcp watch``: scroll, sort, filter, a task, the help."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.server.cli.test_watch import NOW, frame_text, scene, task
from tests.server.cli.test_watch_command import terminal
from tests.server.cli.test_watch_table import InMemoryTable, row

from uniqc_mcp.cli.columns import table_lines
from uniqc_mcp.cli.watch.controls import Controls
from uniqc_mcp.cli.watch.terminal import KeyDecoder

if TYPE_CHECKING:
    from tests.server.conftest import Cache

IDS = [f"task-{number}" for number in range(200)]


def pressed(*keys: str, controls: Controls | None = None) -> Controls:
    controls = controls or Controls()
    for key in keys:
        controls.press(key, IDS, rows=20)
    return controls


# Keys


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        (b"\x1b[A\x1b[Bq", ["up", "down", "q"]),
        (b"\x1b[5~\x1b[6~\x1bOH\x1b[F", ["page up", "page down", "home", "end"]),
        (b"\r\x7f\x1b", ["enter", "backspace", "escape"]),
        (b"\x1b[3~\x01\x1b[1;5C", []),
    ],
)
def test_keys_have_names_and_unknown_ones_are_ignored(sent: bytes, keys: list[str]) -> None:
    assert KeyDecoder().keys(sent) == keys


def test_a_character_that_is_split_between_two_reads_is_one_key() -> None:
    decoder, sent = KeyDecoder(), "相".encode()
    assert decoder.keys(sent[:1]) == []
    assert decoder.keys(sent[1:]) == ["相"]


# Choosing, sorting, filtering


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["down"], 0),
        (["j", "j", "k"], 0),
        (["down", "down", "down"], 2),
        (["down", "page down"], 10),
        (["end"], 199),
        (["G", "up"], 198),
        (["G", "down"], 199),
        (["end", "home"], 0),
        (["up", "up"], 0),
    ],
)
def test_keys_choose_a_task(keys: list[str], chosen: int) -> None:
    assert pressed(*keys).chosen == IDS[chosen]


def test_a_choice_stays_with_its_task_and_escape_drops_it() -> None:
    controls = pressed("down", "down")
    controls.press("down", ["new", *IDS], rows=20)
    assert controls.chosen == IDS[2]
    assert pressed("escape", controls=controls).chosen == ""


def test_enter_without_a_choice_shows_the_first_task_and_again_goes_back() -> None:
    controls = pressed("enter")
    assert (controls.page, controls.chosen) == ("task", IDS[0])
    assert pressed("enter", controls=controls).page == "list"
    empty = Controls()
    empty.press("enter", [], rows=20)
    assert empty.page == "list"


def test_letters_are_keys_in_the_list_and_text_in_a_filter() -> None:
    controls = pressed("/", "s", "q", "é", "backspace", "?")
    assert (controls.page, controls.filter_text, controls.sort) == ("filter", "sq?", "newest")
    assert pressed("enter", controls=controls).filter_text == "sq?"
    assert pressed("escape", controls=controls).filter_text == ""


@pytest.mark.parametrize("keys", [["q"], ["Q"], ["?", "q"], ["enter", "q"], ["/", "enter", "q"]])
def test_q_ends_the_watch_from_every_page(keys: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        pressed(*keys)


def times(submitted: int, updated: int) -> dict[str, str]:
    return {
        "submit_time": (NOW - timedelta(hours=submitted)).isoformat(),
        "update_time": (NOW - timedelta(hours=updated)).isoformat(),
    }


def test_s_sorts_by_age_and_by_the_last_touch() -> None:
    tasks = [task(1, **times(3, 1)), task(2, **times(2, 2)), task(3, **times(9, 0))]
    controls, orders = Controls(), list[list[str]]()
    for _ in range(4):
        orders.append([state.task_id[-1] for state in controls.arranged(tasks)])
        pressed("s", controls=controls)
    assert orders == [["2", "1", "3"], ["3", "1", "2"], ["2", "1", "3"], ["2", "1", "3"]]


@pytest.mark.parametrize("text", ["VQE STEP 7", "7", "Runn", "wk_c180"])
def test_a_filter_looks_in_id_name_status_and_backend_in_any_case(text: str) -> None:
    controls = pressed("/", *text, "enter")
    assert controls.matches(task(7))
    assert not controls.matches(
        task(1, name="other", status="queued", backend="ibm:ibm_fez", task_id="uqt_1")
    )


# Frames


def test_the_chosen_task_is_in_view_with_what_is_above_and_below() -> None:
    active = [task(number) for number in range(200)]
    text = frame_text(scene(active=active, chosen=active[150].task_id))
    assert f"{150:032x}" in text
    found = re.search(r"(\d+) above, (\d+) below", text)
    assert found is not None
    shown = text.count("uqt_")
    assert int(found[1]) + shown + int(found[2]) == 200
    last = frame_text(scene(active=active, chosen=active[-1].task_id))
    assert f"{199:032x}" in last
    assert ", 0 below" in last


def test_the_frame_tells_the_filter_and_the_order() -> None:
    shown = scene(active=[task(1)], hidden=199, filter_text="vqe", sort="oldest")
    text = frame_text(shown)
    assert "1 of 200 active" in text
    assert "/vqe  Esc shows all" in text
    assert "oldest first" in text
    none = frame_text(scene(hidden=200, filter_text="nothing", types_filter=True))
    assert "No active task matches the filter." in none
    assert "/nothing█" in none


def test_where_it_is_narrow_a_name_stands_in_place_of_the_id() -> None:
    rows = [row(task_id="t" * 40, name="vqe 量子"), row(task_id="u" * 40, name="")]
    heading, named, unnamed = (
        line.plain for line in table_lines({"2 active": ("heard of", rows)}, 34)
    )
    assert heading.startswith("2 active")
    assert named.startswith("vqe 量子")
    assert "t" not in named.replace("status", "")
    assert unnamed.startswith("uuuu")


# The table and the terminal


class KeyedTable(InMemoryTable):
    """A table whose screen returns the keys that a test presses."""

    def press(self, *keys: str) -> None:

        def pause(seconds: float) -> list[str]:
            assert seconds == 0
            return [*keys]

        self.screen.pause = pause  # type: ignore[method-assign] # there is no terminal
        self.table.pause(0)


def test_a_filter_applies_to_ended_tasks_too(cache: Cache) -> None:
    cache.write(*[{"status": "running"}] * 3)
    drawn = KeyedTable(cache)
    drawn.render_next()
    cache.change("UPDATE tasks SET status = 'failed' WHERE task_id != 'task-000002'")
    drawn.render_next()
    drawn.press("/", *"000003", "enter")
    text = "\n".join(drawn.lines())
    assert "task-000003 failed" in text
    assert "task-000001" not in text
    assert "0 of 1 active" in text


def test_a_task_that_is_shown_follows_the_file(cache: Cache) -> None:
    cache.write({"status": "running", "shots": 2000}, version=5)
    drawn = KeyedTable(cache)
    drawn.render_next()
    drawn.press("enter")
    assert "task-000001 running on originq:WK_C180, 2000 shots" in drawn.take_output()
    cache.change("UPDATE tasks SET status = 'failed', error_message = 'no such qubit'")
    assert "no such qubit" in drawn.render_next()
    cache.change("DELETE FROM tasks")
    assert "No task has the id" in drawn.render_next()


def test_with_200_active_tasks_the_oldest_is_reached_on_a_terminal(cache: Cache) -> None:
    names = [json.dumps({"task_name": f"vqe step {number}"}) for number in range(200)]
    cache.write(*[{"status": "running", "metadata_json": name} for name in names], version=5)
    with terminal(cache) as opened:
        opened.until("200 active")
        opened.press("G")
        opened.until("task-000001")
        opened.until(" 0 below")
        opened.press("\r")
        opened.until('task-000001 "vqe step 0" running')
        opened.until("Esc goes back")
        opened.press("\x1b")
        opened.until("200 active")
        opened.press("/step 17")
        opened.until("11 of 200 active")
        opened.press("\rs")
        opened.until("oldest first")
        opened.press("?")
        opened.until("choose a task")
        opened.press("q")
        assert opened.end() == 0
        assert opened.is_restored
