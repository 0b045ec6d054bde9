"""`include=plot` of get_task: a PNG image of the histogram, beside the text and the structure."""

from __future__ import annotations

import base64
import struct
import subprocess
import sys
import zlib
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from mcp_types import ImageContent
from tests.server.records.test_result_cases import task

from uniqc_mcp.plots import histogram
from uniqc_mcp.plots.canvas import Font
from uniqc_mcp.results.bars import bars_by_bits
from uniqc_mcp.results.summary import Outcome

if TYPE_CHECKING:
    from mcp_types import CallToolResult
    from tests.server.conftest import Cache

pytestmark = pytest.mark.anyio

ID = "task-000001"
COLORS = len(histogram._COLORS)  # pyright: ignore[reportPrivateUsage]


class Image:
    """A PNG image, decoded by itself: every chunk is checked."""

    def __init__(self, data: bytes) -> None:
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        chunks, place = dict[bytes, bytes](), 8
        while place < len(data):
            (length,) = struct.unpack(">I", data[place : place + 4])
            kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
            (sum_of_it,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
            assert sum_of_it == zlib.crc32(kind + content)
            chunks[kind] = content
            place += 12 + length
        assert [*chunks] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
        self.width, self.height, depth, kind_of_color = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
        assert (depth, kind_of_color) == (8, 3)
        rows = zlib.decompress(chunks[b"IDAT"])
        assert len(rows) == self.height * (self.width + 1)
        self.palette = chunks[b"PLTE"]
        assert max(rows) < len(self.palette) // 3
        self.rows = [
            rows[start + 1 : start + 1 + self.width]
            for start in range(0, len(rows), self.width + 1)
        ]

    @property
    def bars(self) -> list[int]:
        """The lengths of the bars in pixels, from top to bottom."""
        color = len(self.palette) // 3 - COLORS
        lengths = (row.count(color) for row in self.rows)
        return [length for length, _ in groupby(lengths) if length]


async def plotted(cache: Cache, **arguments: Any) -> tuple[CallToolResult, Image | None]:
    async with cache.client() as client:
        result = await client.call_tool("get_task", {"task_id": ID, "include": "plot"} | arguments)
    images = [one for one in result.content if isinstance(one, ImageContent)]
    if not images:
        return result, None
    (image,) = images
    assert image.mime_type == "image/png"
    return result, Image(base64.b64decode(image.data))


def text_of(result: CallToolResult) -> str:
    (text,) = (one.text for one in result.content if one.type == "text")
    return text


async def test_the_bars_are_as_long_as_the_counts_in_the_order_of_the_bits(cache: Cache) -> None:
    counts = {"00": 500, "01": 125, "10": 250, "11": 125}
    cache.write(task(counts, backend="originq:WK_C180"), version=5)
    result, image = await plotted(cache)
    assert image is not None
    longest = image.bars[0]
    assert image.bars == pytest.approx([longest, longest / 4, longest / 2, longest / 4], abs=1)
    note = "Plot attached: a PNG image of 4 outcomes in the order of their bits."
    assert note in text_of(result)
    assert result.structured_content is not None
    assert note in result.structured_content["store"]["notes"]
    assert "plot" not in result.structured_content


@pytest.mark.parametrize("outcomes", [32, 33, 900])
async def test_each_outcome_with_a_bar_is_in_both_channels(cache: Cache, outcomes: int) -> None:
    counts = {f"{state:010b}": 1_000 - state for state in range(outcomes)}
    cache.write(task(counts, backend="originq:WK_C180"), version=5)
    result, image = await plotted(cache)
    assert image is not None
    assert len(image.bars) == 32
    structure, text = result.structured_content, text_of(result)
    assert structure is not None
    told = [one["bits"] for one in structure["task"]["result"]["outcomes"]]
    assert told == [f"{state:010b}" for state in range(32)]
    assert all(bits in text for bits in told)
    assert ("the sum of the others" in text) == (outcomes > 32)


async def test_each_circuit_of_a_batch_has_a_panel(cache: Cache) -> None:
    batch = [{"counts": {"0": 300 * place, "1": 100}} for place in range(1, 7)]
    cache.write(task(batch, backend="originq:WK_C180", batch_size=6), version=5)
    result, image = await plotted(cache)
    assert image is not None
    assert len(image.bars) == 2 * 4
    assert "a PNG image of 4 of 6 circuits" in text_of(result)


async def test_a_task_without_a_result_says_why_it_has_no_plot(cache: Cache) -> None:
    cache.write({"status": "running"}, version=5)
    result, image = await plotted(cache)
    assert image is None
    assert 'No plot: The task has no result to plot; its status is "running".' in text_of(result)


async def test_a_plot_goes_with_the_first_page_of_a_whole_part(cache: Cache) -> None:
    counts = {f"{state:020b}": 1 + state for state in range(3_000)}
    cache.write(task(counts, backend="originq:WK_C180"), version=5)
    include = ["plot", "result"]
    first, image = await plotted(cache, include=include)
    assert image is not None
    assert first.structured_content is not None
    assert first.structured_content["included"][0]["part"] == "result"
    cursor = first.structured_content["next_cursor"]
    second, image = await plotted(cache, include=include, cursor=cursor)
    assert image is None
    assert second.structured_content is not None
    assert second.structured_content["included"][0]["start"] > 0


async def test_a_cursor_for_the_plot_alone_is_refused(cache: Cache) -> None:
    cache.write({}, version=5)
    arguments = {"task_id": ID, "include": ["plot"], "cursor": "result:1:0123456789ab"}
    assert "cursor goes with include" in await cache.refusal("get_task", arguments)


async def test_texts_that_no_glyph_is_drawn_for_make_an_image_too(cache: Cache) -> None:
    name = "量子 \u202e<b>name</b>" + "x" * 500
    cache.write(task({"0" * 400: 3, "1" * 400: 5}, backend="b" * 300, task_name=name), version=5)
    _, image = await plotted(cache)
    assert image is not None
    assert len(image.bars) == 2


def test_no_plot_is_drawn_and_nothing_imported_for_it_until_asked() -> None:
    code = f"import sys, uniqc_mcp.server\nprint({histogram.__name__!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_negative_count_has_no_bar_and_the_image_stays_small() -> None:
    outcomes = [Outcome(bits=f"{i:0127b}", count=i - 3, probability=None) for i in range(32)]
    bars = bars_by_bits(outcomes, 32)
    data = histogram.draw(["heading"], [histogram.Panel(title="", bars=bars)])
    assert len(Image(data).bars) == 28
    assert len(data) < 32 * 1024


def test_the_font_has_each_printable_character_of_ascii() -> None:
    font = Font.read()
    characters = "".join(map(chr, range(32, 127)))
    assert font.shown(characters) == characters
    inked = [one for one in characters if any(font.glyphs[one])]
    assert inked == [*characters[1:]]
    assert all(len(glyph) == font.width * font.height for glyph in font.glyphs.values())
