"""The logic of the benchmarks. Nothing is measured here."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import benchmarks
from benchmarks.__main__ import SUBJECTS
from benchmarks.bars import BARS, Bar, Side
from benchmarks.kept import DiskFullError, check_disk
from benchmarks.measure import calls, lists, processes
from benchmarks.mix import BACKEND_SHARES, NEWEST, RARE_NAME, STATUS_SHARES, Mix
from benchmarks.options import FULL_SIZES, LAB_SIZES, QUICK_SIZES, Options
from benchmarks.recording import OURS, Contender, Measurement, interleaved, scaled
from benchmarks.report import TITLES, Report
from benchmarks.stdio_client import RawServer, request_line
from benchmarks.stores import AS_UNIQC_MAKES_IT, BYTES_PER_TASK, Stores, build
from benchmarks.verdicts import judge
from uniqc_store import DB_FILENAME, TaskFilter, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SMALL = Mix(size=4000)
REFERENCE = "the reference"


def measured(
    *values: float,
    group: str = "calls",
    what: str = "a question",
    who: str = OURS,
    size: int = 10,
    unit: str = "ms",
    rows: int = 0,
) -> Measurement:
    return Measurement(
        group=group, what=what, who=who, size=size, unit=unit, values=values, rows=rows
    )


def make_bar(
    *, limit: float, only: str = "", ours: Side | None = None, reference: Side | None = None
) -> Bar:
    return Bar(
        says="a promise",
        group="calls",
        only=only,
        ours=ours or Side(),
        reference=reference,
        limit=limit,
    )


@pytest.fixture(scope="module")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("small")
    build(directory, SMALL.tasks())
    return directory


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(root=tmp_path, progress=lambda _name, _done, _total: None)


def select(directory: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(directory / DB_FILENAME)) as connection:
        return connection.execute(statement).fetchall()


# Stores


def test_a_store_has_the_promised_mix_of_statuses_and_backends(small_store: Path) -> None:
    statuses, backends = Counter[str](), Counter[str]()
    for group in TaskStore(small_store, read_only=True).tally(TaskFilter()):
        statuses[group.status] += group.count
        backends[group.backend] += group.count
    for status, share in STATUS_SHARES.items():
        assert statuses[status] == share * SMALL.size
    assert statuses["success"] == 0.98 * SMALL.size
    assert set(backends) <= set(BACKEND_SHARES)
    assert backends.most_common(1)[0][0] == "originq:WK_C180"


def test_results_have_the_promised_sizes_and_are_stored_with_the_task_and_its_shard(
    small_store: Path,
) -> None:
    rows = select(
        small_store,
        "SELECT tasks.status, tasks.result_json, tasks.error_message, task_shards.result_json "
        "FROM tasks JOIN task_shards ON uniqc_task_id = task_id",
    )
    assert len(rows) == SMALL.size
    for status, result, error, of_shard in rows:
        assert of_shard == result
        assert (result is not None) == (status == "success")
        assert (error is not None) == (status == "failed")
        if isinstance(result, str):
            assert 250 <= len(result) <= 4500
            assert json.dumps(json.loads(result)) == result


def test_the_schema_is_the_same_as_in_a_file_of_uniqc(small_store: Path) -> None:
    schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
    with closing(
        sqlite3.connect(f"file:{AS_UNIQC_MAKES_IT}?mode=ro&immutable=1", uri=True)
    ) as connection:
        assert select(small_store, schema) == connection.execute(schema).fetchall()
    assert select(small_store, "PRAGMA user_version") == [(5,)]
    assert select(small_store, "PRAGMA journal_mode") == [("wal",)]
    assert select(small_store, "PRAGMA integrity_check") == [("ok",)]


def test_the_same_size_gives_the_same_tasks() -> None:
    assert list(SMALL.tasks()) == list(SMALL.tasks())


def test_active_tasks_are_among_the_newest_or_spread_evenly() -> None:
    def places(mix: Mix) -> list[int]:
        statuses = [task[2] for task, _ in mix.tasks()]
        return [place for place, status in enumerate(statuses) if status in {"running", "pending"}]

    recent, spread = places(Mix(size=20_000)), places(Mix(size=20_000, spread=True))
    assert len(recent) == len(spread) == 100
    assert sum(place >= 0.98 * 20_000 for place in recent) > 80
    for tenth in range(10):
        assert any(tenth * 2000 <= place < (tenth + 1) * 2000 for place in spread)


def test_shuffled_tasks_have_the_same_times_in_another_order() -> None:
    in_order, shuffled = (
        [task[4] for task, _ in Mix(size=2000, shuffled=which).tasks()] for which in (False, True)
    )
    assert sorted(shuffled) == in_order != shuffled


def test_tasks_are_in_order_of_time_and_some_have_a_rare_name(small_store: Path) -> None:
    times = [str(time) for (time,) in select(small_store, "SELECT submit_time FROM tasks")]
    assert times == sorted(times)
    store = TaskStore(small_store, read_only=True)
    assert store.search(TaskFilter(name_contains=RARE_NAME), limit=1).total == 4
    newer = TaskFilter(submitted_after=NEWEST - timedelta(days=1))
    assert store.search(newer, limit=1).total == 4


def test_a_store_is_made_once_and_one_of_an_older_recipe_is_removed(
    stores: Stores, tmp_path: Path
) -> None:
    older = tmp_path / "stores" / "recipe-0" / "recent-2000"
    older.mkdir(parents=True)
    first = stores.of(Mix(size=2000))
    made = (first / DB_FILENAME).stat().st_mtime_ns
    assert stores.of(Mix(size=2000)) == first
    assert (first / DB_FILENAME).stat().st_mtime_ns == made
    assert not older.exists()


def test_an_interrupted_build_leaves_no_file(tmp_path: Path) -> None:
    class InterruptedBuildError(Exception):
        pass

    def interrupt(_name: str, _done: int, _total: int) -> None:
        raise InterruptedBuildError

    with pytest.raises(InterruptedBuildError):
        Stores(root=tmp_path, progress=interrupt).of(Mix(size=2000))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_too_little_disk_space_is_an_error_before_any_store_is_made(
    stores: Stores, tmp_path: Path
) -> None:
    free = shutil.disk_usage(tmp_path).free
    mix = Mix(size=2000)
    needed = stores.bytes_missing([mix], copies=1)
    assert needed == 2 * 2000 * BYTES_PER_TASK
    with pytest.raises(DiskFullError, match="GB free"):
        check_disk(tmp_path, 2 * free)
    check_disk(tmp_path / "new", needed)
    stores.of(mix)
    assert stores.bytes_missing([mix], copies=1) == 2000 * BYTES_PER_TASK


def test_the_special_stores_have_the_tasks_they_are_named_after(stores: Stores) -> None:
    active = TaskStore(stores.with_active(20), read_only=True)
    assert active.search(TaskFilter(status="active"), limit=1).total == 20
    (large,) = TaskStore(stores.with_large_result(10_000), read_only=True).list()
    assert isinstance(large.result, dict)
    assert len(large.result) == 10_000
    assert {len(key) for key in large.result} == {20}
    texts = TaskStore(stores.with_long_texts(), read_only=True)
    assert texts.search(TaskFilter(), limit=1).total == 300


# Questions


def test_the_questions_have_every_filter_and_every_pair_of_filters() -> None:
    asked = lists.questions()
    by_kind = [set(filters.values()) for filters in lists.FILTERS.values()]
    single = {task_filter for filters in by_kind for task_filter in filters}
    further = {TaskFilter(status=status) for status in ("any", "failed", "finished")}
    pairs = {
        merged(one, other)
        for filters, others in combinations(by_kind, 2)
        for one, other in product(filters, others)
    }
    assert set(asked.values()) == single | further | pairs
    assert len(set(asked.values())) == len(asked)


def merged(*filters: TaskFilter) -> TaskFilter:
    """Return the filter with every argument that is not the default in one of the filters."""
    default = asdict(TaskFilter())
    arguments = (item for one in filters for item in asdict(one).items())
    return TaskFilter(**{name: value for name, value in arguments if value != default[name]})


def test_growth_is_measured_on_uncached_pages_of_realistic_stores() -> None:
    pages = [
        "status any: first page",
        "status any: later page",
        "status any: first page, again",
        "active tasks spread evenly: status running (rare): first page",
        "added in no order: status failed: later page",
    ]
    assert [page for page in pages if re.search(f"^(?:{lists.REALISTIC})$", page)] == pages[:2]


def test_uniqc_is_compared_on_pages_of_at_most_one_status_and_one_backend() -> None:
    theirs = [
        words
        for words in lists.questions()
        if re.search(f"^(?:{lists.UNIQC_MAKES_IT})$", f"{words}: first page")
    ]
    assert "status success (common)" in theirs
    assert "status queued (absent), backend tianyan176 (rare)" in theirs
    assert not [words for words in theirs if re.search("active|finished|platform|time|name", words)]


def test_the_only_timed_call_that_fails_is_for_an_unknown_id(small_store: Path) -> None:
    with RawServer([sys.executable, "-m", "uniqc_mcp", "--cache-dir", small_store]) as server:
        server.initialize()
        asked = calls.questions(small_store, server)
        refused = {words for words, line in asked.items() if server.result(line).get("isError")}
        assert refused == {"get_task by an unknown id"}


def literal_calls() -> Iterator[tuple[str, set[str]]]:
    """Yield each tool that the benchmarks call by name, with the names of its arguments."""
    for file in Path(benchmarks.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="call_line"),
                    args=[ast.Constant(value=str(tool)), ast.Dict(keys=keys)],
                ):
                    named = (key.value for key in keys if isinstance(key, ast.Constant))
                    yield tool, {str(name) for name in named}
                case _:
                    pass


def test_every_called_tool_exists_and_takes_the_given_arguments(small_store: Path) -> None:
    with RawServer([sys.executable, "-m", "uniqc_mcp", "--cache-dir", small_store]) as server:
        server.initialize()
        tools = server.result(request_line(1, "tools/list", {}))["tools"]
    takes = {tool["name"]: set(tool["inputSchema"]["properties"]) for tool in tools}
    takes |= {
        "answer": set(),
        "read_query": {"query"},
        "list_tables": set(),
    }  # tools of the other servers
    called = list(literal_calls())
    assert {tool for tool, _ in called} >= {"list_tasks", "count_tasks", "get_task"}
    for tool, arguments in called:
        assert arguments <= takes[tool]


# Recording


def test_contenders_take_turns_in_a_varying_order() -> None:
    calls: list[str] = []
    contenders = [
        Contender(what="a question", who=who, size=1, call=partial(calls.append, who))
        for who in "abc"
    ]
    found = interleaved("calls", contenders, repeats=20, seconds_each=60)
    rounds = ["".join(calls[start : start + 3]) for start in range(0, len(calls), 3)]
    assert len(rounds) == 1 + 20
    assert {"".join(sorted(one)) for one in rounds} == {"abc"}
    assert len(set(rounds)) == 6
    assert [len(one.values) for one in found] == [20, 20, 20]


def test_a_contender_that_has_used_up_its_time_drops_out() -> None:
    contender = Contender(what="a question", who=OURS, size=1, call=lambda: sum(range(10_000)))
    (one,) = interleaved("calls", [contender], repeats=1000, seconds_each=0)
    assert len(one.values) == 1


def test_quantiles_are_measured_values() -> None:
    one = measured(*range(1, 201))
    assert (one.low, one.high, one.p99) == (50, 150, 198)
    assert (measured(7).low, measured(7).p99) == (7, 7)


def test_the_slope_of_memory_leaves_out_the_start() -> None:
    flat = [50.0, 50.0, *[60.0] * 18]
    assert processes.slope_kib(flat, calls=20_000) == 0
    rising = [50.0, 50.0, *(60 + reading / 1024 for reading in range(18))]
    assert processes.slope_kib(rising, calls=20_000) == pytest.approx(1)


# Bars


def test_every_bar_is_about_a_measured_group() -> None:
    assert {bar.group for bar in BARS} <= set(TITLES)
    assert len({bar.says for bar in BARS}) == len(BARS)


@pytest.mark.parametrize(("ours", "met"), [(19.0, True), (20.0, True), (20.1, False)])
def test_a_ratio_is_met_up_to_its_limit(ours: float, met: bool) -> None:  # noqa: FBT001
    bar = make_bar(limit=2, reference=Side(who=REFERENCE))
    verdict = judge(bar, [measured(ours), measured(10, who=REFERENCE)])
    assert verdict.met is met
    assert verdict.comparisons[0].against == ours / 10


def test_the_worst_question_decides() -> None:
    verdict = judge(
        make_bar(limit=1, reference=Side(who=REFERENCE)),
        [
            measured(1, what="easy"),
            measured(2, what="easy", who=REFERENCE),
            measured(3, what="hard"),
            measured(2, what="hard", who=REFERENCE),
        ],
    )
    assert verdict.met is False
    assert verdict.comparisons[0].measured.what == "hard"
    assert verdict.within == 1


def test_growth_compares_the_largest_size_with_the_smallest() -> None:
    bar = make_bar(limit=3, reference=Side(size="smallest"))
    found = [measured(1, size=10), measured(99, size=100), measured(2, size=1000)]
    assert judge(bar, found).comparisons[0].against == 2
    assert judge(bar, found[:1]).met is None


def test_growth_to_the_largest_size_is_also_compared_with_the_next() -> None:
    bar = make_bar(limit=3, reference=Side(size="next"))
    found = [measured(1, size=10), measured(4, size=100), measured(2, size=1000)]
    assert judge(bar, found).comparisons[0].against == 0.5
    assert judge(bar, found[:2]).comparisons[0].against == 4
    assert judge(bar, found[:1]).met is None


def test_a_page_that_a_small_store_cannot_fill_is_skipped_or_compared_with_a_full_one() -> None:
    full, every = (
        Bar(
            says="a promise",
            group="calls",
            only="(plain|rare|absent|as many|fewer|deep)(?P<whose> of bob)?",
            rows=rows,
            reference=Side(size="smallest"),
            or_beside="" if rows else r"plain\g<whose>",
            limit=3,
        )
        for rows in (50, 0)
    )
    found = [
        measured(10, what="plain", rows=50),
        measured(20, what="plain", rows=50, size=1000),
        measured(1, what="plain of bob", rows=50),
        measured(1, what="rare", rows=3),
        measured(40, what="rare", rows=50, size=1000),
        measured(0.5, what="rare of bob", rows=3),
        measured(40, what="rare of bob", rows=4, size=1000),
        measured(20, what="absent"),
        measured(50, what="absent", size=1000),
        measured(1, what="as many", rows=3),
        measured(5, what="as many", rows=3, size=1000),
        measured(1, what="fewer", rows=3),
        measured(6, what="fewer", rows=2, size=1000),
        measured(15, what="deep", rows=50, size=1000),
    ]
    assert [one.against for one in judge(full, found).comparisons] == [2]
    assert {one.measured.what: one.against for one in judge(every, found).comparisons} == {
        "plain": 2,
        "rare": 4,
        "rare of bob": 40,
        "absent": 2.5,
        "as many": 5,
        "fewer": 6,
        "deep": 1.5,
    }
    in_one_size = [one for one in found if one.size == 1000]
    assert judge(full, in_one_size).met is judge(every, in_one_size).met is None


def test_a_percentile_is_compared_with_the_median_of_the_same_values() -> None:
    bar = make_bar(limit=3, ours=Side(statistic="p99"), reference=Side())
    verdict = judge(bar, [measured(1, 1, 1, 1, 4)])
    assert (verdict.met, verdict.comparisons[0].against) == (False, 4)


def test_a_bar_without_a_reference_limits_the_number_itself() -> None:
    bar = make_bar(limit=900, only="a task: (text|structure)")
    found = [measured(899, what="a task: text"), measured(5000, what="a task: both")]
    verdict = judge(bar, found)
    assert (verdict.met, len(verdict.comparisons)) == (True, 1)


def test_a_bar_without_measurements_is_neither_met_nor_missed() -> None:
    for bar in BARS:
        verdict = judge(bar, [])
        assert (verdict.met, verdict.comparisons) == (None, ())


def make_run() -> Iterable[Measurement]:
    """Yield a measurement of each group, two sizes for lists, and a spread for calls."""
    for number, group in enumerate(TITLES):
        if group != "lists":
            yield measured(number + 1, group=group)
    page = "status success (common): first page"
    for size, value in ((10_000, 2), (1_000_000, 70)):
        yield measured(value, group="lists", what=page, size=size, rows=lists.PAGE)
    yield measured(1, 2, 3, 4, 5, what="get_task | by id", size=1_000_000)


def test_the_report_says_whether_each_bar_is_met() -> None:
    report = Report(machine={"cores": "2"}, measurements=list(make_run()))
    text = report.markdown()
    rows = [line for line in text.splitlines() if line.startswith("| A page of 50 at the largest")]
    (row,) = rows
    assert "35 x" in row
    assert "status success (common): first page (10^6)" in row
    assert row.endswith("| **not met** |")
    assert "0 of 1 pages, the worst cases included, take at most 3 times as long" in text
    assert "| cores | 2 |" in text
    assert "| not measured |" in text
    assert "3 (2 to 4)" in text
    assert r"get_task \| by id" in text
    for title in TITLES.values():
        assert text.count(f"## {title}") == 1


def test_the_json_report_has_every_bar_with_its_comparisons() -> None:
    report = json.loads(Report(machine={}, measurements=list(make_run())).json())
    assert [bar["bar"] for bar in report["bars"]] == [bar.says for bar in BARS]
    (growth,) = [bar for bar in report["bars"] if bar["bar"] == BARS[0].says]
    assert growth["met"] is False
    assert growth["comparisons"][0]["against"] == 35
    assert report["measurements"][-1]["99th percentile"] == 5


def test_sizes_that_are_large_powers_of_ten_are_written_as_such() -> None:
    assert [scaled(size) for size in (10, 2000, 10_000, 1_000_000)] == [
        "10",
        "2000",
        "10^4",
        "10^6",
    ]


# The command


def test_a_full_run_measures_everything_and_writes_beside_the_readme() -> None:
    options = Options.parse([], SUBJECTS)
    assert (options.sizes, options.subjects) == (FULL_SIZES, tuple(SUBJECTS))
    assert options.lab_sizes == options.laboratories == LAB_SIZES
    assert options.mixes == tuple(mix for size in FULL_SIZES for mix in Mix.of_each_kind(size))
    assert (options.output / "README.md").exists()
    assert options.whole_uniqc


def test_a_partial_run_leaves_the_published_results_alone(tmp_path: Path) -> None:
    for arguments in (["--quick"], ["--only", "lists, counts"], ["--sizes", "5000,2000"]):
        options = Options.parse([*arguments, "--stores", str(tmp_path)], SUBJECTS)
        assert options.output == tmp_path / "partial-run"
    assert Options.parse(["--quick"], SUBJECTS).sizes == QUICK_SIZES
    assert Options.parse(["--only", "lists, counts"], SUBJECTS).subjects == ("lists", "counts")
    given = Options.parse(["--sizes", "5000,2000"], SUBJECTS)
    assert given.sizes == given.lab_sizes == given.laboratories == (2000, 5000)


@pytest.mark.parametrize("wrong", [["--sizes", "10"], ["--sizes", "many"], ["--only", "nothing"]])
def test_options_that_cannot_be_measured_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        Options.parse(wrong, SUBJECTS)
