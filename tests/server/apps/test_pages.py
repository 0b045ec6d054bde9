"""The pages of the views: what they may do, and what they are made of."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import TextResourceContents

from uniqc_mcp.apps.pages import FILES, VIEWS, Page, View
from uniqc_mcp.tool_registry import BOARD, READ_TOOLS, RESULT

if TYPE_CHECKING:
    from tests.server.conftest import Cache, Mode

every_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)


class Parsed(HTMLParser):
    """The scripts, styles and policy of a page, and every attribute in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.attributes: list[tuple[str, str, str]] = []
        self.policy = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        named = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in named.items()]
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"]

    def handle_data(self, data: str) -> None:
        if self._inside in self.texts:
            self.texts[self._inside].append(data)

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._inside = ""


def digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@every_view
def test_the_policy_allows_one_script_and_one_style_by_their_hashes(view: View) -> None:
    page = Parsed(Page(view).html)
    directives = dict(part.strip().split(" ", 1) for part in page.policy.split(";"))
    (script,), (style,) = page.texts["script"], page.texts["style"]
    assert directives == {
        "default-src": "'none'",
        "script-src": f"'{digest(script)}'",
        "style-src": f"'{digest(style)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@every_view
def test_the_policy_comes_before_all_that_it_rules(view: View) -> None:
    html = Page(view).html
    place = html.index("Content-Security-Policy")
    assert place < min(html.index("<style"), html.index("<script"), html.index("<body"))


@every_view
def test_a_page_names_no_address_and_loads_nothing(view: View) -> None:
    html = Page(view).html
    assert re.findall(r"https?:|wss?:|//[a-z0-9]+\.[a-z]", html) == []
    assert (
        re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|EventSource|import\(", html)
        == []
    )
    loading = {"src", "href", "srcset", "action", "data", "poster", "formaction", "ping"}
    named = {(tag, name) for tag, name, _ in Parsed(html).attributes}
    assert not {name for _, name in named} & loading
    assert "style" not in {name for _, name in named}, "the policy refuses these"


@every_view
def test_no_text_becomes_markup_or_code(view: View) -> None:
    script = Page(view).script
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|setHTML"
        r"|createContextualFragment|eval\(|new Function|setTimeout\(\s*[\"'`]|javascript:"
    )
    assert re.findall(forbidden, script) == []
    assert "</script" not in script.lower()
    assert "</style" not in Page(view).style.lower()


@every_view
def test_a_view_asks_only_tools_that_read(view: View) -> None:
    called = set(re.findall(r'host\.call\("(\w+)"', Page(view).script))
    assert called
    assert called <= {spec.name for spec in READ_TOOLS}


@every_view
def test_each_placeholder_of_a_page_is_filled(view: View) -> None:
    assert re.findall(r"\{\{\w+\}\}", Page(view).html) == []


def test_a_page_is_small() -> None:
    for view in VIEWS:
        assert len(Page(view).html) < 60_000


def test_each_file_of_the_folder_is_part_of_a_page() -> None:
    pages = "".join(Page(view).html for view in VIEWS)
    files = [path for path in FILES.iterdir() if path.suffix in {".js", ".css"}]
    assert len(files) == 13
    assert all(path.read_text(encoding="utf-8") in pages for path in files)


@pytest.mark.parametrize("uri", [BOARD, RESULT])
async def test_a_host_reads_a_page_that_may_reach_no_network(
    module_cache: Cache, mode: Mode, uri: str
) -> None:
    async with module_cache.client(mode) as client:
        (contents,) = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == APP_MIME_TYPE
    assert contents.text.startswith("<!doctype html>")
    assert contents.meta is not None
    assert set(contents.meta["ui"]["csp"]) == {
        *("connectDomains", "resourceDomains", "frameDomains", "baseUriDomains")
    }
    assert not any(contents.meta["ui"]["csp"].values())
    assert "permissions" not in contents.meta["ui"]


async def test_the_tools_name_their_views(module_cache: Cache, mode: Mode) -> None:
    async with module_cache.client(mode) as client:
        tools = (await client.list_tools()).tools
        listed = {resource.uri for resource in (await client.list_resources()).resources}
    views = {tool.name: tool.meta["ui"]["resourceUri"] for tool in tools if tool.meta}
    assert views == {
        "list_tasks": BOARD,
        "wait_for_tasks": BOARD,
        "get_task": RESULT,
        "compare_tasks": RESULT,
    }
    assert set(views.values()) <= listed


async def test_the_extension_is_advertised_where_the_revision_has_extensions(
    module_cache: Cache,
) -> None:
    async with module_cache.client("auto") as client:
        assert client.server_capabilities.extensions == {EXTENSION_ID: {}}
    async with module_cache.client("legacy") as client:
        assert not client.server_capabilities.extensions
