"""Notices what other processes change in a store, by polling its file.

It may import everything else of the store except ``clearing``.
"""
