"""The database of the shared store: its tables, connections, and what a machine sends to it.

It imports psycopg, which only the extra ``uniqc-mcp[lab]`` installs, and nothing of ``lab.store``.
"""
