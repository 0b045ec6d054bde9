"""A message that was held up on its way, and arrives after those that came later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
from tests.lab.share.sharing import content_of
from tests.lab.share.test_loop import changed, in_step, quick_and_apart, sharing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.share.fake_server import FakeServer
    from tests.lab.share.test_loop import Run

    from uniqc_mcp.lab.exchange import Task

__all__ = ["quick_and_apart"]

SET_SHOTS = "UPDATE tasks SET shots = {} WHERE task_id = (SELECT min(task_id) FROM tasks)"


class SlowProxy:
    """A proxy that gives up on the first push, and delivers it when it is told to."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self.held: httpx2.Request | None = None
        server.before = self._hold

    def _hold(self, request: httpx2.Request) -> None:
        if self.held is None and request.url.path.endswith("push"):
            self.held = request
            raise httpx2.ReadTimeout("no answer", request=request)

    def deliver(self) -> httpx2.Response:
        assert self.held is not None
        return self._server.answer(self.held)


def first_task(cache: Path, server: FakeServer) -> Task | None:
    """Return the first task of the file, as the server has it."""
    if not server.stores:
        return None
    return server.store.tasks.get(min(key for key in content_of(cache) if not key[1]))


def test_a_late_push_undoes_nothing_and_ends_nothing(cache: Path, server: FakeServer) -> None:
    proxy = SlowProxy(server)

    def shots() -> int:
        task = first_task(cache, server)
        return task.shots if task is not None else 0

    with sharing(cache, server, every=0.2) as run:
        in_step(server, cache)
        changed(cache, SET_SHOTS.format(77))
        server.wait_for(lambda: shots() == 77)
        two_passes(server, run)
        late = proxy.deliver()
        two_passes(server, run)
    assert run.error is None
    assert shots() == 77
    assert late.status_code == 409


def test_a_push_that_was_taken_without_an_answer_is_no_other_computer(
    cache: Path, server: FakeServer
) -> None:
    def lose_answer(request: httpx2.Request) -> None:
        if request.url.path.endswith("push"):
            server.before = lambda _: None
            server.answer(request)
            raise httpx2.ReadTimeout("no answer", request=request)

    with sharing(cache, server, every=0.2) as run:
        in_step(server, cache)
        server.before = lose_answer
        changed(cache, SET_SHOTS.format(77))
        server.wait_for(lambda: 'shots":77' in str(server.requests[-1]) or run.error is not None)
        two_passes(server, run)
    assert run.error is None


def two_passes(server: FakeServer, run: Run) -> None:
    seen = len(server.requests)
    server.wait_for(lambda: len(server.requests) > seen + 3 or run.error is not None)
