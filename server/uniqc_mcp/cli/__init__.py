"""The command ``uniqc-mcp``. It may import every other folder; none of them imports it."""
