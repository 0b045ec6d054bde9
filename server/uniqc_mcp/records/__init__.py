"""The meaning of a task's record, as pure functions over the store's values.

Imports `results` and the store's public names. Nothing here is sanitized; the views do that.
"""
