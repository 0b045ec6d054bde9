"""A laboratory's shared store: tasks of many people in PostgreSQL, which one server answers from.

``uniqc-mcp share`` on each machine sends its tasks, and ``uniqc-mcp lab serve`` answers for all of
them. Both need the extra ``uniqc-mcp[lab]``, whose packages nothing else imports.
"""
