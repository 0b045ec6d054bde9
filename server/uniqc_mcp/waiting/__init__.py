"""The tool wait_for_tasks: it returns once tasks change status, or after a bounded time.

May import subscriptions, tasks, responses, safety and the store, but no other tool's folder.
"""
