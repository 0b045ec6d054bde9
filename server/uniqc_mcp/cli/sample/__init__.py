"""A sample cache, with records as uniqc 0.1.1 writes them, for users who have none yet."""

from uniqc_mcp.cli.sample.file import SampleRefusedError, make_sample

__all__ = ["SampleRefusedError", "make_sample"]
