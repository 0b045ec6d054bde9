"""An image of 256 colours at most, and its PNG file (RFC 2083)."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

Color = tuple[int, int, int]

LEVELS: Final = 16
"""Shades between the background and the colour of a text, which smooth its edges."""

_COLORS: Final = 1 + LEVELS
"""Place of the first colour in the palette after those of the texts."""

_INK: Final[Color] = (32, 38, 50)
_PAPER: Final[Color] = (255, 255, 255)
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_INDEXED: Final = 3
_UNKNOWN: Final = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """Glyphs of one width and height; each is a level of ink for each pixel, row by row."""

    width: int
    height: int
    glyphs: Mapping[str, bytes]

    @classmethod
    def read(cls) -> Self:
        """Return the font of this package, which ``python -m tests.draw_font`` makes."""
        text = Path(__file__).with_name("font.json").read_text(encoding="utf-8")
        stored = json.loads(text)
        width, height = stored["width"], stored["height"]
        levels, size = zlib.decompress(base64.b64decode(stored["levels"])), width * height
        starts = range(0, len(levels), size)
        glyphs = (levels[start : start + size] for start in starts)
        return cls(
            width=width,
            height=height,
            glyphs=dict(zip(stored["characters"], glyphs, strict=True)),
        )

    def shown(self, text: str) -> str:
        """Return a text in which a question mark stands for each character without a glyph."""
        return "".join(one if one in self.glyphs else _UNKNOWN for one in text)


class Canvas:
    """A white image.

    Args:
        width: Its width in pixels.
        height: Its height.
        colors: The colours of the rectangles, by the numbers that :meth:`rectangle` takes.
        font: The font of the texts.
    """

    def __init__(self, width: int, height: int, colors: tuple[Color, ...], font: Font) -> None:
        """Make an image without a mark."""
        self.width, self.height = width, height
        self._colors = colors
        self._font = font
        self._pixels = bytearray(width * height)

    def rectangle(self, left: int, top: int, width: int, height: int, *, color: int) -> None:
        """Fill a rectangle, as far as it is inside."""
        left, right = max(left, 0), min(left + width, self.width)
        filled = bytes([_COLORS + color]) * max(right - left, 0)
        for row in range(max(top, 0), min(top + height, self.height)):
            start = row * self.width + left
            self._pixels[start : start + len(filled)] = filled

    def text(self, left: int, top: int, text: str) -> None:
        """Write a line, as far as it is inside."""
        font = self._font
        for place, character in enumerate(font.shown(text)):
            x = left + place * font.width
            if x < 0 or x + font.width > self.width:
                continue
            glyph = font.glyphs[character]
            for row in range(font.height):
                levels = glyph[row * font.width : (row + 1) * font.width]
                start = (top + row) * self.width + x
                self._pixels[start : start + font.width] = levels

    def png(self) -> bytes:
        """Return the image as a PNG file."""
        shades = [_between(_PAPER, _INK, level / LEVELS) for level in range(LEVELS + 1)]
        palette = b"".join(map(bytes, (*shades, *self._colors)))
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, _INDEXED, 0, 0, 0)
        starts = range(0, len(self._pixels), self.width)
        # Each row begins with the number of its filter: 0 for none.
        rows = b"".join(b"\0" + self._pixels[start : start + self.width] for start in starts)
        chunks = (b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows))
        return _SIGNATURE + b"".join(_chunk(*one) for one in (*chunks, (b"IEND", b"")))


def _between(one: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
