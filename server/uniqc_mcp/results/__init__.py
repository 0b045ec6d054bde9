"""Summaries of the results that quantum platforms return, from whatever uniqc stored of them.

Imports nothing of this package outside its own folder, and the store's types only.
"""
