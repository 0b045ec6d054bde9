"""The wire: transport, messages, strict tools, threads and errors of the protocol.

It may import responses, errors and safety, and knows nothing of any single tool.
"""
