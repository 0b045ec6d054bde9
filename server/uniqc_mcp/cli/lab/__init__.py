"""The commands ``uniqc-mcp lab``, for whoever runs the server of a laboratory."""
