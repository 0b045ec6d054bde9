"""A laboratory's server over HTTP: MCP at ``/mcp``, what machines send at ``/share/v1``, health.

May import ``lab.answers``, ``lab.access`` and ``lab.exchange``; what it asks of a database it is
given.
"""
