"""``uniqc-mcp share``: sends what is in one cache directory to the server of a laboratory.

The file is only read. Each text is redacted before it is sent, and the server's state is compared
with the file's, so that a pass repairs whatever a kill, an outage or a restored backup left.
"""
