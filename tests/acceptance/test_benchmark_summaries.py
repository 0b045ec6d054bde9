"""The summaries that are measured have the figures of the statement that they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from benchmarks.bars import BARS
from benchmarks.measure import summaries
from benchmarks.mix import Mix
from benchmarks.stores import build
from benchmarks.verdicts import judge
from uniqc_mcp.tasks.tools import ReadTools
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.setting import Setting


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("summarized")
    build(directory, Mix(size=4000).tasks())
    return directory


@pytest.mark.parametrize("what", summaries.SUBJECTS)
def test_a_summary_has_the_same_figures_as_the_statement(store: Path, what: str) -> None:
    keys, after = summaries.SUBJECTS[what]
    answer = ReadTools(TaskStore(store, read_only=True)).summarize_tasks(
        group_by=keys, submitted_after=after
    )
    by_sql = {row[: len(keys)]: row[len(keys) :] for row in summaries.by_sql(store, keys, after)}
    rows = [cast("list[Any]", row) for row in answer.rows]
    named = [row for row in rows if not str(row[0]).startswith("others (")]
    assert named
    assert len(named) == len(by_sql) or len(named) < len(rows)
    assert sum(row[len(keys)] for row in rows) == sum(
        cast("int", one[0]) for one in by_sql.values()
    )
    for row in named:
        figures = by_sql[tuple(row[: len(keys)])]
        found = row[len(keys) :]
        # finished, succeeded and shots are counted by both; the times are Julian days in SQL.
        assert found[:4] == list(figures[:4])
        for seconds, expected in zip(found[4:7], figures[4:7], strict=True):
            assert seconds == pytest.approx(expected, abs=1.0)


@dataclass(frozen=True, slots=True)
class SmallSetting:
    """The part of a setting that this subject reads."""

    directory: Path
    repeats: int = 2
    seconds_each: float = 0.05

    def caches(self) -> dict[int, Path]:
        return {4000: self.directory}

    def tell(self, what: str) -> None:
        assert what.startswith("summaries: ")


def test_every_bar_on_summaries_is_measured(store: Path) -> None:
    measured = summaries.measure(cast("Setting", SmallSetting(store)))
    bars = [bar for bar in BARS if bar.group == summaries.GROUP]
    assert len(bars) == 3
    for bar in bars:
        assert judge(bar, measured).comparisons
