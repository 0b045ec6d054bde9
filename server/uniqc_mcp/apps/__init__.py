"""Views that a host shows beside an answer (MCP Apps): a board of tasks, and a result.

Each is one HTML page made of the files here; it asks the tools through the host. It imports the
SDK.
"""
