"""The text of a file: without its byte order mark, and with one kind of line break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text, and what has to be put back when it is written.

    Attributes:
        text: The text, without carriage returns if each of its lines ended in one.
        has_bom: True if it began with a byte order mark.
        has_crlf: True if each of its lines ended in a carriage return and a line feed.
    """

    text: str
    has_bom: bool
    has_crlf: bool

    @classmethod
    def of(cls, content: bytes) -> Text:
        """Return the text of a file.

        Raises:
            UnicodeDecodeError: It is not in UTF-8.
        """
        text = content.decode()
        has_bom = text.startswith(_BOM)
        text = text.removeprefix(_BOM)
        breaks = text.count("\n")
        has_crlf = breaks > 0 and text.count("\r\n") == breaks
        return cls(
            text=text.replace("\r\n", "\n") if has_crlf else text,
            has_bom=has_bom,
            has_crlf=has_crlf,
        )

    def encoded(self, text: str) -> bytes:
        """Return another text as the bytes of this file."""
        ended = text.replace("\n", "\r\n") if self.has_crlf else text
        return ((_BOM if self.has_bom else "") + ended).encode()
