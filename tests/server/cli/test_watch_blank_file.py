"""A watch until idle on a file without a table of tasks, which tells of no task at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.server.cli.test_watch import feed_of

if TYPE_CHECKING:
    from tests.server.conftest import Cache


def test_a_file_of_no_bytes_is_not_idle_until_it_has_tasks(cache: Cache) -> None:
    cache.path.write_bytes(b"")
    feed = feed_of(cache)
    feed.events()
    assert not feed.is_idle()
    cache.write({"status": "success"})
    feed.events()
    assert feed.is_idle()
