"""The pages of the views, each put together from its files when it is read."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from uniqc_mcp.tool_registry import BOARD, RESULT

FILES: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view.

    Attributes:
        uri: Its address.
        name: Its name, which is that of its page and of its style.
        scripts: Its own scripts, in the order of their use.
        title: The name that people see.
        description: What it shows.
    """

    uri: str
    name: str
    scripts: tuple[str, ...]
    title: str
    description: str


VIEWS: Final = (
    View(
        uri=BOARD,
        name="board",
        scripts=("tasks.js", "follow.js", "board.js"),
        title="Board of tasks",
        description="Quantum tasks with their ages, live: filter, sort, and what just changed.",
    ),
    View(
        uri=RESULT,
        name="result",
        scripts=("outcomes.js", "cards.js", "result.js"),
        title="Results of tasks",
        description="Outcomes by count or by bits, of up to six tasks, their jobs and errors.",
    ),
)

_SHARED_SCRIPTS: Final = ("host.js", "words.js", "text.js", "rows.js")


@dataclass(frozen=True)
class Page:
    """The HTML of a view, with one style and one script, which its policy names by their hashes."""

    view: View

    @cached_property
    def html(self) -> str:
        """The whole page."""
        text = _read(f"{self.view.name}.html")
        for place, content in (
            ("policy", self.policy),
            ("style", self.style),
            ("script", self.script),
        ):
            text = text.replace(f"{{{{{place}}}}}", content)
        return text

    @cached_property
    def style(self) -> str:
        """The style sheet."""
        return "\n".join(map(_read, ("shared.css", f"{self.view.name}.css")))

    @cached_property
    def script(self) -> str:
        """The script, which runs by itself."""
        parts = map(_read, (*_SHARED_SCRIPTS, *self.view.scripts))
        return '"use strict";\n(() => {\n' + "\n".join(parts) + "\n})();"

    @property
    def policy(self) -> str:
        """The content security policy: nothing is loaded, and nothing runs but the script."""
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src '{digest_of(self.script)}'",
                f"style-src '{digest_of(self.style)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        )


def digest_of(text: str) -> str:
    """Return the hash of an inline script or style, as a policy names it."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")
