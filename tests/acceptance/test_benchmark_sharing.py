"""The passes of ``share`` that are measured send everything, and have a value for each bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from benchmarks.bars import BARS
from benchmarks.measure import sharing
from benchmarks.mix import Mix
from benchmarks.stores import build
from benchmarks.verdicts import judge

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from benchmarks.setting import Setting


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    made = {size: tmp_path_factory.mktemp(f"shared-{size}") for size in (100, 300)}
    for size, directory in made.items():
        build(directory, Mix(size=size).tasks())
    return made


@dataclass(frozen=True, slots=True)
class SmallSetting:
    """The part of a setting that this subject reads."""

    stores: dict[int, Path]
    repeats: int = 1

    def caches(self) -> dict[int, Path]:
        return self.stores

    def tell(self, what: str) -> None:
        assert "sharing" in what


def test_every_bar_on_sharing_is_measured(stores: dict[int, Path]) -> None:
    measured = sharing.measure(cast("Setting", SmallSetting(stores)))
    bars = [bar for bar in BARS if bar.group == sharing.GROUP]
    assert len(bars) == 3
    for bar in bars:
        assert judge(bar, measured).comparisons


def test_the_measured_pass_sends_every_task(stores: dict[int, Path]) -> None:
    bodies: list[bytes] = []

    class Noting(sharing.Lacking):
        def answer(self, request: httpx2.Request) -> httpx2.Response:
            bodies.append(request.read())
            return super().answer(request)

    sharing.share(stores[300], Noting())
    assert b"".join(bodies).count(b'"fingerprint":') == 300
