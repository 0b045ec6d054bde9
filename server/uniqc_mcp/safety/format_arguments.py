"""Secrets that a template names and that an argument beside it holds.

Lines of source in a traceback have them: ``logger.info("token %s", "…")``,
``"password={}".format("…")``, ``"key=%s" % "…"``, ``print("secret:", "…")``.
"""

import re
from collections.abc import Iterator
from typing import Final

from uniqc_mcp.safety.credential_names import (
    is_placeholder,
    looks_secret,
    may_name_credential,
    names_credential,
)

_FIELD: Final = re.compile(r"%[sr]|\{[\w!:.]{0,20}\}|[:=][ \t]*\Z")
# From the last field of a template to the quotation mark before its first literal argument.
_JOIN: Final = re.compile(
    r"(?:%[sr]|\{[\w!:.]{0,20}\}|[:=])[^\"'\r\n⏎]{0,80}(?P<close>[\"'])"
    r"(?:[ \t]*,|\.format\(|[ \t]*%[ \t]*\(?)(?P<arguments>[^\r\n⏎)]{1,400})"
)
_LITERAL: Final = re.compile(
    r"(?<![\w\"'])[bBuUrRfF]{0,2}(?P<quote>[\"'])(?P<value>(?:(?!(?P=quote))[^\\\r\n⏎]|\\.)*)"
)
_NAME: Final = re.compile(r"[^\W\d][\w.\-]*(?:[ ](?:key|KEY|Key|code|phrase)\b)?")
_MAX_TEMPLATE: Final = 300


def format_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each secret among the arguments of a template."""
    for join in _JOIN.finditer(text):
        end = join.start("close")
        first = max(0, end - _MAX_TEMPLATE)
        # Without an opening quotation mark the beginning of the template was cut off.
        start = text.rfind(join["close"], first, end) + 1 or first
        name = _name_in(text[start:end])
        if not name:
            continue
        only = len(_FIELD.findall(text, start, end)) <= 1
        for number, literal in enumerate(_literals(text, join)):
            value = literal["value"]
            certain = only and not number and not is_placeholder(name, value)
            if value not in ("", "[redacted]") and (certain or looks_secret(value)):
                yield literal.span("value")


def _literals(text: str, join: re.Match[str]) -> Iterator[re.Match[str]]:
    return _LITERAL.finditer(text, *join.span("arguments"))


def _name_in(template: str) -> str:
    """Return the last name of a credential in a template; empty if there is none."""
    if not may_name_credential(template):
        return ""
    found = [name[0] for name in _NAME.finditer(template) if names_credential(name[0])]
    return found[-1] if found else ""
