"""Text and structured content, of which each must hold every fact of the other.

Half of the hosts show their model the text only, the other half the structured content only. Real
files are read by all tools. The facts of one channel are searched for in the other.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from datetime import datetime
from functools import cache as once
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import anyio
import pytest
from mcp import Client
from mcp_types import TextContent

from uniqc_mcp.responses.times import age
from uniqc_mcp.safety.unicode import LINE_BREAK
from uniqc_mcp.server import build_server
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import DB_FILENAME, ClearPolicy, TaskStore

if TYPE_CHECKING:
    from collections.abc import Iterator

Answered: TypeAlias = tuple[str, str, dict[str, Any]]
"""The call, the text and the structured content of one answer."""

DATA = Path(__file__).parents[2] / "data"
FILES = sorted(path for folder in ("stores", "cases") for path in (DATA / folder).glob("*.sqlite"))
MAX_TASKS = 30

IN_WORDS: Final = {
    "exists": "a missing file has a note",
    "active": "follows from the status, which both have",
    "in_future": "names of fields; the text says it beside each of these times",
    "state": "the text says it in the words of its first line",
    "kind": "the text says what the numbers are",
    "order": "the text says it where there are more tasks than it shows",
    "more": "the text has the call that it describes, with the cursor",
    "columns": "the text names them in its second line",
    "policy": "numbers stand in one line, with the words of the server's options",
}
"""Fields whose value the text tells in other words."""

ONLY_STRUCTURED: Final = {
    "schema_version": "of the file, not of a task; doctor and uniqc://store are about the file",
    "tasks[].updated_at": "of finished tasks, whose line is short; get_task has it",
    "active[].updated_at": "of a task without a job, whose line is short; get_task has it",
    "shards[].updated_at": "of a job; that of its task is in the text",
    "shards[].index": "the text counts the jobs from 1",
    "circuits_requested": "a note tells the circuits of a batch where something is missing",
    "circuits_submitted": "a note tells them too",
    "result.circuits": "1 of a task that is no batch",
}
"""Fields that the text leaves out."""

CELL: Final = "rows[][]"

NO_NOTES: Final = (
    *("More: repeat", "To go on waiting", "- ", "Plan: ", "metadata: "),
    *("result: ", "circuit ", "job ", "error: ", "Policy: "),
)
"""Beginnings of lines with facts, which may end in a note that the structure has by itself."""

QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
ANSWER_OF_A_STORE: Final = re.compile(r"\(?Read \S+ from \S+?\.\)?$")


async def answers(client: Client) -> list[Answered]:
    """Return the answers of all tools: a label, the text and the structured content of each."""
    found: list[Answered] = []

    async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        (content,) = result.content
        assert isinstance(content, TextContent)
        assert not result.is_error, content.text
        assert result.structured_content is not None
        found.append((f"{tool} {arguments}", content.text, result.structured_content))
        structured: dict[str, Any] = result.structured_content
        return structured

    await ask("list_tasks")
    await ask("list_tasks", status="any", limit=2, submitted_after="2020-01-01")
    listed = await ask("list_tasks", status="any", limit=MAX_TASKS)
    for task in listed.get("tasks", []):
        await ask("get_task", task_id=task["task_id"])
    for task in listed.get("tasks", [])[:4]:
        await ask("get_task", task_id=task["task_id"], include=["result", "circuit", "compiled"])
    ids = [task["task_id"] for task in listed.get("tasks", [])]
    for some in filter(lambda some: len(some) > 1, (ids[:2], ids[1:3], ids[:6], ids[-6:])):
        await ask("compare_tasks", task_ids=some)
    await ask("count_tasks")
    await ask("count_tasks", group_by="none", name_contains="nothing has this name")
    await ask("count_tasks", group_by="status_backend")
    await ask("summarize_tasks")
    await ask("summarize_tasks", group_by=["status", "day"])
    await ask("summarize_tasks", group_by=["error"], status=["failed"])
    await ask("wait_for_tasks", timeout_seconds=1)
    await ask("wait_for_tasks", backend="there is no such backend")
    # A wait for these returns at once.
    if finished := [task["task_id"] for task in listed.get("tasks", []) if not task["active"]]:
        await ask("wait_for_tasks", task_ids=finished[:5])
    plan = await ask("clear_tasks", older_than="36h")
    await ask("clear_tasks", backend="there is no such backend")
    if "plan_id" in plan:
        done = await ask("clear_tasks", plan_id=plan["plan_id"])
        await ask("list_cleared")
        await ask("list_cleared", receipt=done["receipt"], limit=5)
        await ask("undo_clear", receipt=done["receipt"], task_ids=["nosuchtask"])
        await ask("undo_clear", receipt=done["receipt"])
    await ask("list_cleared")
    await ask("clear_tasks", plan_id="nosuchplan")
    return found


@once
def answers_on(path: Path) -> list[Answered]:
    """Return the answers of all tools on a copy of a file; asked for once, as a wait takes time."""

    async def ask() -> list[Answered]:
        async with Client(build_server(TaskStore(directory, read_only=True), settings)) as client:
            return await answers(client)

    settings = Settings(clearing=ClearSettings(policy=ClearPolicy(), confirm="plan"))
    with tempfile.TemporaryDirectory() as directory:
        shutil.copyfile(path, Path(directory, DB_FILENAME))
        return anyio.run(ask)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def answered(request: pytest.FixtureRequest) -> list[Answered]:
    """Return the answers of all tools on one of the real files."""
    return answers_on(request.param)


def test_nothing_in_structured_content_is_empty(
    answered: list[Answered],
) -> None:
    for label, _, structured in answered:
        for place, value in leaves(structured):
            if place == CELL:
                continue  # each cell of a table has its place
            assert value not in ("", None), (label, place)
            assert value != [], (label, place)
            assert value != {}, (label, place)


def test_the_text_has_every_value_of_the_structured_content(
    answered: list[Answered],
) -> None:
    for label, text, structured in answered:
        read_at = structured["store"]["read_at"]
        for place, value in leaves(structured):
            if is_told_otherwise(place) or is_count(structured, place, value):
                continue
            assert any(form in text for form in forms(value, read_at, place)), (label, place, value)


def test_the_structured_content_has_every_fact_of_the_text(
    answered: list[Answered],
) -> None:
    for label, text, structured in answered:
        read_at = structured["store"]["read_at"]
        known = [
            form
            for place, value in leaves(structured)
            for form in forms(value, read_at, place, derived=True)
        ]
        numbers = {number for form in known for number in numbers_in(form)} | derived(structured)
        joined = "\n".join(known)
        included = "\n".join(part["text"] for part in structured.get("included", []))
        for line in text.splitlines():
            if line in included:
                continue  # JSON as it is
            if line.startswith("metadata: "):
                assert line.removeprefix("metadata: ") in joined, (label, line)
                continue
            for fact in facts_in(line):
                assert fact in joined, (label, line, fact)
            for number in numbers_in(without_quotes(line)):
                assert number in numbers, (label, line, number)
        for sentence in notes_in(text):
            assert sentence in joined, (label, sentence)


# The facts of a structure


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the place and the value of everything in a structure that holds nothing else.

    Metadata is the user's own: it is one leaf.
    """
    if isinstance(value, dict) and value and not place.endswith("metadata"):
        for name, inner in cast("dict[str, Any]", value).items():
            yield from leaves(inner, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list) and value:
        for inner in cast("list[object]", value):
            yield from leaves(inner, f"{place}[]")
    else:
        yield place, value


def is_told_otherwise(place: str) -> bool:
    name = place.rpartition(".")[2].removesuffix("[]")
    return name in IN_WORDS or any(place.endswith(field) for field in ONLY_STRUCTURED)


def is_count(structured: dict[str, Any], place: str, value: Any) -> bool:
    """Return True for a number of things that the text has a line for each of, or none."""
    if not isinstance(value, int):
        return False
    return value == 0 or value in lengths(structured)


def lengths(value: Any) -> set[int]:
    """Return the lengths of all lists in a structure."""
    if isinstance(value, dict):
        found: set[int] = set()
        return found.union(*map(lengths, cast("dict[str, object]", value).values()))
    if isinstance(value, list):
        entries = cast("list[object]", value)
        return {len(entries)}.union(*map(lengths, entries))
    return set()


def forms(value: Any, read_at: str, place: str, *, derived: bool = False) -> list[str]:
    """Return the forms in which a text may tell a value."""
    if isinstance(value, dict):
        return [json.dumps(value, ensure_ascii=False)]
    if isinstance(value, bool):
        return [str(value)]
    if isinstance(value, float):
        in_table = [age(int(value))] if place == CELL else []
        return [f"{value:.4g}", f"{value:.3g}", str(value), *in_table]
    value = "-" if value is None else value
    if isinstance(value, int):
        return [str(value), *([age(value)] if place.endswith("seconds_since_update") else [])]
    # A line of text has one task in the singular, and an error of several lines is one line.
    singular = value.replace("tasks", "task", 1) if place == "matching" else value
    shown = [value, singular, value.replace(LINE_BREAK, "\\n")]
    shown += [json.dumps(form, ensure_ascii=False) for form in shown[:1]]
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\S+", value):
        since = datetime.fromisoformat(read_at) - datetime.fromisoformat(value)
        shown.append(age(max(0, int(since.total_seconds()))))
    return shown


def derived(structured: dict[str, Any]) -> set[str]:
    """Return numbers that a reader of the structure can count or compute."""
    longest = max(lengths(structured), default=0)
    numbers = {value for _, value in leaves(structured) if isinstance(value, int)}
    return {str(number) for number in {*range(longest + 1), *numbers}}


# The facts of a text


def without_quotes(line: str) -> str:
    return QUOTED.sub("", line)


def facts_in(line: str) -> Iterator[str]:
    """Yield the quoted texts, times, ids and addresses of a line."""
    for match in QUOTED.finditer(line):
        # A cut text is in quotes as it is in the structure.
        yield json.loads(match[0])
    yield from re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)", without_quotes(line))
    yield from re.findall(r"uqt_\w+|uniqc://\S+[\w%]", without_quotes(line))


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text that stand by themselves."""
    return re.findall(r"(?<![\w.:/%+-])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w:%-]|\.\d)", text)


def notes_in(text: str) -> Iterator[str]:
    """Yield the sentences that are lines of their own: notes, on the store or on the task."""
    for number, line in enumerate(text.splitlines()):
        is_sentence = number and line.endswith(".") and not ANSWER_OF_A_STORE.match(line)
        if is_sentence and not line.strip().startswith(NO_NOTES):
            yield line.removeprefix("note: ").strip()
