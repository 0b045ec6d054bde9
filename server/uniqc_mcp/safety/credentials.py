"""Detection of credentials in text, by their format, by the name beside them, or by their place.

The formats are in `token_shapes`, the names in `credential_names`, what may stand between a name
and its value in `credential_values`, command lines and calls in `positional_secrets`, and
templates with arguments in `format_arguments`.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from uniqc_mcp.safety.credential_names import may_name_credential, names_credential
from uniqc_mcp.safety.credential_values import (
    chinese_spans,
    login_spans,
    refused_key_spans,
    value_span,
)
from uniqc_mcp.safety.edits import Edited, Span, single_backslashes, unescaped
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

_ESCAPED_LEVELS: Final = 3
"""Levels of escapes that are resolved; the last one takes any number of backslashes as one."""


def may_hold_credential(text: str) -> bool:
    """Return False if `redact_text` certainly leaves the text unchanged.

    A faster answer for the many texts that hold none, task ids above all.
    """
    if _HEX_ID.fullmatch(text):
        return False
    return (
        may_name_credential(text)
        or "@" in text
        or "\\" in text
        or may_hold_positional(text)
        or bool(LONG_WORD.search(text) and KNOWN_FORMAT.search(text))
    )


def redact_text(text: str) -> str:
    """Return the text with `MARKER` in place of each credential.

    Hides private keys, tokens of a known format, the userinfo of a URL, Bearer and Basic
    credentials, any value that a name declares to be one: ``token=``, ``"apiKey": "…"``,
    ``Cookie: a=b; c=d``, ``--password …``, ``invalid token '…'``, and the passwords that certain
    programs and functions take without a name: ``curl -u a:b``, ``save_account('…')``. Escapes
    hide none of them, as in a string of JSON that is JSON itself.
    Names and hosts stay. Redacting a text twice is redacting it once. Strip invisible characters
    before, cut after.
    """
    if not may_hold_credential(text):
        return text
    # The text around a hidden value can join into a new match; each round leaves fewer.
    for _ in range(8):
        spans = _credentials(text, _ESCAPED_LEVELS)
        if not spans:
            break
        text = _hide(text, spans).text
    return text


def _credentials(text: str, levels: int) -> list[Span]:
    """Return the places of credentials in a text and in so many levels of its escapes."""
    # Those behind escapes first: without them, what is hidden may end within a value.
    found = _escaped_credentials(text, levels) if "\\" in text and levels else []
    shown = _hide(text, found) if found else None
    for search in _SEARCHES:
        now = shown.text if shown else text
        if (spans := search(now)) and (new := _not_hidden(spans, now)):
            found = _union(found, map(shown.original, new) if shown else new)
            shown = _hide(text, found)
    return found


def _escaped_credentials(text: str, levels: int) -> list[Span]:
    # The last level is all that are left: JSON doubles the backslashes at each.
    once = single_backslashes(text) if levels == 1 else Edited.of(text, ())
    plain = unescaped(once.text)
    if plain.text == text:
        return []
    spans = _not_hidden(_credentials(plain.text, levels - 1), plain.text)
    return _union((), (once.original(plain.original(span)) for span in spans))


def _hide(text: str, spans: Iterable[Span]) -> Edited:
    return Edited.of(text, ((span, MARKER) for span in spans))


def _not_hidden(spans: Iterable[Span], text: str) -> list[Span]:
    """Return the stretches that are no marker, in order; of two that overlap, the first."""
    chosen: list[Span] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done and text[start:end] != MARKER:
            chosen.append((start, end))
            done = end
    return chosen


def _union(found: Iterable[Span], more: Iterable[Span]) -> list[Span]:
    """Return stretches in order, those that overlap as one."""
    joined: list[Span] = []
    for start, end in sorted((*found, *more)):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _formats(text: str) -> list[Span]:
    return [
        (token.start() + len(token["keep"] or token["scheme"] or ""), token.end())
        for token in KNOWN_FORMAT.finditer(text)
    ]


def _pem_tails(text: str) -> list[Span]:
    return pem_tails(text) if "-----END " in text else []


def _userinfo(text: str) -> list[Span]:
    if "@" not in text:
        return []
    return [(found.start(), found.end() - 1) for found in _USERINFO.finditer(text)]


def _named_values(text: str) -> list[Span]:
    if not may_name_credential(text):
        return []
    spans = login_spans(text) + refused_key_spans(text)
    spans += [] if text.isascii() else chinese_spans(text)
    done = 0
    for name in _NAME.finditer(text):
        in_query = _QUERY_NAME.fullmatch(text, max(name.start() - 1, 0), name.end())
        if name.start() < done or not (in_query or names_credential(name[0])):
            continue
        if span := value_span(text, name):
            spans.append(span)
            done = span[1]
    return spans


def _positional(text: str) -> Iterable[Span]:
    return positional_spans(text) if may_hold_positional(text) else ()


def _formatted(text: str) -> Iterable[Span]:
    return format_spans(text) if may_name_credential(text) else ()


_SEARCHES: Final[tuple[Callable[[str], Iterable[Span]], ...]] = (
    _formats,
    _pem_tails,
    _userinfo,
    _named_values,
    _positional,
    _formatted,
)
