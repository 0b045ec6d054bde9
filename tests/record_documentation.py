"""Record in README and docs the answers of the server, the output of commands, and all options.

``python -m tests.record_documentation`` rewrites them. An answer is a block of text below its
call, or indented lines in the conversation of README. All calls of a page are made in their order
on one sample, whose clock stands still.
"""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import anyio
import click
from click.testing import CliRunner
from mcp import Client
from mcp_types import TextContent

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.cli.sample.file import (
    _write as write_sample,  # pyright: ignore[reportPrivateUsage]
)
from uniqc_mcp.server import build_server, build_store
from uniqc_mcp.settings import ClearSettings, Settings
from uniqc_store import DB_FILENAME, ClearPolicy

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").glob("*.md")))
COMMAND: Final = "python -m tests.record_documentation"
NOW: Final = datetime(2026, 11, 24, 9, 12, 55, tzinfo=UTC)

CALL: Final = re.compile(
    r"(^`(\w+) (\{[^\n]*\})`\n\n```text\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE
)
"""A call in a line of its own, and the block below it."""

QUOTED_CALL: Final = re.compile(r"(^> .*`(\w+) (\{.*\})`\n>\n)((?:>     .*\n)+)", re.MULTILINE)
"""A call in a quoted conversation, and the indented lines below it."""

PRINTED: Final = re.compile(
    r"(^```console\nuniqc-mcp ([^\n]*)\n```\n\n```text\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE
)
"""A command by itself, and the block below it with what it prints."""

OPTIONS: Final = re.compile(r"(?<=<!-- options -->\n)(.*?)(?=<!-- end of options -->)", re.DOTALL)

_STAND_INS: Final = {
    r"plan_[\w-]{22}": "plan_nyNV1TPrDetq6-leVjYKBg",
    r"clr_[0-9a-f]{16}": "clr_5f0c6a1be2d94733",
    r"(?<=cursor=\")[^\"]+": "…",
}
"""What is random in an answer, and what stands for it on a page."""


@dataclass
class Conversation:
    """The calls of one page to one server, which may clear what failed or succeeded."""

    client: Client
    _real: dict[str, str] = field(default_factory=dict[str, str])

    async def answer(self, tool: str, arguments: str) -> str:
        """Return the text of an answer, with stand-ins for what is random in it."""
        for stand_in, real in self._real.items():
            arguments = arguments.replace(stand_in, real)
        result = await self.client.call_tool(tool, json.loads(arguments))
        (content,) = result.content
        assert isinstance(content, TextContent)
        text = content.text
        for pattern, stand_in in _STAND_INS.items():
            for real in re.findall(pattern, text):
                self._real[stand_in] = real
            text = re.sub(pattern, stand_in, text)
        return text


@contextmanager
def sample_home() -> Generator[Path]:
    """Yield the cache directory of a home that has the sample, as it was at ``NOW``."""
    with tempfile.TemporaryDirectory() as home, patch.dict("os.environ", HOME=home):
        cache = Path(home, ".uniqc", "cache")
        cache.mkdir(parents=True)
        write_sample(cache / DB_FILENAME, NOW)
        yield cache


async def with_answers(page: str) -> str:
    """Return a page with the answers that the server gives now."""
    with sample_home() as cache:
        policy = ClearPolicy(statuses=("success", "failed"))
        clearing = ClearSettings(policy=policy, confirm="plan")
        settings = Settings(cache_dir=cache, clearing=clearing)
        server = build_server(build_store(settings), settings, clock=lambda: NOW)
        async with Client(server) as client:
            conversation = Conversation(client)
            for pattern, layout in ((CALL, _as_block), (QUOTED_CALL, _as_quotation)):
                written: list[str] = []
                end = 0
                for match in pattern.finditer(page):
                    answer = await conversation.answer(match[2], match[3])
                    written += [page[end : match.start()], match[1], layout(answer)]
                    end = match.end()
                page = "".join([*written, page[end:]])
    return page


def _as_block(answer: str) -> str:
    return f"{answer}\n"


def _as_quotation(answer: str) -> str:
    """Return the lines of an answer for a conversation, in which ids are shortened."""
    short = re.sub(r"uqt_0{30}", "uqt_…", answer)
    return "".join(f">     {line}\n" for line in short.splitlines())


def printed(arguments: str) -> str:
    """Return what a command prints in a pipe about the sample."""
    with sample_home() as cache:
        variables = {"UNIQC_MCP_CACHE_DIR": str(cache), "COLUMNS": "80"}
        result = CliRunner().invoke(cli, shlex.split(arguments), env=variables)
    assert result.exit_code == 0, result.output
    return result.stdout


@dataclass(frozen=True, slots=True)
class Option:
    """An option as one or more commands have it."""

    names: str
    value: str
    default: str
    variable: str
    meaning: str


def options() -> dict[Option, list[str]]:
    """Return all options with the commands that have them, those of ``serve`` first."""
    found: dict[Option, list[str]] = {}
    for name, command in sorted(_commands(cli), key=lambda each: each[0] != "serve"):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                found.setdefault(_option(parameter, command), []).append(name)
    return found


def _commands(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield the commands of a group and of the groups in it, by all their words."""
    context = click.Context(group)
    for own in group.list_commands(context):
        command, words = group.get_command(context, own), f"{name} {own}".lstrip()
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, words)
        else:
            yield words, command


def _option(option: click.Option, command: click.Command) -> Option:
    context = click.Context(command)
    extra = option.get_help_extra(context)
    value = "" if option.is_flag else option.make_metavar(context)
    value = value.replace("INTEGER RANGE", "NUMBER")
    meaning, _, default = (option.help or "").partition(" Default: ")
    bounds = f" ({extra['range']})" if "range" in extra else ""
    return Option(
        names=", ".join(f"`{name}`" for name in option.opts),
        value=f"`{value}`{bounds}" if value else "",
        default=extra.get("default", default.rstrip(".")).strip("()"),
        variable=f"`{option.envvar}`" if isinstance(option.envvar, str) else "",
        meaning=meaning,
    )


def option_table() -> Iterator[str]:
    """Yield the lines of the table of options."""
    yield "| option | value | default | variable | of | meaning |"
    yield "|---|---|---|---|---|---|"
    for option, commands in options().items():
        cells: Sequence[str] = (
            option.names, option.value, option.default, option.variable, ", ".join(commands),
            option.meaning,
        )  # fmt: skip
        yield "| " + " | ".join(cell.replace("|", r"\|") or "-" for cell in cells) + " |"


def recorded(page: str) -> str:
    """Return a page with the answers, output and options as they are now."""
    if CALL.search(page) or QUOTED_CALL.search(page):
        page = anyio.run(with_answers, page)
    page = PRINTED.sub(lambda match: match[1] + printed(match[2]), page)
    table = "".join(f"{line}\n" for line in option_table())
    return OPTIONS.sub(lambda _: table, page)


def main() -> None:
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        path.write_text(recorded(page), encoding="utf-8")


if __name__ == "__main__":
    main()
