"""Clients of others against this server: ``python -m tests.clients``.

Each client is installed, pinned, in an environment of its own, and runs a program of ``programs/``
there. The server runs in this environment, as it does for users.
"""
