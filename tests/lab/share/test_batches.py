"""The size of messages behind a proxy that takes smaller ones than the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.records import StoredTask
from tests.lab.messages import push_of
from tests.lab.share.fake_server import FakeServer, problem
from tests.lab.share.sharing import STORE_ID

from uniqc_mcp.lab.exchange import MAX_BATCH_BYTES
from uniqc_mcp.lab.share.batches import Batches

if TYPE_CHECKING:
    import httpx2

PROXYS_LIMIT = 2**20
"""That of nginx, where its configuration says nothing else."""


def test_messages_stay_near_the_limit_of_a_proxy() -> None:
    server = FakeServer()

    def refuse_large(request: httpx2.Request) -> httpx2.Response | None:
        return problem(413, "too large") if len(request.read()) > PROXYS_LIMIT else None

    server.before = refuse_large
    batches = Batches(server.client(), STORE_ID)
    metadata = '{"note": "' + "a " * 20_000 + '"}'
    tasks = push_of(
        enumerate(StoredTask(task_id=f"uqt_{n}", metadata=metadata) for n in range(260))
    ).tasks
    for task in tasks:
        batches.add(task)
    batches.flush()
    sent = sum(len(task.model_dump_json()) for task in tasks)
    assert sent > 1.1 * MAX_BATCH_BYTES
    assert len(server.store.tasks) == len(tasks)
    # Half of the limit is the least that a message is filled to, but for halves of the first ones.
    assert len(server.requests) < 2 * sent / (PROXYS_LIMIT / 2)
