"""Meaning of a record: its circuits, its numbers and bits, what became of it.

Pure functions over the store's public types and `results`; imports nothing of `tasks`. Nothing is
sanitized here: the views in `tasks` do that.
"""
