"""The words of the views: each has its Chinese ones, in one table."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Final

from uniqc_mcp.apps.pages import FILES

_ENTRY: Final = re.compile(r'^  ("(?:[^"\\]|\\.)*"|\w+):\s+("(?:[^"\\]|\\.)*"),$', re.MULTILINE)
_STRING: Final = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_PLACES: Final = re.compile(r"\{\w+\}")
# Words for people begin with a capital, as few other texts do.
_FOR_PEOPLE: Final = re.compile(r"[A-Z][a-z]+(?: .*|[.…]?)")
_OF_PROTOCOLS: Final = {"Enter", "Home", "End", "Method not found"}


def table() -> dict[str, str]:
    """Return the Chinese words by the English ones."""
    source = (FILES / "words.js").read_text(encoding="utf-8")
    body = source[source.index("{\n") : source.index("\n};")]
    found = _ENTRY.findall(body)
    assert len(found) == body.count(",\n") + body.endswith(",")
    return {
        json.loads(key) if key.startswith('"') else key: json.loads(value) for key, value in found
    }


def scripts() -> str:
    """Return the scripts of the views, without the table."""
    paths = [path for path in sorted(FILES.glob("*.js")) if path.name != "words.js"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    return re.sub(r"^ *//.*$", "", source, flags=re.MULTILINE)


def in_calls(source: str) -> set[str]:
    """Return the texts in the first arguments of the calls of `phrase`."""
    found: set[str] = set()
    for call in re.finditer(r"\bphrase\(", source):
        depth, at = 1, call.end()
        while depth and not (depth == 1 and source[at] == ","):
            if string := _STRING.match(source, at):
                # What is compared with is no word: `one === "register" ? "Register" : "Circuit"`.
                if not source[:at].rstrip().endswith("==="):
                    found.add(json.loads(string[0]))
                at = string.end()
                continue
            depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(source[at], 0)
            at += 1
    return found


class _Words(HTMLParser):
    """What people see or hear of a page, and if its element is marked."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, bool] = {}
        self._is_marked = False
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._tag, self._is_marked = tag, "data-words" in given
        for name in ("aria-label", "placeholder"):
            if value := given.get(name):
                self.found[value] = self._is_marked

    def handle_data(self, data: str) -> None:
        # The title names the frame, before a script runs.
        if (text := data.strip()) and self._tag not in {"title", "style", "script"}:
            self.found[text] = self._is_marked


def in_pages() -> dict[str, bool]:
    parser = _Words()
    for path in FILES.glob("*.html"):
        parser.feed(path.read_text(encoding="utf-8"))
    return parser.found


def test_the_words_of_scripts_and_pages_are_those_of_the_table() -> None:
    source = scripts()
    columns = set(re.findall(r'\btitle: "(\w[\w ]*)"', source))
    sorts = {text for text in _STRING.findall(source) if text.startswith("Sorted by")}
    assert len(columns) == 6
    used = in_calls(source) | columns | sorts | set(in_pages())
    assert used == set(table())


def test_no_words_for_people_are_written_beside_it() -> None:
    texts = set(_STRING.findall(scripts())) - _OF_PROTOCOLS
    assert {text for text in texts if _FOR_PEOPLE.fullmatch(text)} <= set(table())
    source = re.sub(r"class: `[^`]*`", "", scripts())
    templates = re.findall(r"`((?:[^`\\]|\\.)*)`", source)
    bare = [re.sub(r"\$\{[^}]*\}", "", template) for template in templates]
    assert [text for text in bare if re.search(r"[a-z]+ [a-z]+ [a-z]+", text)] == []


def test_the_words_of_a_page_are_marked_in_it() -> None:
    # The script sets those of these two, as they depend on the host and the task.
    assert {text for text, marked in in_pages().items() if not marked} == {"Full screen", "Circuit"}


def test_the_chinese_words_have_the_places_of_the_english_ones() -> None:
    for english, chinese in table().items():
        assert sorted(_PLACES.findall(chinese)) == sorted(_PLACES.findall(english)), english
        own = _PLACES.sub("", chinese)
        assert re.search(r"[\u4e00-\u9fff]", own) or own.strip() in {"ID", "shots"}, english
