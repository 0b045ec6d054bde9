"""Use the store without a server: save, update, search, count and clear tasks.

It takes less than a second.
"""

import tempfile

from uniqc_store import InvalidValueError, TaskFilter, TaskInfo, TaskStore


def main() -> None:
    """Run through the API on a temporary cache."""
    with tempfile.TemporaryDirectory() as directory:
        store = TaskStore(directory)
        for step in range(5):
            task = TaskInfo(
                task_id=f"vqe-{step}",
                backend="originq:WK_C180",
                status="running",
                metadata={"task_name": f"vqe step {step}"},
            )
            store.save(task)

        done = store.get("vqe-0")
        if done is None:
            raise SystemExit("a task that was saved is gone")
        done.status, done.result = "success", {"00": 507, "11": 493}
        store.save(done)

        page = store.search(TaskFilter(status="active", name_contains="STEP"), limit=3)
        print(f"{len(page.records)} of {page.total} active tasks:")
        for record in page.records:
            print(f"  {record.task_id} {record.name!r}")
        for group in store.tally(TaskFilter(), by=("status",)):
            print(f"{group.count} {group.status}")

        try:
            store.save(TaskInfo(task_id="bad", backend="originq", result=float("nan")))
        except InvalidValueError as error:
            print(f"refused: {error}")
        print(f"cleared {store.clear_completed()} finished task")


if __name__ == "__main__":
    main()
