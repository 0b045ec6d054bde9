"""An unattended agent that clears finished tasks within the limits of its operator.

Run it without arguments for a sample cache, or from cron with the directory of a cache:

    python examples/nightly_cleanup.py ~/.uniqc/cache

It takes some three seconds, and needs no model and no key. It prints what it cleared and how to
undo that.
"""

import sys
import tempfile
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client

from common.answers import NoAnswerError, call, run
from uniqc_mcp.cli.sample import make_sample

# The operator's limits. Tasks of the sample are new, so there the age is not limited.
LIMITS = ["--allow-clear", "success,cancelled", "--max-rows", "1000", "--confirm", "plan"]
MIN_AGE = ["--min-age", "30d"]


async def clear_old_tasks(cache_dir: Path, limits: list[str]) -> None:
    """Plan a clear, print the plan, and carry it out."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "uniqc_mcp", "--cache-dir", str(cache_dir), *limits]
    )
    async with Client(stdio_client(server)) as client:
        plan = await call(client, "clear_tasks", {})
        for group in plan.get("groups", []):
            print(f"to clear: {group['count']} {group['status']} on {group['backend']}")
        for reason in plan.get("excluded", []):
            print(f"to keep: {reason['count']}, {reason['reason']}")
        if "plan_id" not in plan:
            print(plan["message"])
            return
        done = await call(client, "clear_tasks", {"plan_id": plan["plan_id"]})
        if done["state"] != "cleared":
            raise NoAnswerError(done["message"])
        print(f"cleared {done['cleared']} tasks")
        print(f"to undo: uniqc-mcp restore {done['receipt']} --cache-dir {cache_dir}")


def main() -> None:
    """Clear the given cache, or a sample."""
    if len(sys.argv) > 1:
        run(lambda: clear_old_tasks(Path(sys.argv[1]), [*LIMITS, *MIN_AGE]))
        return
    with tempfile.TemporaryDirectory() as directory:
        make_sample(Path(directory))
        run(lambda: clear_old_tasks(Path(directory), LIMITS))


if __name__ == "__main__":
    main()
