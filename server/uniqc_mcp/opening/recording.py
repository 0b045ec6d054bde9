"""The recorded answers, and whether they are those of the installed SDK.

``python -m tests.record_opening`` makes ``recorded.json`` from the answers of the server itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from uniqc_mcp import __version__
from uniqc_mcp.instructions import instructions
from uniqc_mcp.settings import MAX_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from uniqc_mcp.settings import Settings

FILE: Final = Path(__file__).with_name("recorded.json")

INSTRUCTIONS: Final = "{instructions}"
"""Stands in a recorded result for the instructions, which depend on the settings and the zone."""

TEXT: Final = "{text}"
STRUCTURED: Final = "{structured}"
"""Stand in the recorded result of a call for the parts of an answer."""

SDK: Final = ("mcp", "mcp_types")
"""The packages whose versions shape an answer."""

READS, CLEARS = "reads", "clears"


class Recording(TypedDict):
    """The content of the file.

    Attributes:
        versions: The versions of this package and of the SDK's packages.
        answers: For ``reads`` and ``clears``, by protocol revision and method, an index in results.
        calls: By protocol revision, the index of the form of a tool's result.
        results: Each distinct result once.
    """

    versions: dict[str, str]
    answers: dict[str, dict[str, dict[str, int]]]
    calls: dict[str, int]
    results: list[object]


class CallAnswer(NamedTuple):
    """The answer of a tool.

    Attributes:
        text: Its text, as a JSON string.
        structured: Its structured content, as a JSON object.
    """

    text: str
    structured: str


class RecordedAnswers:
    """The answers that one server gives to a handshake and to requests for its lists.

    Args:
        recording: What was recorded.
        settings: The settings of this server.
        clock: Returns the time, at which the instructions tell the offset of the zone.
    """

    def __init__(
        self, recording: Recording, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._by_revision = recording["answers"][READS if settings.clearing is None else CLEARS]
        self._calls = recording["calls"]
        self._results = recording["results"]
        self._settings = settings
        self._clock = clock

    def result(self, revision: str, method: str) -> str | None:
        """Return the result as JSON; None if it was not recorded for these settings."""
        index = self._by_revision.get(revision, {}).get(method)
        # The schema of wait_for_tasks has the longest wait.
        if index is None or (method == "tools/list" and self._settings.max_wait != MAX_WAIT):
            return None
        text = as_json(self._results[index])
        filled = as_json(instructions(self._settings.clearing, self._clock()))
        return text.replace(as_json(INSTRUCTIONS), filled)

    def call_result(self, revision: str, answer: CallAnswer) -> str:
        """Return the result of a call as JSON. Not each revision has structured content."""
        form = as_json(self._results[self._calls[revision]])
        before, _, rest = form.partition(as_json(TEXT))
        between, _, after = rest.partition(as_json(STRUCTURED))
        structured = answer.structured if after else ""
        return f"{before}{answer.text}{between}{structured}{after}"


def as_json(value: object) -> str:
    """Return a value in the form of the wire."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_recording() -> Recording:
    """Return what was recorded."""
    recording: Recording = json.loads(FILE.read_bytes())
    return recording


def why_unusable(recording: Recording) -> str:
    """Return why the recorded answers may differ from the server's; empty if they can't."""
    versions = recording["versions"]
    if versions["uniqc-mcp"] != __version__:
        return f"recorded with uniqc-mcp {versions['uniqc-mcp']}, and this is {__version__}"
    for package in SDK:
        if not _is_installed(package, versions[package]):
            return f"recorded with {package} {versions[package]}, and another is installed"
    return ""


def _is_installed(package: str, version: str) -> bool:
    """Return whether the package that an import would find has this version.

    ``importlib.metadata`` tells the same and takes longer to import than this whole folder.
    """
    for entry in sys.path:
        if Path(entry, package).is_dir():
            return Path(entry, f"{package}-{version}.dist-info").is_dir()
    return False
