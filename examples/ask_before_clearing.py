"""A client that asks its user in the terminal before finished tasks are cleared.

It takes some three seconds, and as long as the user thinks. Run it without arguments for a sample
cache, or with the directory of a cache. Without a terminal, as in CI, it types the number for the
user, and undoes the clear at the end.

    python examples/ask_before_clearing.py ~/.uniqc/cache
"""

import re
import sys
import tempfile
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from common.answers import call, run
from uniqc_mcp.cli.sample import make_sample


async def ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Put the question of the server to the user, and return the answer."""
    del context
    print(f"\n  {params.message}")
    if sys.stdin.isatty():
        typed = await anyio.to_thread.run_sync(input, "  > ")
    else:
        typed = re.findall(r"Type (\d+)", params.message)[0]
        print(f"  > {typed}")
    if not typed.strip().isdecimal():
        return ElicitResult(action="decline")
    return ElicitResult(action="accept", content={"tasks_to_clear": int(typed)})


async def clear(cache_dir: Path) -> None:
    """Plan a clear of successful tasks, and clear them if the user agrees."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "uniqc_mcp", "--cache-dir", str(cache_dir), "--allow-clear", "success"],
    )
    async with Client(stdio_client(server), elicitation_callback=ask) as client:
        plan = await call(client, "clear_tasks", {"status": "success"})
        if "plan_id" not in plan:
            print(plan["message"])
            return
        print(f"The plan is to clear {plan['planned']} tasks.")
        done = await call(client, "clear_tasks", {"plan_id": plan["plan_id"]})
        print(f"\n{done['message']}")
        if "receipt" in done and not sys.stdin.isatty():
            undone = await call(client, "undo_clear", {"receipt": done["receipt"]})
            print(f"and undone: {undone}")


def main() -> None:
    """Clear the given cache, or a sample."""
    if len(sys.argv) > 1:
        run(lambda: clear(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as directory:
        make_sample(Path(directory))
        run(lambda: clear(Path(directory)))


if __name__ == "__main__":
    main()
