"""An MCP server over the task cache of UnifiedQuantum (``uniqc``)."""

__version__ = "0.1.0"
