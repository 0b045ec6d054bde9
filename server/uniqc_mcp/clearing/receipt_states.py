"""The states of a clear in words."""

from __future__ import annotations

from typing import Final

STATES: Final = {
    "open": "interrupted or under way",
    "done": "done",
    "cancelled": "ended early",
}
"""Words for the state of a receipt."""
