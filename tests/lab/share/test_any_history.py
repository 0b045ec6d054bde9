"""Whatever happens to the file and to the server, one pass makes them equal again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.share.history import History

if TYPE_CHECKING:
    from collections.abc import Callable

MOVES: tuple[Callable[[History, int], None], ...] = (
    History.insert,
    History.insert,
    History.insert,
    History.update,
    History.touch,
    History.change_job,
    History.delete,
    History.archive,
    History.clear_all,
    History.vacuum,
    History.upgrade,
    History.back_up,
    History.restore,
    History.lose_some,
    History.share,
)


@settings(max_examples=25, deadline=None)
@given(st.booleans(), st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 999)), max_size=25))
def test_one_pass_makes_the_server_equal_to_the_file(
    upgraded: bool,  # noqa: FBT001 - hypothesis passes it by its place
    moves: list[tuple[Callable[[History, int], None], int]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        history = History(Path(directory))
        if upgraded:
            for number in range(3):
                history.insert(number)
            history.upgrade(0)
            history.share(0)
        for move, number in moves:
            move(history, number)
        history.share(0)
