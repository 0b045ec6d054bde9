"""Take the pictures of the documentation: ``python -m tests.browser.screenshots``.

It needs Chromium, with fonts for Chinese, and the ``browser`` extra. The times are those of now.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from PIL import Image
from tests.browser.host import Host, running_browser, shown

from uniqc_mcp.server import build_server
from uniqc_store import TaskInfo, TaskStore

if TYPE_CHECKING:
    from playwright.async_api import Browser

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
WIDTH: Final = 880
ERROR: Final = "HTTP 401 Unauthorized: invalid token"
ACTIVE: Final = (
    ("vqe step 18", "originq:WK_C180", "pending", 1000, 4),
    ("qaoa depth 3", "quark:Baihua", "running", 4000, 50),
    ("量子相位估计 第2轮", "tianyan:tianyan176", "running", 2000, 75),
    ("vqe step 17", "originq:WK_C180", "running", 1000, 120),
    ("ghz-7 readout", "ibm:ibm_fez", "QUEUED", 8192, 310),
    ("表面码 d=3", "originq:WK_C180", "pending", 5000, 560),
    ("randomized benchmarking 12", "ibm:ibm_marrakesh", "QUEUED", 1024, 1500),
)


def bell_like(width: int, outcomes: int, shots: int, seed: int) -> dict[str, int]:
    rng = random.Random(seed)
    keys = ["0" * width, "1" * width]
    keys += [f"{state:0{width}b}" for state in rng.sample(range(1, 2**width - 1), outcomes - 2)]
    weights = [rng.uniform(0.36, 0.42), rng.uniform(0.34, 0.4)]
    weights += [0.25 * rng.expovariate(1.0) / outcomes for _ in keys[2:]]
    drawn = rng.choices(keys, weights, k=shots)
    return {key: drawn.count(key) for key in keys if key in drawn}


def fill(store: TaskStore) -> list[str]:
    """Save the tasks of the pictures and return the ids of those with a result."""
    now, ids = datetime.now(UTC), list[str]()
    circuit = "QINIT 5\nCREG 5\nH q[0]\n" + "".join(f"MEASURE q[{i}], c[{i}]\n" for i in range(5))
    for number, (name, backend, status, shots, minutes) in enumerate(ACTIVE):
        metadata: dict[str, Any] = {"task_name": name}
        task = TaskInfo(
            task_id=f"uqt_{number:04x}{'7c1e9a4b' * 3}0a1f",
            backend=backend,
            status=status,
            shots=shots,
            metadata=metadata,
        )
        task.submit_time = (now - timedelta(minutes=minutes)).isoformat()
        store.save(task)
        touch(store, task.task_id, now - timedelta(seconds=minutes * 11))
    for number in range(3):
        task = TaskInfo(
            task_id=f"uqt_{0xB0 + number:04x}{'51f2d07c' * 3}9e3d",
            backend="originq:WK_C180",
            status="success",
            shots=4000,
            metadata={
                "task_name": f"ghz-5 run {number + 1}",
                "circuit_ir": circuit,
                "circuit_language": "OriginIR",
            },
        )
        task.result = {**bell_like(5, 24, 4000, number)}
        task.submit_time = (now - timedelta(hours=20 - number)).isoformat()
        store.save(task)
        ids.append(task.task_id)
    return ids


def touch(store: TaskStore, task_id: str, time: datetime) -> None:
    """Set the time of the last update, which a save sets to now."""
    with closing(sqlite3.connect(store.db_path)) as connection:
        connection.execute(
            "UPDATE tasks SET update_time = ? WHERE task_id = ?", (time.isoformat(), task_id)
        )
        connection.commit()


async def save(host: Host, name: str) -> None:
    """Save a picture of a view in few colours, which makes it a third of the size."""
    await anyio.sleep(1)
    taken = await host.tab.locator("#view").screenshot(animations="disabled")
    image = Image.open(BytesIO(taken)).convert("RGB")
    reduced = image.quantize(160, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    reduced.save(IMAGES / name, optimize=True)


async def take(browser: Browser, store: TaskStore, ids: list[str]) -> None:
    server = build_server(TaskStore(store.db_path.parent, read_only=True))
    options: dict[str, Any] = {
        "size": (WIDTH, 1400),
        "tab": {"device_scale_factor": 2},
        "resizes": True,
    }
    for theme in ("light", "dark"):
        options["context"] = {"theme": theme}
        async with shown(browser, server, "list_tasks", {}, **options) as host:
            await host.view.locator(".body .row").nth(len(ACTIVE) - 1).wait_for()
            await anyio.sleep(0.5)
            done = TaskInfo(
                task_id=f"uqt_{1:04x}{'7c1e9a4b' * 3}0a1f",
                backend="quark:Baihua",
                status="success",
                shots=4000,
                metadata={"task_name": "qaoa depth 3"},
            )
            store.save(done)
            await host.view.locator(".fresh").first.wait_for()
            await anyio.sleep(1)
            await save(host, f"board-{theme}.png")
            done.status = "running"
            store.save(done)
        async with shown(browser, server, "get_task", {"task_id": ids[0]}, **options) as host:
            await host.view.locator(".body .row").nth(8).wait_for()
            await save(host, f"result-{theme}.png")
        asked = {"task_ids": ids}
        async with shown(browser, server, "compare_tasks", asked, **options) as host:
            await host.view.locator("article").nth(2).wait_for()
            await host.view.locator(".body .row").nth(8).wait_for()
            await save(host, f"compare-{theme}.png")


async def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home  # the footer of a view names the file from there
        store = TaskStore(Path(home, ".uniqc", "cache"))
        ids = fill(store)
        async with running_browser() as browser:
            await take(browser, store, ids)
    print(json.dumps({path.name: path.stat().st_size for path in sorted(IMAGES.glob("*.png"))}))


if __name__ == "__main__":
    anyio.run(main)
