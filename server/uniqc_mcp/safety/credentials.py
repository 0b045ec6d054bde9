"""Detection of credentials in text, by their format, by the name beside them, or by their place.

The formats are in `token_shapes`, the names in `credential_names`, what may stand between a name
and its value in `credential_values`, command lines and calls in `positional_secrets`, and
templates with arguments in `format_arguments`.
"""

import re
from collections.abc import Iterable
from typing import Final

from uniqc_mcp.safety.credential_names import may_name_credential, names_credential
from uniqc_mcp.safety.credential_values import (
    chinese_spans,
    login_spans,
    value_span,
)
from uniqc_mcp.safety.format_arguments import format_spans
from uniqc_mcp.safety.positional_secrets import may_hold_positional, positional_spans
from uniqc_mcp.safety.token_shapes import KNOWN_FORMAT, LONG_WORD, pem_tails
from uniqc_mcp.safety.unicode import MARKER

# Hexadecimal digits cannot spell a name or a format; neither can the prefix of uniqc's own ids.
_HEX_ID: Final = re.compile("(?:uqt_)?[0-9a-f]+")
# The userinfo of a URL with its "@": regular; with a raw "/", "?" or "#" in the password; and of
# a URL without a scheme, "user:password@host". The user of git and of ssh without a password, and
# the digest of an image, are no credentials.
_USERINFO: Final = re.compile(
    r"""(?<=://)(?<!ssh://)(?<!sftp://)(?!git@)[^\s⏎/?#"'<>]{1,512}@"""
    r"""|(?<=://)[^\s⏎/?#"'<>@:]{1,128}:(?!\d+[/?#])[^\s⏎"'<>@]{1,512}+@"""
    r"""|(?<![\w.%+\-/])(?!mailto:|e?mail:)[\w.%+\-]{1,64}+:[^\s⏎/@"'<>,;()]{1,512}+@(?!sha\d+:)(?=[\w\[])"""
)
# A word that may be the name of a credential, or up to three words such as "API key ID".
_NAME: Final = re.compile(
    r"(?<![\w.\-])[\w.\-]++"
    r"(?:[ ](?:[Kk]eys?|KEYS?|[Ii][Dd]|[Pp]hrase|[Cc]ode|[Aa]nswer|PHRASE|CODE)\b){0,2}"
)
# Parameters of a signed URL, "?key=" and "&sig=", whose names alone are too common to count.
_QUERY_NAME: Final = re.compile("[?&](?:key|sig)", re.IGNORECASE)


def may_hold_credential(text: str) -> bool:
    """Return False if `redact_text` certainly leaves the text unchanged.

    A faster answer for the many texts that hold none, task ids above all.
    """
    if _HEX_ID.fullmatch(text):
        return False
    return (
        may_name_credential(text)
        or "@" in text
        or bool(LONG_WORD.search(text) and KNOWN_FORMAT.search(text))
        or may_hold_positional(text)
    )


def redact_text(text: str) -> str:
    """Return the text with `MARKER` in place of each credential.

    Hides private keys, tokens of a known format, the userinfo of a URL, Bearer and Basic
    credentials, any value that a name declares to be one: ``token=``, ``"apiKey": "…"``,
    ``Cookie: a=b; c=d``, ``--password …``, ``invalid token '…'``, and the passwords that certain
    programs and functions take without a name: ``curl -u a:b``, ``save_account('…')``.
    Names and hosts stay. Redacting a text twice is redacting it once. Strip invisible characters
    before, cut after.
    """
    # The text around a hidden value can join into a new match; each round leaves fewer.
    for _ in range(8):
        before = text
        text = KNOWN_FORMAT.sub(_mark, text)
        text = _hide(text, pem_tails(text)) if "-----END " in text else text
        text = _USERINFO.sub(f"{MARKER}@", text) if "@" in text else text
        text = _hide_named_values(text)
        text = _hide(text, positional_spans(text)) if may_hold_positional(text) else text
        text = _hide(text, format_spans(text)) if may_name_credential(text) else text
        if text == before:
            break
    return text


def _mark(credential: re.Match[str]) -> str:
    # A function, because `re` parses a template again for each text, whether it matches or not.
    return f"{credential['keep'] or credential['scheme'] or ''}{MARKER}"


def _hide(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with `MARKER` in place of these stretches, which may overlap."""
    shown: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done and text[start:end] != MARKER:
            shown += (text[done:start], MARKER)
            done = end
    return "".join((*shown, text[done:]))


def _hide_named_values(text: str) -> str:
    if not may_name_credential(text):
        return text
    spans = login_spans(text)
    spans += [] if text.isascii() else chinese_spans(text)
    done = 0
    for name in _NAME.finditer(text):
        in_query = _QUERY_NAME.fullmatch(text, max(name.start() - 1, 0), name.end())
        if name.start() < done or not (in_query or names_credential(name[0])):
            continue
        if span := value_span(text, name):
            spans.append(span)
            done = span[1]
    return _hide(text, spans)
