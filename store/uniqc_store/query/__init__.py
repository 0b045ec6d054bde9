"""Queries: from a filter to its conditions in SQL, and from these to pages, counts and completions.

May import ``uniqc_store.database`` and the values at the top of the package.
"""
