"""The check of answers that are given while others commit."""

from __future__ import annotations

import pytest
from commit_history import Commit, CommitHistory, is_possible, possible_totals

NOTHING: dict[str, int] = {}
HISTORY = CommitHistory(
    [
        Commit(1.0, 1.1, "a", "running"),
        Commit(2.0, 2.1, "b", "running"),
        Commit(3.0, 3.1, "a", "success"),
        Commit(4.0, 4.1, "b", None),
    ]
)


@pytest.mark.parametrize(
    ("began", "ended", "tallies"),
    [
        (0.0, 0.5, [NOTHING]),
        (1.05, 1.06, [NOTHING, {"running": 1}]),
        (1.5, 1.6, [{"running": 1}]),
        (1.5, 3.05, [{"running": 1}, {"running": 2}, {"running": 1, "success": 1}]),
        (5.0, 6.0, [{"success": 1}]),
    ],
)
def test_a_state_is_readable_from_its_commit_to_the_end_of_the_next(
    began: float, ended: float, tallies: list[dict[str, int]]
) -> None:
    assert HISTORY.tallies(began, ended) == tallies


def test_a_task_has_the_statuses_of_its_own_commits() -> None:
    assert HISTORY.statuses("a", 1.5, 2.5) == {"running"}
    assert HISTORY.statuses("a", 2.5, 3.05) == {"running", "success"}
    assert HISTORY.statuses("b", 4.05, 4.2) == {"running", None}
    assert HISTORY.statuses("b", 4.2, 9.0) == {None}
    assert HISTORY.statuses("never saved", 0.0, 9.0) == {None}
    assert HISTORY.knows("b")
    assert not HISTORY.knows("never saved")


def test_totals_of_several_writers_are_their_sums_and_no_others() -> None:
    other = CommitHistory([Commit(1.5, 1.6, "c", "failed")])
    assert possible_totals([HISTORY, other], 1.2, 1.55) == {1, 2}
    assert possible_totals([HISTORY, other], 1.2, 1.4) == {1}
    assert possible_totals([HISTORY, other], 1.2, 9.0, status="running") == {0, 1, 2}


def test_the_numbers_of_each_backend_are_those_of_one_moment() -> None:
    histories = {"one": HISTORY, "two": CommitHistory([])}
    assert is_possible(histories, {"one": {"running": 2}}, 2.5, 2.6)
    assert not is_possible(histories, {"one": {"running": 1}}, 2.5, 2.6)
    assert not is_possible(histories, {}, 2.5, 2.6)
    assert not is_possible(histories, {"one": {"running": 2}, "two": {"failed": 1}}, 2.5, 2.6)
    assert not is_possible(histories, {"one": {"running": 2}, "three": {"failed": 1}}, 2.5, 2.6)
