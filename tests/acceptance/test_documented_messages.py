"""docs/troubleshooting.md has the messages that a user meets, in their present words."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp_types import TextContent
from tests.record_documentation import ROOT, sample_home

import uniqc_store
from uniqc_mcp.clearing.verdicts import REFUSALS
from uniqc_mcp.cli.install.this_command import PROGRAM
from uniqc_mcp.errors import explain_store_error
from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import Settings
from uniqc_store import StoreError, errors

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path("/home/alice/.uniqc/cache/tasks.sqlite")
EXAMPLES = (
    errors.AmbiguousIdError("0A1B2C3D", ["uqt_1", "uqt_2"]),
    errors.UnknownReceiptError("clr_1"),
    errors.RestoreError("clr_1", ["column error_message"]),
    errors.PlanAlteredError(FILE.with_name("cleared.sqlite")),
    errors.StoreForeignError(FILE, "is not an SQLite database"),
    errors.StoreNewerError(FILE, "it can be read", found=9, known=5),
    errors.StoreDamagedError(FILE, "database disk image is malformed"),
    errors.StoreUnsafeError(FILE, "an index lacks a row"),
    errors.StoreBusyError(FILE, 5),
    errors.StoreUnreadableError(FILE, "unable to open database file"),
    errors.StoreUnwritableError(FILE, "attempt to write a readonly database"),
    errors.StoreFullError(FILE),
)
NOT_MET = {
    "InvalidValueError": "the message is about an argument, and names what it takes",
    "InterruptedReadError": "of a search that this server ends itself, which its answer says",
    "WouldBlockError": "of the library; the server asks again on a thread",
    "ReadOnlyStoreError": "of the library; the server does not write a store that it only reads",
    "StoreMissingError": "of the library; the server says that there is no file",
}
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("list_tasks", {"state": "failed"}),
    ("get_task", {"task_id": "uqt_that_is_not_there"}),
    ("clear_tasks", {}),
)
"""Calls whose error is put together from several texts."""

RAISED = {
    "InstallError",
    "NothingToPlotError",
    "SampleRefusedError",
    "click.BadParameter",
    "click.ClickException",
    "click.UsageError",
    "self.fail",
}
"""The errors of commands whose message stands where they are raised."""

_, _, _BY_MESSAGE = (
    (ROOT / "docs" / "troubleshooting.md").read_text().partition("\n## By message\n")
)
MESSAGES = re.findall(r"^\| `(.+?)` \| ", _BY_MESSAGE.partition("\n## ")[0], re.MULTILINE)


def matches(message: str, text: str) -> bool:
    """Return True if a text is a message, in which an ellipsis stands for anything."""
    pattern = ".*".join(re.escape(part.strip(" .\n")) for part in message.split("…"))
    return re.search(pattern, text, re.DOTALL) is not None


def store_errors(base: type[StoreError]) -> Iterator[type[StoreError]]:
    """Yield the public errors that a store raises."""
    for each in base.__subclasses__():
        if each.__subclasses__():
            yield from store_errors(each)
        elif hasattr(uniqc_store, each.__name__):
            yield each


def source() -> str:
    """Return the source, its adjacent literals joined, with an ellipsis for each value in one."""
    files = (*(ROOT / "server").rglob("*.py"), *(ROOT / "store").rglob("*.py"))
    text = "".join(file.read_text() for file in files).replace("{PROGRAM}", PROGRAM)
    joined = re.sub(r'"\s*\n\s*f?"', "", text)
    return re.sub(r"\{[^{}\n]*\}", "…", joined)


def raised() -> set[str]:
    """Return the messages that stand where a command raises an error."""
    found = set[str]()
    for file in (ROOT / "server" / "uniqc_mcp" / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in RAISED and node.args:
                found |= set(_texts(node.args[0]))
    # A row has the message as code, which has no code in it.
    return {re.sub(r"`[^`]+`", "…", text) for text in found}


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression may be, with an ellipsis for each value in them."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(map(_text_of_part, parts))
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one)
            yield from _texts(other)
        case _:  # it comes from elsewhere
            pass


def _text_of_part(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=str(text)):
            return text
        case ast.FormattedValue(value=ast.Name(id="PROGRAM")):
            return PROGRAM
        case _:
            return "…"


def test_every_message_of_a_command_has_a_row() -> None:
    messages = raised()
    assert len(messages) > 40
    missing = {
        text
        for text in messages
        if not any(matches(row, text) or matches(text, row) for row in MESSAGES)
    }
    assert missing == set()


def test_every_refusal_of_a_clear_has_a_row() -> None:
    for _, text in REFUSALS.values():
        assert any(matches(message, text) for message in MESSAGES), text


def test_every_error_of_the_store_is_an_example_or_never_met() -> None:
    named = {type(example).__name__ for example in EXAMPLES}
    assert named | set(NOT_MET) == {each.__name__ for each in store_errors(StoreError)}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_the_page_has_the_message_of_the_error(error: StoreError) -> None:
    text = explain_store_error(error)
    assert any(matches(message, text) for message in MESSAGES), text


@pytest.mark.anyio
async def test_the_server_and_its_source_have_each_message_of_the_page() -> None:
    told = [explain_store_error(error) for error in EXAMPLES] + await errors_of_calls()
    ours, raised_here = source(), raised()
    assert len(MESSAGES) > 40
    for message in MESSAGES:
        parts = [part.strip() for part in message.split("…") if part.strip(" .:")]
        in_source = all(part in ours for part in parts)
        in_source = in_source or any(matches(text, message) for text in raised_here)
        assert in_source or any(matches(message, text) for text in told), message


async def errors_of_calls() -> list[str]:
    with sample_home() as cache:
        settings = Settings(cache_dir=cache)
        async with Client(build_server(build_store(settings), settings)) as client:
            results = [await client.call_tool(tool, arguments) for tool, arguments in CALLS]
    texts: list[str] = []
    for result in results:
        (content,) = result.content
        assert result.is_error
        assert isinstance(content, TextContent)
        texts.append(content.text)
    return texts
