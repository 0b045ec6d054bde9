"""The tool wait_for_tasks: it returns once tasks change status, or after a bounded time.

May import what tasks may, tasks itself, the context and subscriptions, but not clearing.
"""
