"""Ask a server from Python for the active tasks, and read the newest one as a resource.

It takes some three seconds. Run it without arguments for a sample cache, or with the directory of a
cache:

    python examples/ask.py ~/.uniqc/cache
"""

import sys
import tempfile
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client

from common.answers import call, run
from uniqc_mcp.cli.sample import make_sample


async def ask(cache_dir: Path) -> None:
    """Print the active tasks of a cache, and the size of the resource of the newest."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "uniqc_mcp", "--cache-dir", str(cache_dir)]
    )
    async with Client(stdio_client(server)) as client:
        active = await call(client, "list_tasks", {"status": "active", "limit": 5})
        print(f"{active['total']} tasks are active")
        for task in active.get("tasks", []):
            name = task.get("name", task["task_id"])
            print(f"  {task['status']:>8}  {name} on {task['backend']}")
        if active.get("tasks"):
            newest = active["tasks"][0]["task_id"]
            resource = await client.read_resource(f"uniqc://task/{newest}")
            print(f"the newest one, as a resource: {len(str(resource.contents))} characters")


def main() -> None:
    """Ask about the given cache, or about a sample."""
    if len(sys.argv) > 1:
        run(lambda: ask(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as directory:
        make_sample(Path(directory))
        run(lambda: ask(Path(directory)))


if __name__ == "__main__":
    main()
