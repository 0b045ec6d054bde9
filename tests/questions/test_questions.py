"""Questions of users over six stores. Each number of an answer is what plain SQL gives.

Both channels are read: the structured content, and the text alone.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp_types import TextContent
from tests.questions.more_questions import MORE_COUNTS, MORE_FIGURES, MORE_LISTS
from tests.questions.plain_sql import PlainSql
from tests.questions.stores import FILES, NOW, Store
from tests.questions.table import COUNTS, FIGURES, LISTS, Question

from uniqc_mcp.server import build_server
from uniqc_store import TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mcp.server.mcpserver import MCPServer

_TOOL = {"counts": "count_tasks", "figures": "summarize_tasks"}
_ORDER = {
    "newest": "submit_time DESC, number DESC",
    "oldest": "submit_time, number",
    "touched": "updated DESC, number DESC",
}
_PAGE = 20
_ROW = re.compile(
    r"- (?P<labels>.*): (?P<tasks>\d+), (?P<succeeded>\d+)/(?P<finished>\d+)(?: \(\d+%\))?, "
    r"(?P<shots>\d+), (?P<times>[^,]*), (?P<dates>.*)"
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=FILES, ids=[store.name for store in FILES])
def directory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Return the directory of a store, on a machine in its time zone."""
    store: Store = request.param
    directory = tmp_path_factory.mktemp("questions") / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", store.zone)
        time.tzset()
        store.make(directory)
        yield directory
    time.tzset()


@pytest.fixture(scope="module")
def server(directory: Path) -> MCPServer[Any]:
    """Return one server for all questions of a store, as building it takes 0.07 s."""
    return build_server(TaskStore(directory, read_only=True), clock=lambda: NOW)


async def ask(server: MCPServer[Any], question: Question) -> tuple[str, dict[str, Any]]:
    """Return both channels of the answer."""
    async with Client(server) as client:
        tool = _TOOL.get(question.form, "list_tasks")
        result = await client.call_tool(tool, question.arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert not result.is_error, content.text
    assert result.structured_content is not None
    return content.text, result.structured_content


def total_in(text: str) -> int:
    """Return the number of tasks that the first line of an answer tells."""
    if text.startswith("No "):
        return 0
    match = re.match(r"(\d+) ", text)
    assert match, text
    return int(match[1])


@pytest.mark.parametrize("question", LISTS + MORE_LISTS, ids=lambda question: question.asked)
async def test_a_list_has_the_tasks_that_sql_finds(
    directory: Path, server: MCPServer[Any], question: Question
) -> None:
    sql = PlainSql(directory)
    found = f"FROM {question.source} WHERE {question.where}"
    total = sql.one(f"SELECT count(*) {found}")
    ids = sql.rows(f"SELECT task_id {found} ORDER BY {_ORDER[question.form]} LIMIT {_PAGE}")
    text, answer = await ask(server, question)
    assert (answer["total"], answer["shown"]) == (total, len(ids))
    assert [task["task_id"] for task in answer.get("tasks", ())] == [task_id for (task_id,) in ids]
    assert re.findall(r"^- (\S+)", text, re.MULTILINE) == [task_id for (task_id,) in ids]
    assert total_in(text) == total
    assert ("next_cursor" in answer) == (total > len(ids))


@pytest.mark.parametrize("question", COUNTS + MORE_COUNTS, ids=lambda question: question.asked)
async def test_counts_are_those_of_sql(
    directory: Path, server: MCPServer[Any], question: Question
) -> None:
    sql = PlainSql(directory)
    found = f"FROM {question.source} WHERE {question.where}"
    total = sql.one(f"SELECT count(*) {found}")
    by = ", ".join(question.by)
    groups = {
        tuple(labels): count
        for *labels, count in (
            sql.rows(f"SELECT {by}, count(*) {found} GROUP BY {by}") if by else ()
        )
    }
    text, answer = await ask(server, question)
    assert answer["total"] == total
    assert total_in(text) == total
    assert {
        tuple(group[name] for name in ("status", "backend") if name in group): group["count"]
        for group in answer.get("groups", ())
    } == groups
    lines = re.findall(r"^- (.*): (\d+)$", text, re.MULTILINE)
    assert {labels: int(count) for labels, count in lines} == {
        " on ".join(labels): count for labels, count in groups.items()
    }


@pytest.mark.parametrize("question", FIGURES + MORE_FIGURES, ids=lambda question: question.asked)
async def test_figures_are_those_of_sql(
    directory: Path, server: MCPServer[Any], question: Question
) -> None:
    sql = PlainSql(directory)
    expected = figures(sql, question)
    text, answer = await ask(server, question)
    assert answer["total"] == total_in(text) == sum(row[0] for row in expected.values())
    width = len(question.by)
    table = {tuple(row[:width]): row[width:] for row in answer.get("rows", ())}
    if len(table) < len(expected):
        check_others(table, expected)
    for labels, (*counts, median, ninety, longest, oldest, newest) in table.items():
        tasks, finished, succeeded, shots, *times = expected[labels]
        assert [*counts[:3], int(counts[3])] == [tasks, finished, succeeded, shots]
        assert (median, ninety, longest) == pytest.approx(tuple(times[:3]), abs=0.1)
        assert (oldest, newest) == (times[3] or "", times[4] or "")
    assert rows_of(text) == {
        ", ".join(labels): [row[0], row[2], row[1], int(row[3])] for labels, row in table.items()
    }


def figures(sql: PlainSql, question: Question) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Return the figures of each group by its labels, in the order of the answer's columns."""
    by = ", ".join(question.by)
    places = ", ".join(str(place) for place in range(1, len(question.by) + 1))
    took = "CASE WHEN finished AND submitted IS NOT NULL AND took >= -1e-4 THEN took END"
    statement = f"""
        WITH matching AS (
            SELECT {by}, status IN ('success', 'failed', 'cancelled') AS finished,
                status = 'success' AS succeeded, all_shots, submitted, took
            FROM {question.source} WHERE {question.where}
        ),
        labelled({labels_of(question)}, finished, succeeded, all_shots, submitted, took) AS (
            SELECT * FROM matching
        ),
        ranked AS (
            SELECT *, {took} AS seconds,
                row_number() OVER (PARTITION BY {labels_of(question)} ORDER BY {took} NULLS LAST)
                    AS place,
                count({took}) OVER (PARTITION BY {labels_of(question)}) AS known
            FROM labelled
        )
        SELECT {labels_of(question)}, count(*), sum(finished), sum(succeeded), sum(all_shots),
            min(seconds) FILTER (WHERE place * 2 >= known),
            min(seconds) FILTER (WHERE place * 10 >= known * 9),
            max(seconds),
            strftime('%Y-%m-%dT%H:%MZ', min(submitted), 'unixepoch'),
            strftime('%Y-%m-%dT%H:%MZ', max(submitted), 'unixepoch')
        FROM ranked GROUP BY {places}"""
    width = len(question.by)
    return {row[:width]: row[width:] for row in sql.rows(statement)}


def labels_of(question: Question) -> str:
    return ", ".join(f"label_{place}" for place in range(len(question.by)))


def check_others(
    table: dict[tuple[str, ...], list[Any]], expected: dict[tuple[str, ...], tuple[Any, ...]]
) -> None:
    """Take out the row of all other groups, which has the sums of what is not shown."""
    (labels,) = table.keys() - expected.keys()
    others = table.pop(labels)
    hidden = [row for key, row in expected.items() if key not in table]
    assert f"{len(hidden)} more)" in labels[0]
    assert [int(figure) for figure in others[:4]] == [
        sum(row[place] for row in hidden) for place in range(4)
    ]


def rows_of(text: str) -> dict[str, Sequence[int]]:
    """Return tasks, succeeded, finished and shots of each group that a text shows."""
    rows = (_ROW.fullmatch(line) for line in text.splitlines())
    return {
        match["labels"].replace('"', ""): [
            int(match[name]) for name in ("tasks", "succeeded", "finished", "shots")
        ]
        for match in rows
        if match and "more)" not in match["labels"]
    }
