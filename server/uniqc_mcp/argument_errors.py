"""Messages on wrong arguments: what is allowed, and which name may have been meant."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from uniqc_mcp.safety.display import MAX_ECHO, quoted
from uniqc_mcp.safety.redaction import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic_core import ErrorDetails

_MAX_PROBLEMS: Final = 3

_MAX_COMPARED: Final = 100
"""Characters of a name that are compared: the time grows with their square."""

_SAME_WORD: Final = 0.7
"""Similarity of two words with the same first letter, such as "state" and "status"."""

_SAME_TEXT: Final = 0.85
"""Similarity of two texts that differ by a slip, such as "imit" and "limit"."""

_TYPES: Final = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text",
    "array": "a list of texts",
}
"""The words for a type of a JSON schema."""


def nearest_name(given: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, or None.

    Each word of the given name must be like one of the known name. A name that shares only some
    words stands for something else: "error_contains" is not "name_contains".
    """
    given = given[:_MAX_COMPARED]
    close = [(_similarity(given, name), name) for name in known]
    best = max(close, default=(0.0, ""), key=lambda pair: pair[0])
    return best[1] if best[0] else None


def explain_arguments(
    tool: str, properties: Mapping[str, Any], problems: list[ErrorDetails]
) -> str:
    """Return a message on the wrong arguments of a call, a line each, and on what is allowed.

    Args:
        tool: The name of the tool.
        properties: The arguments that it takes, with their JSON schemas.
        problems: pydantic's description of what is wrong.
    """
    lines = [_explain(problem, properties) for problem in problems[:_MAX_PROBLEMS]]
    if len(problems) > len(lines):
        lines.append(f"and {len(problems) - len(lines)} more.")
    return f"{tool} was not run. " + "\n".join(lines)


def explain_unknown(given: str, known: Iterable[str], *, kind: str = "argument") -> str:
    """Return a message on an unknown name, with the one that was probably meant."""
    known = list(known)
    if not known:
        return f"There is no {kind} {quoted(given)}, nor any other."
    similar = nearest_name(given, known)
    hint = f" Did you mean {similar}?" if similar else ""
    return f"There is no {kind} {quoted(given)}.{hint} Known are: {', '.join(known)}."


def as_json(value: object) -> str:
    """Return a value as JSON writes it, bounded and redacted."""
    if isinstance(value, str):
        return quoted(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except ValueError:  # an integer of more digits than Python writes out
        return "a number beyond bounds"
    return safe_text(text, limit=MAX_ECHO, cut_at="end").text


def _similarity(given: str, known: str) -> float:
    """Return how much a known name is like a given one; 0 if it stands for something else."""
    whole = SequenceMatcher(None, _joined(given), _joined(known)).ratio()
    if whole >= _SAME_TEXT:
        return 1 + whole
    words, known_words = _words(given), _words(known)
    if words and all(any(map(_is_like(word), known_words)) for word in words):
        return whole
    return 0.0


def _is_like(word: str) -> Callable[[str], bool]:
    def like(known: str) -> bool:
        ratio = SequenceMatcher(None, word, known).ratio()
        return ratio >= (_SAME_WORD if word[0] == known[0] else _SAME_TEXT)

    return like


def _words(name: str) -> list[str]:
    """Return the words of a name: "taskId" and "task_id" have the same."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def _joined(name: str) -> str:
    return "".join(_words(name))


def _explain(problem: ErrorDetails, properties: Mapping[str, Any]) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "arguments"
    allowed = problem.get("ctx", {})
    given = as_json(problem["input"])
    match problem["type"]:
        case "extra_forbidden":
            return explain_unknown(name, properties)
        case "missing":
            return f"The argument {name} is required."
        case "literal_error":
            expected = str(allowed["expected"]).replace("'", "")
            return f"{name} must be one of {expected}, not {given}."
        case "greater_than_equal" | "less_than_equal":
            bound = allowed.get("ge", allowed.get("le"))
            side = "at least" if "ge" in allowed else "at most"
            return f"{name} must be {side} {bound}, not {given}."
        case "string_unicode":
            return f"{name} must be text without lone surrogates, not {given}."
        case _:
            is_entry = len(problem["loc"]) > 1
            expected = "string" if is_entry else properties.get(name, {}).get("type")
            subject = f"Each of {name}" if is_entry else name
            return f"{subject} must be {_TYPES.get(expected, 'valid')}, not {given}."
