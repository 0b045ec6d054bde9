"""Removal of characters that are invisible or that change how their neighbours are read."""

import re
from typing import Final

MARKER: Final = "[redacted]"
"""The text shown in place of a credential."""

# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), which includes zero-width
# joiners, bidirectional controls and tags; and the interlinear annotations. The two variation
# selectors that emoji need are left to _STRAY_SELECTOR.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# Except after a symbol, a sequence of the two selectors could encode a hidden message in bits.
_STRAY_SELECTOR: Final = re.compile("(?<![\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]")
_TERMINAL_STYLE: Final = re.compile(r"\x1b\[[0-?]*+[ -/]*+[@-~]")
_LINE_BREAK: Final = re.compile("\r\n|[\n\x0b\x0c\r\x85\u2028\u2029]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
# Lone surrogates cannot be encoded; private-use and noncharacters have no meaning for a reader.
_UNASSIGNED: Final = re.compile(
    "[\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff"
    + "".join(chr(plane << 16 | last) for plane in range(1, 15) for last in (0xFFFE, 0xFFFF))
    + "]"
)

UNSEEN: Final = re.compile(
    "|".join(
        (
            r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]",
            *(pattern.pattern for pattern in (_INVISIBLE, _STRAY_SELECTOR, _UNASSIGNED)),
        )
    )
)
"""A character that `strip_invisible` removes or replaces, except a line break or a tab."""


LINE_BREAK: Final = "⏎"
"""The mark in place of a line break, where a text is shown on one line."""


def strip_invisible(text: str, *, multiline: bool = False) -> str:
    r"""Return the text without invisible characters and text-direction controls.

    A line break becomes ``⏎``; a tab or another control character becomes a space.

    Args:
        text: Any string, lone surrogates included.
        multiline: Keep tabs, and line breaks as ``\n``.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _TERMINAL_STYLE.sub("", _INVISIBLE.sub("", text))
    text = _LINE_BREAK.sub("\n" if multiline else LINE_BREAK, text)
    text = _CONTROL.sub(" ", text if multiline else text.replace("\t", " "))
    return _STRAY_SELECTOR.sub("", _UNASSIGNED.sub("\ufffd", text))
