"""README and docs agree with the server, with the command, and with each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
from tests.record_documentation import COMMAND, PAGES, ROOT, recorded

from uniqc_mcp.cli.commands import cli
from uniqc_mcp.safety.redaction import safe_text

DOCS = ROOT / "docs"
README = ROOT / "README.md"

_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def headings(path: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)


def links(path: Path) -> list[str]:
    """Return the addresses of links and images."""
    return [link or source for link, source in _LINK.findall(prose(path))]


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.name != "README.zh-CN.md"], ids=named
)
def test_answers_output_and_options_are_those_of_now(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert recorded(page) == page, f"run {COMMAND}, and read the difference"


def test_the_questions_have_answers() -> None:
    for heading in re.findall(r"^### .*$", (DOCS / "questions.md").read_text(), re.MULTILINE):
        _, _, section = (DOCS / "questions.md").read_text().partition(f"{heading}\n")
        assert re.match(r"\n`\w+ \{.*\}`\n\n```text\n\S", section), heading


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_to_files_and_headings(path: Path) -> None:
    for link in links(path):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            anchors = {
                re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings(target)
            }
            assert anchor in anchors, link


def test_readme_names_every_page() -> None:
    assert {path.name for path in DOCS.glob("*.md")} - {"licences.md"} == {
        Path(link).name for link in links(README) if link.startswith("docs/") and "." in link
    } - {Path(link).name for link in links(README) if link.startswith("docs/images/")}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_commands_and_options_of_ours_exist(path: Path) -> None:
    context = click.Context(cli)
    for words in (span.split() for span in _SPAN.findall(prose(path))):
        if words[:1] != ["uniqc-mcp"] or len(words) == 1:
            continue
        name = "serve" if words[1].startswith("-") else words[1]
        command = cli.get_command(context, name)
        assert command is not None, words
        for word in words[2:]:
            if not isinstance(command, click.Group) or word.startswith("-"):
                break
            command = command.get_command(context, word)
            assert command is not None, words
        own = words[: words.index("--")] if "--" in words else words
        known = {option for parameter in command.params for option in parameter.opts}
        options = {word.split("=")[0] for word in own if word.startswith("--")}
        assert options <= known | {"--help", "--version"}, words


def test_the_entries_of_clients_can_be_read_and_name_one_server() -> None:
    blocks = [
        block
        for path in PAGES
        for block in re.findall(r"^```json\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)
    ]
    assert len(blocks) >= 4
    for block in blocks:
        (servers,) = json.loads(block).values()
        assert list(servers) == ["uniqc"]
        assert "uniqc-mcp" in json.dumps(servers["uniqc"])


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_files_and_modules_in_the_text_exist(path: Path) -> None:
    spans = _SPAN.findall(path.read_text())
    for span in spans:
        for module in re.findall(r"python -m ((?:tests|benchmarks)(?:\.\w+)*)", span):
            parts = ROOT.joinpath(*module.split("."))
            assert parts.is_dir() or parts.with_suffix(".py").exists(), span
        for file in re.findall(r"(?<![\w/])(?:tests|examples|findings|\.ci)/[\w./-]*\w", span):
            assert (ROOT / file).exists(), span


def test_the_tables_of_redaction_are_what_is_shown() -> None:
    rows = re.findall(r"^\| `(.*)` \| `(.*)` \|$", (DOCS / "privacy.md").read_text(), re.MULTILINE)
    assert {stored == shown for stored, shown in rows} == {True, False}
    assert {stored: safe_text(stored).text for stored, _ in rows} == dict(rows)


def test_every_variable_that_is_read_is_documented() -> None:
    text = (DOCS / "configuration.md").read_text()
    read = {
        variable
        for file in (ROOT / "server").rglob("*.py")
        for variable in re.findall(
            r"environ(?:\.get)?[\[(]\"(\w+)\"|\"([A-Z]+_(?:HOME|DIR))\"", file.read_text()
        )
    }
    found = {one or other for one, other in read}
    assert found >= {"NO_COLOR", "TZ", "CODEX_HOME", "XDG_CONFIG_HOME"}
    assert {variable for variable in found if f"`{variable}`" not in text} == set()
