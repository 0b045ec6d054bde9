"""``uniqc-mcp watch``: the tasks of a store as they change. It imports no other command."""
