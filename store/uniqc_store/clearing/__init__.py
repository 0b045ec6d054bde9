"""Clears of finished tasks that can be undone: the plan, the copies, the removal and the undo.

It may import ``snapshot``, ``query``, ``database`` and the top-level values, but not ``watch``.
"""
