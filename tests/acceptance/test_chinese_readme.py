"""The Chinese README keeps in step with the English one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")

HEADINGS = {
    "uniqc-mcp": "uniqc-mcp",
    "Try it": "试用",
    "Connect a client": "连接客户端",
    "What you can rely on": "可以依靠什么",
    "Documentation": "文档",
    "Work on it": "参与开发",
}
"""The headings of README in Chinese."""

SWITCH = {"README.md", "README.zh-CN.md"}
"""The links from each to the other."""

SHARED = {
    "answers": r"^>     .*$",
    "calls": r"^> .*`\w+ \{.*\}`$",
    "blocks": r"^```(?s:.*?)^```$",
    "rows": r"^\| .*$",
    "pictures": r"srcset=.*|src=\"\S+\"",
}
"""What is in both, by a pattern."""


def found(pattern: str, text: str) -> list[str]:
    return re.findall(pattern, text, re.MULTILINE)


def language_free(line: str) -> list[str]:
    """Return the code and the links in a line."""
    return re.findall(r"`[^`]+`|\]\([^)]+\)", line)


def test_it_has_the_headings_of_the_english_one() -> None:
    pattern = r"^(#+) (.*)$"
    english = re.findall(
        pattern, re.sub(SHARED["blocks"], "", ENGLISH, flags=re.MULTILINE), re.MULTILINE
    )
    chinese = re.findall(
        pattern, re.sub(SHARED["blocks"], "", CHINESE, flags=re.MULTILINE), re.MULTILINE
    )
    assert [(level, HEADINGS[title]) for level, title in english] == chinese


def test_it_has_the_commands_answers_and_pictures_of_the_english_one() -> None:
    for name in ("answers", "blocks", "pictures"):
        english = found(SHARED[name], ENGLISH)
        assert english, name
        assert found(SHARED[name], CHINESE) == english, name


def test_it_has_the_calls_and_rows_of_the_english_one() -> None:
    for name in ("calls", "rows"):
        english = [language_free(line) for line in found(SHARED[name], ENGLISH)]
        assert any(english), name
        chinese = [language_free(line) for line in found(SHARED[name], CHINESE)]
        assert [sorted(line) for line in chinese] == [sorted(line) for line in english], name


def test_it_has_the_links_of_the_english_one() -> None:
    pattern = r"\]\(([^)]+)\)"
    assert set(found(pattern, ENGLISH)) ^ set(found(pattern, CHINESE)) == SWITCH
