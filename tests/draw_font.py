"""Draw the glyphs of the plots: ``python -m tests.draw_font``.

It needs Pillow (of the ``browser`` extra) and the font DejaVu Sans Mono.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from uniqc_mcp.plots import canvas

FONT: Final = "DejaVuSansMono.ttf"
SIZE: Final = 20
CHARACTERS: Final = "".join(map(chr, range(32, 127))) + "…"


def main() -> None:
    font = ImageFont.truetype(sys.argv[1] if len(sys.argv) > 1 else FONT, SIZE)
    ascent, descent = font.getmetrics()
    width, height = round(font.getlength("0")), ascent + descent
    levels = bytearray()
    for character in CHARACTERS:
        image = Image.new("L", (width, height))
        ImageDraw.Draw(image).text((0, 0), character, font=font, fill=255)
        levels += bytes(round(pixel * canvas.LEVELS / 255) for pixel in image.tobytes())
    drawn = {
        "font": f"{' '.join(filter(None, font.getname()))} {SIZE} px",
        "width": width,
        "height": height,
        "characters": CHARACTERS,
        "levels": base64.b64encode(zlib.compress(bytes(levels), 9)).decode(),
    }
    text = json.dumps(drawn, ensure_ascii=False, indent=1)
    Path(canvas.__file__).with_name("font.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
