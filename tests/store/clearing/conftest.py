"""Fixtures of a cache that may be cleared."""

from tests.clearing_cache import (
    anyio_backend,
    cache,
    mode,
    person,
    spawn,
)

__all__ = [
    "anyio_backend",
    "cache",
    "mode",
    "person",
    "spawn",
]
