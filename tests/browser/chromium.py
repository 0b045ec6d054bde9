"""The browser of this machine."""

from __future__ import annotations

import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
NO_BROWSER: Final = "The tests of the views need Chromium: apt-get install chromium fonts-noto-cjk"


def browser_path() -> str:
    """Return the path of the browser.

    Raises:
        RuntimeError: There is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError(NO_BROWSER)
    return found
