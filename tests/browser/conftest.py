"""One browser for all tests, and a cache for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.browser.host import running_browser
from tests.server.conftest import Cache

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from playwright.async_api import Browser


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def browser() -> AsyncGenerator[Browser]:
    async with running_browser() as browser:
        yield browser


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)
